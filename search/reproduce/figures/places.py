"""Explored points on one map for all strategies: t-SNE of their parameters.

L. van der Maaten, G. Hinton, "Visualizing Data using t-SNE", JMLR 2008. A point is its digits,
each as a share of its choices. Many infeasible points are sampled, feasible ones and maxima are
preferred; all strategies are embedded together, so that a place means the same on all maps.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from apollo.arch.space import Space
from apollo.search.report.embedding import placed
from apollo.search.report.sample import spread

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

MOST_POINTS = 700  # of a strategy


def map_rows(
    logs: "Mapping[str, pd.DataFrame]", space: Space, most: int = MOST_POINTS
) -> "pd.DataFrame":
    """Sampled rows of all strategies with their places `x` and `y`."""
    import pandas as pd

    parts = [sampled(log, most).assign(optimizer=name) for name, log in logs.items()]
    rows = pd.concat(parts, ignore_index=True)
    points = rows.point.drop_duplicates().to_numpy()
    places = dict(zip(points.tolist(), placed(features_of(points, space)).tolist(), strict=True))
    xy = np.array([places[point] for point in rows.point.tolist()])
    return rows.assign(x=xy[:, 0], y=xy[:, 1])


def sampled(log: "pd.DataFrame", most: int) -> "pd.DataFrame":
    """Different points in the order of the search: of each half of the places, spread evenly."""
    once = log.drop_duplicates("point")
    if len(once) <= most:
        return once
    best = once[once.feasible].nlargest(most // 10, "reward").index
    feasible = once[once.feasible & ~once.index.isin(best)].index.tolist()
    others = once[~once.feasible].index.tolist()
    left = most - len(best)
    few = min(len(others), max(left // 2, left - len(feasible)))
    kept = [*best, *spread(others, few), *spread(feasible, left - few)]
    return once.loc[sorted(kept)]


def features_of(points: npt.NDArray[np.int64], space: Space) -> Floats:
    """[N, D] The digits of points [N], each as a share of its choices."""
    digits = np.array([space.digits_of(point) for point in points.tolist()])
    shares: Floats = digits / np.maximum(1, np.array(space.radices) - 1)
    return shares

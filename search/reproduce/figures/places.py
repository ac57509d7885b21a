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

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

MOST_POINTS = 700  # of a strategy
_PERPLEXITY, _STEPS = 30, 500


def map_rows(
    logs: "Mapping[str, pd.DataFrame]", space: Space, most: int = MOST_POINTS
) -> "pd.DataFrame":
    """Sampled rows of all strategies with their places `x` and `y`."""
    import pandas as pd

    parts = [sampled(log, most).assign(optimizer=name) for name, log in logs.items()]
    rows = pd.concat(parts, ignore_index=True)
    points = rows.point.drop_duplicates().to_numpy()
    places = dict(zip(points.tolist(), embedded(points, space).tolist(), strict=True))
    xy = np.array([places[point] for point in rows.point.tolist()])
    return rows.assign(x=xy[:, 0], y=xy[:, 1])


def sampled(log: "pd.DataFrame", most: int) -> "pd.DataFrame":
    """Different points in the order of the search: of each half of the places, spread evenly."""
    once = log.drop_duplicates("point")
    if len(once) <= most:
        return once
    best = once[once.feasible].nlargest(most // 10, "reward").index
    feasible = once[once.feasible & ~once.index.isin(best)].index.to_numpy()
    others = once[~once.feasible].index.to_numpy()
    left = most - len(best)
    few = min(len(others), max(left // 2, left - len(feasible)))
    kept = [*best, *_spread(others, few), *_spread(feasible, left - few)]
    return once.loc[sorted(kept)]


def embedded(points: npt.NDArray[np.int64], space: Space) -> Floats:
    """Places [N, 2] of points [N], the same for the same points."""
    from sklearn.manifold import TSNE  # slow to import

    radices = np.array(space.radices)
    digits = np.array([space.digits_of(point) for point in points.tolist()])
    features = digits / np.maximum(1, radices - 1)
    perplexity = min(_PERPLEXITY, (len(points) - 1) / 3)
    model = TSNE(perplexity=perplexity, max_iter=_STEPS, init="pca", random_state=0, n_jobs=1)
    places: Floats = model.fit_transform(features).astype(np.float64).round(2)
    return places


def _spread(items: npt.NDArray[np.int64], most: int) -> list[int]:
    """At most so many, evenly from the first to the last."""
    if len(items) <= most:
        kept: list[int] = items.tolist()
        return kept
    places = np.linspace(0, len(items) - 1, most).astype(int)
    chosen: list[int] = items[places].tolist()
    return chosen

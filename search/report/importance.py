"""How much each parameter matters: what a forest loses when its values are mixed up.

Permutation importance (Breiman, "Random Forests", 2001) on trials that the forest was not fitted
to; two forests, one for whether a design is feasible, one for the reward of those that are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from apollo.search.report.features import Floats, features_of
from apollo.search.report.sample import spread
from apollo.search.report.theme import BEST, CAUSES, Figure, figure_of, words
from apollo.search.trial import Trial

Ints = npt.NDArray[np.int64]

_LEAST, _MOST = 40, 3000  # trials that a forest is fitted to
_TREES, _REPEATS = 100, 8


@dataclass(frozen=True)
class Importance:
    """What a forest says of a log.

    Attributes:
        names: of the parameters that vary.
        losses: of each, what the score loses when its values are mixed up.
        score: on trials that the forest has not seen; 1 is perfect, 0 knows nothing.

    """

    names: tuple[str, ...]
    losses: tuple[float, ...]
    score: float


def importance_of_reward(trials: Sequence[Trial]) -> Importance | None:
    """For the reward of the feasible trials; None where they are too few or all equal."""
    feasible = [trial for trial in trials if trial.feasible]
    rewards = np.array([trial.reward for trial in feasible])
    return _importance(feasible, rewards)


def importance_of_feasibility(trials: Sequence[Trial]) -> Importance | None:
    """For whether a trial is feasible; None where they are too few or all are, or none."""
    return _importance(trials, np.array([float(trial.feasible) for trial in trials]))


def _importance(trials: Sequence[Trial], wanted: Floats) -> Importance | None:
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    rows = spread(range(len(trials)), _MOST)
    names, features = features_of([trials[row] for row in rows])
    target = wanted[rows]
    seen, unseen = _split(len(rows))
    is_flat = any(np.ptp(target[part]) == 0 for part in (seen, unseen) if len(part))
    if len(rows) < _LEAST or not names or is_flat:
        return None
    forest = RandomForestRegressor(_TREES, min_samples_leaf=2, random_state=0)
    forest.fit(features[seen], target[seen])
    score = float(forest.score(features[unseen], target[unseen]))
    mixed: Any = permutation_importance(
        forest, features[unseen], target[unseen], n_repeats=_REPEATS, random_state=0
    )
    losses = np.maximum(mixed.importances_mean, 0.0)
    return Importance(tuple(names), tuple(losses.tolist()), score)


def _split(count: int) -> tuple[Ints, Ints]:
    """Two thirds and one third, at random but always the same."""
    order = np.random.default_rng(0).permutation(count)
    return order[: 2 * count // 3], order[2 * count // 3 :]


def importance_figure(reward: Importance | None, feasibility: Importance | None) -> Figure:
    """Bars of both, what matters most for the reward on top."""
    parts = [(reward, "for the reward", BEST), (feasibility, "for being feasible", CAUSES[0])]
    known = [(each, name, fill) for each, name, fill in parts if each is not None]
    first = known[0][0]
    order = [name for _, name in sorted(zip(first.losses, first.names, strict=True))]
    traces = []
    for each, name, fill in known:
        losses = dict(zip(each.names, each.losses, strict=True))
        traces.append(
            {
                **{"type": "bar", "orientation": "h"},
                "name": f"{name} (score {each.score:.2f})",
                "x": [losses.get(parameter, 0.0) for parameter in order],
                "y": [words(parameter) for parameter in order],
                "marker": {"color": fill},
                "hovertemplate": "%{y}: %{x:.3f}<extra></extra>",
            }
        )
    height = 140 + 30 * len(order)
    return figure_of(traces, "loss of score", "", height, bargap=0.25)

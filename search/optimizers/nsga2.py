"""NSGA-II: evolution towards the whole front of several objectives.

Deb, Pratap, Agarwal and Meyarivan, IEEE Trans. Evol. Comput. 6(2), 2002. Breeding is that of the
evolutionary search; the best are here the points that fewest fronts lie before (non-dominated
sorting), and in a front those with most room around them: the crowding distance of a point is

    sum over objectives of (next - previous) / (greatest - least)                           (1)

among the points of its front in the order of that objective, infinite at both ends. The population
is the best of all points told, as if parents and children were always sorted together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from apollo.arch.space import RADICES
from apollo.search.optimizers.base import Ints
from apollo.search.optimizers.evolutionary import Evolutionary, EvolutionarySettings
from apollo.search.pareto import ranks_of
from apollo.search.trial import Trial

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class NSGA2Settings(EvolutionarySettings):
    """Settings as of the evolutionary search; tournaments are of two, and only the best stay."""

    tournament: int = 2
    elite: int = 64


class NSGA2(Evolutionary):
    """Breeds a front; see the module's docstring."""

    settings_type = NSGA2Settings

    def __init__(
        self, settings: Mapping[str, Any] | None = None, radices: Sequence[int] = RADICES
    ) -> None:
        """An optimizer that was told nothing; `settings` by name, defaults for the rest."""
        super().__init__(settings, radices)
        self._objectives: list[tuple[float, ...]] = []  # of every trial, none if infeasible

    def tell(self, trials: Sequence[Trial]) -> None:
        """Append trials to the log."""
        super().tell(trials)
        self._objectives += [trial.objectives for trial in trials]

    def _order(self, log: Ints) -> Ints:
        if len(log) == 0:
            return log
        objectives = np.array([self._objectives[position] for position in log])
        ranks = ranks_of(objectives)
        room = np.empty(len(log))
        for rank in range(int(ranks.max()) + 1):
            front = np.flatnonzero(ranks == rank)
            room[front] = crowding_distances(objectives[front])
        order: Ints = np.lexsort((np.arange(len(log)), -room, ranks))
        return order


def crowding_distances(front: Floats) -> Floats:
    """Equation (1) for the points of a front, [N, K]; [N]."""
    distances = np.zeros(len(front))
    for values in front.T:
        order = np.argsort(values, kind="stable")
        spread = values[order[-1]] - values[order[0]]
        distances[order[[0, -1]]] = np.inf
        if spread > 0:
            distances[order[1:-1]] += (values[order[2:]] - values[order[:-2]]) / spread
    return distances

"""Evolutionary search: population, tournaments, crossover, mutation, elitism.

A steady-state genetic algorithm as in Goldberg and Deb, "A comparative analysis of selection
schemes used in genetic algorithms" (1991), with the ageing of Real et al., "Regularized evolution
for image classifier architecture search" (2019):

1. The population is the `elite` best feasible points told so far, and the most recent feasible
   ones beside them, `population` in all. Infeasible points never enter it.
2. Each of two parents is the best of `tournament` members drawn with replacement.
3. With probability `crossover` a child takes each digit from either parent with probability 1/2,
   else it is a copy of the first parent.
4. With probability `mutation` a digit is replaced by one of its other values, drawn uniformly.
5. A child that was told before, or that repeats another of the same batch, is made again, at most
   `RETRIES` times.

Until `founders` feasible points are known, points are drawn at random, but no more than `initial`
of them unless nothing feasible is known at all. docs/optimizers.md justifies the defaults.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from apollo.arch.space import RADICES
from apollo.search.optimizers.base import Ints, Optimizer, Settings, check_integer, check_number
from apollo.search.optimizers.ranges import Range
from apollo.search.trial import Trial

RETRIES = 8


@dataclass(frozen=True)
class EvolutionarySettings(Settings):
    """Settings of the evolutionary search.

    Raises `ValueError` when one is out of its range.
    """

    ranges: ClassVar[Mapping[str, Range]] = {
        "tournament": Range(2, 12),
        "elite": Range(4, 60),
        "crossover": Range(0.0, 1.0),
        "mutation": Range(0.03, 0.4),
    }

    population: int = 64
    founders: int = 8  # feasible points before evolution starts
    initial: int = 512  # trials after which it starts with fewer
    tournament: int = 4
    elite: int = 32
    crossover: float = 0.8  # probability, per child
    mutation: float = 0.1  # probability, per digit

    def __post_init__(self) -> None:
        """Check every range."""
        check_integer("Population", self.population, 2)
        for name, low in (("founders", 1), ("tournament", 1), ("elite", 0)):
            value = getattr(self, name)
            check_integer(name.capitalize(), value, low, self.population, " (population)")
        check_integer("Initial", self.initial, 0)
        check_number("Crossover", self.crossover, 0, 1)
        check_number("Mutation", self.mutation, 0, 1)


class Evolutionary(Optimizer):
    """Breeds feasible points; see the module's docstring."""

    settings_type = EvolutionarySettings
    settings: EvolutionarySettings

    def __init__(
        self, settings: Mapping[str, Any] | None = None, radices: Sequence[int] = RADICES
    ) -> None:
        """An optimizer that was told nothing; `settings` by name, defaults for the rest."""
        super().__init__(settings, radices)
        self._told = self.index_array(())  # [N] point index, in the order of the log
        self._known: set[int] = set()  # the same
        self._rewards: npt.NDArray[np.float64] = np.empty(0)  # [N]
        self._feasible: npt.NDArray[np.bool_] = np.empty(0, dtype=np.bool_)  # [N]

    def tell(self, trials: Sequence[Trial]) -> None:
        """Append trials to the log."""
        self._told = np.append(self._told, self.index_array(t.index for t in trials))
        self._known |= {t.index for t in trials}
        self._rewards = np.append(self._rewards, np.array([t.reward for t in trials], dtype=float))
        self._feasible = np.append(self._feasible, np.array([t.feasible for t in trials], bool))

    def ask(self, count: int, generator: np.random.Generator) -> Ints:
        """Children of the population, or random points while it is being founded, [count, D]."""
        population = self.population()
        founded = len(population) >= self.settings.founders
        if not founded and (len(population) == 0 or len(self._told) < self.settings.initial):
            return self.random_points(count, generator)
        ranked = self.points_of(population)
        children = self._children(ranked, count, generator)
        for _ in range(RETRIES):
            repeated = self._repeated(children)
            if not repeated.any():
                break
            children[repeated] = self._children(ranked, int(repeated.sum()), generator)
        return children

    def population(self) -> Ints:
        """Indices of the population's points, best first; the earlier trial wins a tie."""
        distinct = np.sort(np.unique(self._told, return_index=True)[1])
        log = distinct[self._feasible[distinct]]  # positions of distinct feasible points, by age
        ranked = log[self._order(log)]
        elite = ranked[: self.settings.elite]
        others = log[~np.isin(log, elite)]
        recent = others[max(0, len(others) - (self.settings.population - len(elite))) :]
        members = ranked[np.isin(ranked, np.append(elite, recent))]
        indices: Ints = self._told[members]
        return indices

    def _order(self, log: Ints) -> Ints:
        """Of trials at these positions of the log, by age, the order from the best to the worst."""
        order: Ints = np.argsort(-self._rewards[log], kind="stable")
        return order

    def _children(self, ranked: Ints, count: int, generator: np.random.Generator) -> Ints:
        digits = len(self.radices)
        drawn = generator.integers(0, len(ranked), size=(2, count, self.settings.tournament))
        winners = drawn.min(axis=2)  # the lowest rank wins; [2, count]
        first, second = ranked[winners[0]], ranked[winners[1]]
        crossed = generator.random((count, 1)) < self.settings.crossover
        from_second = crossed & (generator.random((count, digits)) < 0.5)
        children = np.where(from_second, second, first)
        mutated = generator.random((count, digits)) < self.settings.mutation
        # A shift of 1..radix-1 reaches every other value of the digit, and never the same one.
        shift = generator.integers(1, np.maximum(self.radices, 2), size=(count, digits))
        mutants: Ints = np.where(mutated, (children + shift) % self.radices, children)
        return mutants

    def _repeated(self, children: Ints) -> npt.NDArray[np.bool_]:
        indices = self.indices_of(children)
        repeated = np.array([index in self._known for index in indices.tolist()], np.bool_)
        first_of_batch = np.unique(indices, return_index=True)[1]
        again = np.ones(len(indices), dtype=np.bool_)
        again[first_of_batch] = False
        return repeated | again

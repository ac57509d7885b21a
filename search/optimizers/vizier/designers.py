"""Vizier's designers that carry a state from batch to batch, replayed from the log.

X. Song et al., "The Vizier Gaussian Process Bandit Algorithm" (2024) and the library's own
documentation describe them: fireflies ("eagle strategy"), NSGA-II, a quasi-random sequence, a grid
and random points. A designer of Vizier is asked for one point at a time.
"""

import copy
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from apollo.search.optimizers.base import Ints
from apollo.search.optimizers.replayed import Replayed
from apollo.search.optimizers.vizier.problem import (
    points_of,
    problem_of,
    trial_of,
    vizier_library,
)
from apollo.search.trial import Trial


class Designer(Replayed):
    """A designer of Vizier as engine."""

    def start(self, seed: int, founders: Sequence[Trial]) -> Any:
        """A new designer."""
        with vizier_library():
            return self.make(problem_of(self.radices[self.free].tolist()), seed)

    @abstractmethod
    def make(self, problem: Any, seed: int) -> Any:
        """The designer of that problem with that seed."""

    def learn(self, engine: Any, point: Ints, trial: Trial) -> None:
        """Update it as if its next suggestion had been this point."""
        with vizier_library():
            metadata = engine.suggest(1)[0].metadata
            self.update(engine, trial_of(trial.number, point, trial.reward, metadata))

    def update(self, engine: Any, trial: Any) -> None:
        """Let a designer know a completed trial of the library."""
        from vizier import algorithms

        engine.update(algorithms.CompletedTrials([trial]), algorithms.ActiveTrials())

    def copy(self, engine: Any) -> Any:
        """A copy of the designer."""
        with vizier_library():
            return copy.deepcopy(engine)

    def suggest(self, engine: Any, count: int) -> Ints:
        """Its next suggestions."""
        with vizier_library():
            return points_of(engine.suggest(count), len(self.free))


class Eagle(Designer):
    """Fireflies: a pool of points that attract and repel each other."""

    def make(self, problem: Any, seed: int) -> Any:
        """The designer with the library's settings."""
        from vizier._src.algorithms.designers.eagle_strategy import eagle_strategy

        return eagle_strategy.EagleStrategyDesigner(problem, seed=seed)

    def reseed(self, engine: Any, seed: int) -> None:
        """Its moves are drawn from one generator; the points that fill its pool are a sequence."""
        engine._rng.bit_generator.state = np.random.default_rng(seed).bit_generator.state


class Nsga2(Designer):
    """NSGA-II with one objective: the best 50 points, each changed a little in every digit."""

    NORM = 0.1  # largest change, in units of a digit's range; the designer's 0.001 moves no digit

    def make(self, problem: Any, seed: int) -> Any:
        """The designer with the library's settings but for the mutation's strength."""
        from vizier._src.algorithms.evolution import nsga2, numpy_populations

        mutation = numpy_populations.LinfMutation(norm=self.NORM, seed=seed)
        return nsga2.NSGA2Designer(problem, seed=seed, adaptation=mutation)

    def learn(self, engine: Any, point: Ints, trial: Trial) -> None:
        """Update it: it keeps no account of what it suggested."""
        with vizier_library():
            self.update(engine, trial_of(trial.number, point, trial.reward))

    def reseed(self, engine: Any, seed: int) -> None:
        """Seed sampler and mutation, which the library seeds alike, too."""
        engine._sampler._rng.seed(seed)
        engine._adaptation._rng.seed(seed)

    def suggest(self, engine: Any, count: int) -> Ints:
        """Children of the whole population, in an order drawn at random."""
        children: Ints = engine._adaptation._rng.permutation(super().suggest(engine, count))
        return children


class QuasiRandom(Designer):
    """A scrambled Halton sequence."""

    def make(self, problem: Any, seed: int) -> Any:
        """The sequence from its 1,000th point, as the library has it."""
        from vizier._src.algorithms.designers import quasi_random

        return quasi_random.QuasiRandomDesigner(problem.search_space, seed=seed)

    def reseed(self, engine: Any, seed: int) -> None:
        """A sequence goes on where it was."""


class Grid(Designer):
    """Every point of the space in turn, the values of every digit in an order drawn at random."""

    def make(self, problem: Any, seed: int) -> Any:
        """The grid that has that seed."""
        from vizier._src.algorithms.designers import grid

        return grid.GridSearchDesigner(problem.search_space, shuffle_seed=seed)

    def reseed(self, engine: Any, seed: int) -> None:
        """A grid goes on where it was."""

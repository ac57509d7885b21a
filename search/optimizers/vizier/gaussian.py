"""Bayesian optimization by google-vizier: a Gaussian process, made anew for every batch.

X. Song et al., "The Vizier Gaussian Process Bandit Algorithm" (2024): a Matérn-5/2 kernel with a
length scale for every digit, found by maximum a posteriori; rewards are warped, and infeasible
points are given a warped reward below the worst. The acquisition is

- of `bayesian`, expected improvement: J. Močkus, "On Bayesian methods for seeking the extremum"
  (1975), which the published study is understood to have used;
- of `vizier:gp_bandit`, the upper confidence bound, the library's default;
- of `vizier:gp_ucb_pe`, the bound and pure exploration in turn, in the library's own batches.

The first `initial` points are quasi-random, and so are the following ones while none is feasible.
Afterwards the process is fed a choice of at most `history` trials (history.py), and the batch is
made of points that are new and differ (batch.py). Nothing is kept but the log.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from apollo.arch.space import RADICES
from apollo.search.optimizers.base import Ints, Optimizer, Settings, check_integer
from apollo.search.optimizers.replayed import RETRIES
from apollo.search.optimizers.vizier.designers import QuasiRandom
from apollo.search.optimizers.vizier.history import select_history
from apollo.search.optimizers.vizier.problem import (
    problem_of,
    trial_of,
    vizier_library,
)
from apollo.search.trial import Trial, best_of

_SEEDS = 2**31 - 1


@dataclass(frozen=True)
class GaussianSettings(Settings):
    """Settings of the optimizers with a Gaussian process.

    Raises `ValueError` when one is out of its range.
    """

    initial: int = 64  # quasi-random trials
    history: int = 256  # trials the process is fed

    def __post_init__(self) -> None:
        """Check every range."""
        check_integer("Initial", self.initial, 1)
        check_integer("History", self.history, 8)


class Gaussian(Optimizer):
    """Asks a designer of Vizier with a Gaussian process."""

    settings_type = GaussianSettings
    settings: GaussianSettings

    def __init__(
        self, settings: Mapping[str, Any] | None = None, radices: Sequence[int] = RADICES
    ) -> None:
        """An optimizer that was told nothing; `settings` by name, defaults for the rest."""
        super().__init__(settings, radices)
        self.free: Ints = np.flatnonzero(self.radices > 1)  # [F] digits that have a choice
        self._log: list[Trial] = []

    def tell(self, trials: Sequence[Trial]) -> None:
        """Append trials to the log."""
        self._log += trials

    def ask(self, count: int, generator: np.random.Generator) -> Ints:
        """A batch of points that are new and differ while there are such points, [count, D]."""
        known = len(self._log) >= self.settings.initial
        if not known or len(self.free) == 0 or not any(trial.feasible for trial in self._log):
            return self._quasi_random(count, generator)
        history = select_history(self._log, self.settings.history, generator)
        with vizier_library():
            designer = self.designer(
                problem_of(self.radices[self.free].tolist()), int(generator.integers(_SEEDS))
            )
            self._feed(designer, history)
            free = self.batch(designer, count, generator)
        points: Ints = np.zeros((len(free), len(self.radices)), dtype=np.int64)
        points[:, self.free] = free
        return self._filled(points, count, generator)

    @abstractmethod
    def designer(self, problem: Any, seed: int) -> Any:
        """The designer that knows nothing yet."""

    @abstractmethod
    def batch(self, designer: Any, count: int, generator: np.random.Generator) -> Ints:
        """The points that the designer proposes, [N, F]."""

    def taken(self, points: Ints) -> Any:
        """Whether points [N, F] were told before, [N]."""
        told = np.array([trial.index for trial in self._log], dtype=np.int64)
        return np.isin(points @ self._weights[self.free], told)

    def best(self, count: int) -> Ints:
        """The best feasible points, [N, F]."""
        indices = np.array([trial.index for trial in best_of(self._log, count)], dtype=np.int64)
        return self.points_of(indices)[:, self.free]

    def _feed(self, designer: Any, history: Sequence[Trial]) -> None:
        from vizier import algorithms

        digits = self.points_of(np.array([trial.index for trial in history], dtype=np.int64))
        trials = [
            trial_of(number, digits[number, self.free], trial.reward if trial.feasible else None)
            for number, trial in enumerate(history)
        ]
        designer.update(algorithms.CompletedTrials(trials), algorithms.ActiveTrials())

    def _quasi_random(self, count: int, generator: np.random.Generator) -> Ints:
        sequence = QuasiRandom(radices=self.radices.tolist())
        sequence.tell(self._log)
        return sequence.ask(count, generator)

    def _filled(self, points: Ints, count: int, generator: np.random.Generator) -> Ints:
        """The new points among these, each once, then random ones, new while there are such."""
        drawn = self.random_points(RETRIES * count, generator)
        candidates = np.concatenate([points, drawn])
        _, first = np.unique(self.indices_of(candidates), return_index=True)
        distinct = candidates[np.sort(first)]
        new = distinct[~self.taken(distinct[:, self.free])][:count]
        return np.concatenate([new, drawn[: count - len(new)]])

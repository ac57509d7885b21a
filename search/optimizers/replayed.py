"""Optimizers of other libraries, whose state is made anew from the log of trials.

Such an optimizer (the *engine*) changes with every proposal it makes, and wants to be told of its
own proposals; our seam allows neither: `ask` changes nothing, and the log may hold any points. So:

1. The engine is started with a seed: the index of the first trial told, or, while there is none, a
   number drawn from the generator handed in. One that needs feasible points to start from is
   started when the log holds them; until then points are drawn at random.
2. The engine learns the log trial by trial, whatever chunks it was told in. For every trial it is
   asked for a proposal, and the point of the trial takes the proposal's place: the k-th trial of
   a batch meets the k-th parent, particle or firefly, as it did when the batch was asked.
3. `ask` works on a copy of the engine, whose random numbers are drawn anew from the generator. A
   proposal that was told before, or that repeats another of the batch, is passed over while
   `RETRIES` more rounds give others; after that it stands.

Trials are learned when points are next asked, so telling costs nothing, and resuming a study costs
one pass over its log. docs/optimizers.md says what the substitution in 2 means for which engine.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from apollo.arch.space import RADICES
from apollo.search.optimizers.base import Ints, Optimizer
from apollo.search.trial import Trial

RETRIES = 8
_SEEDS = 2**31 - 1  # what every library takes as a seed


class Replayed(Optimizer):
    """An optimizer with an engine; see the module's docstring.

    The points that an engine sees have only the digits that have a choice.
    """

    def __init__(
        self, settings: Mapping[str, Any] | None = None, radices: Sequence[int] = RADICES
    ) -> None:
        """An optimizer that was told nothing; `settings` by name, defaults for the rest."""
        super().__init__(settings, radices)
        self.free: Ints = np.flatnonzero(self.radices > 1)  # [F] digits that have a choice
        self._engine: Any = None
        self._log: list[Trial] = []
        self._learned = 0  # trials of the log that the engine knows
        self._told: set[int] = set()  # point indices

    def tell(self, trials: Sequence[Trial]) -> None:
        """Append trials to the log."""
        self._log += trials
        self._told |= {trial.index for trial in trials}

    def ask(self, count: int, generator: np.random.Generator) -> Ints:
        """Proposals of a copy of the engine, [count, D]."""
        if len(self.free) == 0:
            return self.random_points(count, generator)
        self._catch_up()
        seed = int(generator.integers(_SEEDS))
        if self._engine is not None:
            engine = self.copy(self._engine)
        elif self.founding([]) == 0:
            engine = self.start(seed, [])
        else:
            return self.random_points(count, generator)
        self.reseed(engine, seed)
        fresh: list[int] = []
        repeats: list[int] = []
        for _ in range(1 + RETRIES):
            proposals = self._full(self.suggest(engine, count - len(fresh)))
            for index in self.indices_of(proposals).tolist():
                known = index in self._told or index in fresh
                (repeats if known else fresh).append(index)
            if len(fresh) >= count:
                break
        return self.points_of(self.index_array((fresh + repeats)[:count]))

    def founding(self, log: Sequence[Trial]) -> int | None:
        """After how many trials of the log the engine starts; None: not yet."""
        return 0

    @abstractmethod
    def start(self, seed: int, founders: Sequence[Trial]) -> Any:
        """An engine that knows nothing but the trials before its start."""

    @abstractmethod
    def learn(self, engine: Any, point: Ints, trial: Trial) -> None:
        """Let the engine learn a trial at `point`, [F] digits."""

    @abstractmethod
    def copy(self, engine: Any) -> Any:
        """An engine in the same state that shares nothing with this one."""

    @abstractmethod
    def reseed(self, engine: Any, seed: int) -> None:
        """Let the engine's random numbers start anew from `seed`."""

    @abstractmethod
    def suggest(self, engine: Any, count: int) -> Ints:
        """The engine's next `count` proposals or more, [N, F]."""

    def _catch_up(self) -> None:
        """Start the engine if it can be, and let it learn what was told since the last time."""
        if self._engine is None and self._log:
            founding = self.founding(self._log)
            if founding is None:
                return
            founders = self._log[:founding]
            self._engine = self.start(self._log[0].index % _SEEDS, founders)
            self._learned = founding
        for trial in self._log[self._learned :]:
            self.learn(self._engine, self.free_digits(trial), trial)
        self._learned = len(self._log)

    def free_digits(self, trial: Trial) -> Ints:
        """The point of a trial as an engine sees it, [F]."""
        digits: Ints = self.points_of(self.index_array([trial.index]))[0, self.free]
        return digits

    def _full(self, proposals: Ints) -> Ints:
        """The points, [N, D], of proposals, [N, F]: a digit without a choice is 0."""
        points: Ints = np.zeros((len(proposals), len(self.radices)), dtype=np.int64)
        points[:, self.free] = proposals
        return points

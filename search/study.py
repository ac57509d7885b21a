"""A study: an optimizer asks, points are evaluated, trials are stored; it resumes exactly.

The optimizer is asked for a whole batch at a time and told a whole batch at a time. Its generator
is made anew for every batch from (seed, trials told), so the trials of a study depend on its
identity alone: not on where it was interrupted, nor on the number of trials it was asked for.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from apollo.arch.space import SPACE, Space
from apollo.search.backends.base import Backend
from apollo.search.backends.serial import Serial
from apollo.search.evaluate import Evaluate
from apollo.search.interrupt import Interruptible
from apollo.search.optimizers.base import Optimizer
from apollo.search.optimizers.filtered import Filtered
from apollo.search.optimizers.started import Started
from apollo.search.optimizers.table import make_optimizer
from apollo.search.progress import NoProgress, Progress
from apollo.search.store import Store, StudyRow
from apollo.search.trial import Trial, best_of

BATCH = 32
_LARGEST_SEED = 2**63 - 1  # what a database holds


@dataclass(frozen=True)
class Study:
    """The identity of a study: with the same one, the same trials.

    Raises `ValueError` when the name is empty, the seed negative or over 63 bits, the batch not
    positive, and what `make_optimizer` raises.
    """

    name: str
    optimizer: str
    seed: int
    version: str  # of the simulator
    settings: Mapping[str, Any] = field(default_factory=dict)  # of the optimizer
    options: Mapping[str, Any] = field(default_factory=dict)  # of objective and evaluation: JSON
    batch: int = BATCH
    space: Space = SPACE  # described by the options if it is another
    first: tuple[int, ...] = ()  # points that are tried first; the options have them too

    def __post_init__(self) -> None:
        """Check every field."""
        if not self.name:
            raise ValueError("A study must have a name.")
        if self.seed < 0:
            raise ValueError(f"The seed must be at least 0, not {self.seed}.")
        if self.seed > _LARGEST_SEED:
            raise ValueError(f"The seed must be at most {_LARGEST_SEED}, not {self.seed}.")
        if self.batch < 1:
            raise ValueError(f"The batch must be at least 1, not {self.batch}.")
        self.make_optimizer()

    def make_optimizer(self) -> Optimizer:
        """The optimizer, told nothing."""
        optimizer = make_optimizer(self.optimizer, self.settings, self.space.radices)
        return Started(optimizer, self.first) if self.first else optimizer

    def row(self) -> StudyRow:
        """The study as it is stored, with every default filled in."""
        settings = self.make_optimizer().settings.as_dict()
        options = {**self.options, "batch": self.batch, self.optimizer: settings}
        return StudyRow(self.name, self.optimizer, self.seed, options, self.version)


@dataclass(frozen=True)
class StudyResult:
    """Where a run of a study ended."""

    trials: tuple[Trial, ...]  # all of the study, by number
    added: int  # of them by this run
    interrupted: bool  # by Ctrl-C; what was done is stored
    optimizer_seconds: float = 0.0  # of this run, spent on asking and telling

    @property
    def best(self) -> Trial | None:
        """The best feasible trial, or None."""
        return next(iter(best_of(self.trials)), None)

    @property
    def feasible(self) -> int:
        """Number of feasible trials."""
        return sum(trial.feasible for trial in self.trials)


def run_study(
    store: Store,
    study: Study,
    evaluate: Evaluate,
    trials: int,
    progress: Progress | None = None,
    admits: Callable[[int], bool] | None = None,
    backend: Backend | None = None,
) -> StudyResult:
    """Run a study until it has that many trials, resuming what the store holds of it.

    With `admits`, which the options must tell of, only points that it admits are asked for. A
    `backend` evaluates points elsewhere; it must give what `evaluate` gives.

    Ctrl-C lets the point being evaluated end, stores what is done and returns. Any other error of
    `evaluate` passes on after the trials before it are stored. Raises `ValueError` when `trials`
    is not positive, or the stored study of that name has another identity or another log.
    """
    if trials < 1:
        raise ValueError(f"A study must have at least 1 trial, not {trials}.")
    optimizer = study.make_optimizer()
    if admits is not None:
        optimizer = Filtered(optimizer, admits)
    store.open_study(study.row())
    run = _Run(store, study, optimizer, backend or Serial(evaluate), progress or NoProgress())
    stored = len(run.log)
    with Interruptible() as interruptible:
        run.progress.start(stored, trials)
        while len(run.log) < trials and not interruptible.interrupted:
            run.batch(trials, interruptible)
    added, is_short = len(run.log) - stored, len(run.log) < trials
    return StudyResult(tuple(run.log), added, is_short, run.optimizer_seconds)


class _Run:
    """The state of a running study: its log, and the optimizer that was told its full batches."""

    def __init__(
        self,
        store: Store,
        study: Study,
        optimizer: Optimizer,
        backend: Backend,
        progress: Progress,
    ) -> None:
        self.store = store
        self.study = study
        self.optimizer = optimizer
        self.backend = backend
        self.progress = progress
        self.log = store.trials(study.name)
        self.best = next(iter(best_of(self.log)), None)
        self.feasible = sum(trial.feasible for trial in self.log)
        self.told = 0
        self.optimizer_seconds = 0.0
        self.tell()

    def tell(self) -> None:
        """Tell the optimizer the full batches of the log that it does not know."""
        full = len(self.log) // self.study.batch * self.study.batch
        if full > self.told:
            with self.timed():
                self.optimizer.tell(self.log[self.told : full])
            self.told = full

    @contextmanager
    def timed(self) -> Iterator[None]:
        """A block that counts as the optimizer's time."""
        started = time.perf_counter()
        yield
        self.optimizer_seconds += time.perf_counter() - started

    def batch(self, trials: int, interruptible: Interruptible) -> None:
        """Ask for the open batch, evaluate what it lacks up to `trials`, store it."""
        generator = np.random.default_rng([self.study.seed, self.told])
        with self.timed():
            proposals = self.optimizer.propose(self.study.batch, generator)
        points = self.optimizer.indices_of(proposals.points).tolist()
        open_log = self.log[self.told :]
        self._check_log(open_log, points)
        asked = list(zip(points, proposals.proposers, strict=True))
        missing = asked[len(open_log) : trials - self.told]
        done: list[Trial] = []
        try:
            for trial in self._evaluated(missing, interruptible):
                done.append(trial)
                self._follow(trial)
        except KeyboardInterrupt:
            pass  # `interruptible` remembers it
        finally:
            self.store.add(self.study.name, done)
            self.log += done
        self.tell()

    def _evaluated(
        self, asked: Sequence[tuple[int, str | None]], interruptible: Interruptible
    ) -> Iterator[Trial]:
        first = len(self.log)
        found = self.backend.evaluated([index for index, _ in asked], interruptible)
        for number, ((index, proposer), each) in enumerate(zip(asked, found, strict=False), first):
            values = self.study.space.values_at(index)
            yield Trial(number, index, each.outcome, values, each.seconds, proposer)

    def _follow(self, trial: Trial) -> None:
        self.feasible += trial.feasible
        if trial.feasible and (self.best is None or trial.reward > self.best.reward):
            self.best = trial
        self.progress.update(trial, self.best, self.feasible)

    def _check_log(self, open_log: Sequence[Trial], points: list[int]) -> None:
        """A log with other points than the optimizer's was made by another Apollo: refuse it."""
        for trial, index in zip(open_log, points, strict=False):
            if trial.index != index:
                raise ValueError(
                    f"Study '{self.study.name}' cannot be resumed: its trial {trial.number} is "
                    f"point {trial.index:,}, where the optimizer now asks for {index:,}."
                )

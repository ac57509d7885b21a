"""Optimizers against each other: the same problem, the same seeds, and whether a lead is luck.

Two optimizers are compared seed by seed. The one-sided sign test is the probability of at least so
many wins among the seeds that are no ties if both were equally good.
"""

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from apollo.search.measure import evaluator_version
from apollo.search.optimizers.table import make_optimizer
from apollo.search.problem import Problem
from apollo.search.store import Store
from apollo.search.study import Study, StudyResult, run_study
from apollo.search.task import Task
from apollo.search.trial import Trial

FILTERED = "+filter"  # behind the name of an optimizer: only designs that are known to be allowed
RANDOM = "random"


@dataclass(frozen=True)
class Entrant:
    """An optimizer with its settings; `random+filter` draws from the admitted designs only."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise `ValueError` when there is no such optimizer, or it has no such setting."""
        make_optimizer(self.optimizer, self.settings)

    @property
    def optimizer(self) -> str:
        """The name in the table of optimizers."""
        return self.name.removesuffix(FILTERED)

    @property
    def is_filtered(self) -> bool:
        """Whether it is asked again for what a known constraint rejects."""
        return self.name.endswith(FILTERED)


@dataclass(frozen=True)
class Run:
    """One study of an entrant.

    Attributes:
        best: reward at every checkpoint, 0 while nothing is feasible.
        feasible: share of the trials.
        seconds: of the whole run; None when a part of it was stored before.
        own_seconds: of them, the optimizer's, asking and telling.

    """

    seed: int
    best: tuple[float, ...]
    feasible: float
    seconds: float | None
    own_seconds: float | None


@dataclass(frozen=True)
class Result:
    """All runs of an entrant, by seed."""

    name: str
    runs: tuple[Run, ...]

    def median_best(self, checkpoint: int) -> float:
        """Median over the seeds of the best reward at a checkpoint."""
        return statistics.median(run.best[checkpoint] for run in self.runs)

    def worst_best(self) -> float:
        """The worst of the final rewards."""
        return min(run.best[-1] for run in self.runs)

    def median_seconds(self) -> tuple[float, float] | None:
        """Medians of the seconds of a run, and of those that are the optimizer's own."""
        whole = [run.seconds for run in self.runs if run.seconds is not None]
        own = [run.own_seconds for run in self.runs if run.own_seconds is not None]
        return (statistics.median(whole), statistics.median(own)) if whole else None


@dataclass(frozen=True)
class Sign:
    """Final rewards of an entrant against those of another, seed by seed."""

    wins: int
    losses: int
    ties: int

    @property
    def p(self) -> float:
        """Of the one-sided sign test; 1 when all seeds are ties."""
        games = self.wins + self.losses
        return float(sum(math.comb(games, k) for k in range(self.wins, games + 1)) / 2**games)


def sign_of(entrant: Result, other: Result) -> Sign:
    """The comparison of two entrants that ran the same seeds."""
    pairs = [(a.best[-1], b.best[-1]) for a, b in zip(entrant.runs, other.runs, strict=True)]
    wins, losses = sum(a > b for a, b in pairs), sum(a < b for a, b in pairs)
    return Sign(wins, losses, len(pairs) - wins - losses)


def contest(
    problem: Problem,
    entrants: Sequence[Entrant],
    store: Store,
    *,
    seeds: int = 9,
    trials: int = 1000,
    checkpoints: Sequence[int] = (),
    follow: Callable[[str, int], None] | None = None,
) -> list[Result]:
    """Run every entrant with the seeds from 0 on; what the store holds already is not run again.

    `checkpoints` are numbers of trials before the last at which the best reward is noted; `follow`
    hears which entrant and seed comes next. Evaluations are shared by all. Ctrl-C raises
    `KeyboardInterrupt` after the trials so far are stored. Raises `ValueError` as `run_study`.
    """
    task = Task.of(problem)
    found: dict[str, list[Run]] = {entrant.name: [] for entrant in entrants}
    for seed in range(seeds):
        for entrant in entrants:
            if follow is not None:
                follow(entrant.name, seed)
            run = _run(task, entrant, store, seed, trials, [*checkpoints, trials])
            found[entrant.name].append(run)
    return [Result(name, tuple(runs)) for name, runs in found.items()]


def _run(
    task: Task, entrant: Entrant, store: Store, seed: int, trials: int, checkpoints: Sequence[int]
) -> Run:
    problem = replace(task.problem, is_filtered=entrant.is_filtered)
    study = Study(
        f"{entrant.name}-seed{seed}",
        entrant.optimizer,
        seed,
        evaluator_version(),
        entrant.settings,
        problem.options() | {"content": task.contents},
        space=problem.space,
    )
    evaluate = task.evaluator()(store)
    started = time.perf_counter()
    admits = evaluate.admits if entrant.is_filtered else None
    result = run_study(store, study, evaluate, trials, admits=admits)
    seconds = time.perf_counter() - started
    if result.interrupted:
        raise KeyboardInterrupt
    return _summary(seed, result, checkpoints, seconds)


def _summary(seed: int, result: StudyResult, checkpoints: Sequence[int], seconds: float) -> Run:
    log: Sequence[Trial] = result.trials
    best = tuple(max((trial.reward for trial in log[:count]), default=0.0) for count in checkpoints)
    feasible = result.feasible / len(log)
    if result.added < len(log):
        return Run(seed, best, feasible, None, None)
    return Run(seed, best, feasible, seconds, result.optimizer_seconds)

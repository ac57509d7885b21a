"""The first trials of a study, taken from other studies before it begins.

The points are options of the new study, so that it resumes when the others have gone on or are
gone. They are evaluated like any others, and the optimizer is told of them like its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from apollo.search.errors import NothingFeasible
from apollo.search.store import Store
from apollo.search.task import Task
from apollo.search.transfer.diverse import best_diverse
from apollo.search.transfer.prime.settings import PrimeSettings
from apollo.search.transfer.rerank import rerank
from apollo.search.transfer.source import Source, is_stored, read_sources

OPTION = "warm_start"
POINTS = 64


class By(StrEnum):
    """How points are made of the trials of other studies."""

    BEST = "best"  # their best diverse points, ranked anew
    PRIME = "prime"  # what a model of them proposes


@dataclass(frozen=True)
class WarmStart:
    """Studies by name, path or URL of a database, and how points are made of their trials.

    Raises `ValueError` when there is no study, or no point is wanted.
    """

    studies: tuple[str, ...]
    points: int = POINTS
    by: By = By.BEST
    prime: PrimeSettings = field(default_factory=PrimeSettings)

    def __post_init__(self) -> None:
        """Check studies and points."""
        if not all(self.studies) or not self.studies:
            raise ValueError("A warm start must have at least one study, as STUDY[,STUDY].")
        if self.points < 1:
            raise ValueError(f"A warm start must have at least 1 point, not {self.points}.")

    def options(self) -> dict[str, Any]:
        """As JSON values: of the identity of a study."""
        by = str(self.by) if self.by is By.BEST else {str(self.by): self.prime.as_dict()}
        return {"at_most": self.points, "by": by, "from": list(self.studies)}

    def chosen(self, task: Task, results: Path, seed: int) -> tuple[int, ...]:
        """Points for the task, the best first; the seed is the model's.

        Raises `NothingFeasible` when the studies hold none that may be feasible.
        """
        sources = read_sources(self.studies, results)
        found = (
            self._proposed(sources, task, seed)
            if self.by is By.PRIME
            else self._best(sources, task)
        )
        if not found:
            raise NothingFeasible(
                f"No trial of {', '.join(self.studies)} is known to run and to keep the "
                "constraints, so there is nothing to start from."
            )
        return found

    def _best(self, sources: Sequence[Source], task: Task) -> tuple[int, ...]:
        indices = [each.index for each in rerank(sources, task)]
        points = np.array([task.problem.space.digits_of(index) for index in indices])
        return tuple(indices[position] for position in best_diverse(points, self.points))

    def _proposed(self, sources: Sequence[Source], task: Task, seed: int) -> tuple[int, ...]:
        from apollo.search.transfer.prime.propose import propose  # jax is slow to import

        return propose(sources, task, self.points, self.prime, seed)


def make_warm_start(
    studies: str | None, points: int = POINTS, by: str = By.BEST
) -> WarmStart | None:
    """The warm start that is written so, `STUDY[,STUDY]`; None where there is none.

    Raises `ValueError`, one sentence, for what is written wrongly.
    """
    if by not in list(By):
        raise ValueError(f"--warm-by must be one of {', '.join(By)}, not '{by}'.")
    return None if studies is None else WarmStart(tuple(studies.split(",")), points, By(by))


@dataclass(frozen=True)
class Start:
    """How a study begins: points that are tried first, none without a warm start."""

    points: tuple[int, ...] = ()
    options: Mapping[str, Any] | None = None

    def as_options(self) -> dict[str, Any]:
        """What a study's options say of it."""
        if self.options is None:
            return {}
        return {OPTION: {**self.options, "points": list(self.points)}}


def start_of(
    warm_start: WarmStart | None,
    task: Task,
    seed: int,
    study: str,
    location: str | Path,
    results: Path,
) -> Start:
    """The start of a study: as it is stored, if it is; else chosen now.

    Raises `ValueError`, one sentence, as `WarmStart.chosen` and `read_sources` do.
    """
    if warm_start is None:
        return Start()
    options, stored = warm_start.options(), _stored(location, study)
    if {name: stored.get(name) for name in options} == options:
        return Start(tuple(stored["points"]), options)
    return Start(warm_start.chosen(task, results, seed), options)


def _stored(location: str | Path, study: str) -> Mapping[str, Any]:
    """What the study of that name began with; nothing when there is none."""
    if not is_stored(location):
        return {}
    with Store(location) as store:
        row = store.study(study)
    found: Mapping[str, Any] = {} if row is None else row.options.get(OPTION, {})
    return found

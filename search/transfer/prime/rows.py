"""Stored trials as rows to learn from: a design on a network under a budget.

1. A trial gives a row for every network that it ran, and for the one that it failed on.
2. Rows are made for every area budget of the sources and of the task. Under one that the design
   exceeds it is infeasible; under another a trial that only a budget rejected says nothing.
3. The value is the logarithm of the task's goals on that network alone, less the median of the
   network: that one network is faster than another on all designs is no news.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from apollo.search.constraint import violated
from apollo.search.goals import AREA
from apollo.search.objective import Objective
from apollo.search.task import Task
from apollo.search.transfer.mapping import mapped
from apollo.search.transfer.prime.context import context_of, network_features
from apollo.search.transfer.rerank import evaluations_of, relative_to
from apollo.search.transfer.source import Source
from apollo.search.trial import Trial

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

LARGEST_MM2 = 1000.0


@dataclass(frozen=True)
class Rows:
    """`N` designs in context, of `D` digits and `C` numbers; `K` networks."""

    points: Ints  # [N, D]
    contexts: Floats  # [N, C]
    networks: Ints  # [N] in 0..K-1
    values: Floats  # [N] logarithm, 0 where infeasible
    feasible: npt.NDArray[np.bool_]  # [N]

    def __len__(self) -> int:
        """The number of rows."""
        return len(self.points)

    def at(self, which: npt.NDArray[np.bool_]) -> "Rows":
        """The rows where `which`, [N], is true."""
        return Rows(
            self.points[which],
            self.contexts[which],
            self.networks[which],
            self.values[which],
            self.feasible[which],
        )


@dataclass(frozen=True)
class _Found:
    """What one trial says of one network."""

    index: int  # in the task's space
    area_mm2: float
    log_value: float | None  # None: it is not known to run
    compiled: bool  # else only a constraint on the design alone rejected it

    def says_nothing(self, budget_mm2: float) -> bool:
        """Whether it might be feasible under a budget, or not."""
        return not self.compiled and self.area_mm2 <= budget_mm2


def make_rows(sources: Sequence[Source], task: Task) -> Rows:
    """The rows of all trials whose design is a point of the task's space.

    Raises `ValueError`, one sentence, when none of them is feasible or a network has changed.
    """
    found: dict[str, dict[int, _Found]] = {}  # by content of the network, and index
    features: dict[str, list[float]] = {}
    for source in sources:
        _add(source, task, found, features)
    columns = []
    for number, (content, designs) in enumerate(found.items()):
        logs = [each.log_value for each in designs.values() if each.log_value is not None]
        median = float(np.median(logs)) if logs else 0.0
        for budget in budgets_of(sources, task):
            context = context_of(features[content], budget)
            for each in designs.values():
                if each.says_nothing(budget):
                    continue
                fits = each.log_value is not None and each.area_mm2 <= budget
                value = 0.0 if each.log_value is None or not fits else each.log_value - median
                digits = task.problem.space.digits_of(each.index)
                columns.append((digits, context, number, value, fits))
    if not any(row[-1] for row in columns):
        raise ValueError("Studies must have a feasible trial for a model to learn from.")
    points, contexts, networks, values, feasible = zip(*columns, strict=True)
    return Rows(
        np.array(points, dtype=np.int64),
        np.array(contexts, dtype=np.float32),
        np.array(networks, dtype=np.int64),
        np.array(values, dtype=np.float32),
        np.array(feasible, dtype=np.bool_),
    )


def budgets_of(sources: Iterable[Source], task: Task) -> list[float]:
    """The area budgets of the sources and the task, mm²."""
    problems = [task.problem, *(source.problem for source in sources)]
    return sorted({budget_of(task, problem.max_area_mm2) for problem in problems})


def budget_of(task: Task, max_area_mm2: float | None) -> float:
    """A budget as a number; without one, the area of the task's largest design."""
    if max_area_mm2 is not None:
        return max_area_mm2
    try:
        return task.known_at(task.problem.space.size - 1)[AREA]
    except ValueError:  # no machine, but others may be
        return LARGEST_MM2


def _add(
    source: Source,
    task: Task,
    found: dict[str, dict[int, _Found]],
    features: dict[str, list[float]],
) -> None:
    """Add what a source found on each of its networks."""
    loaded = Task.of(source.problem)
    for name, network in loaded.networks.items():
        content = source.contents.get(name)
        if loaded.contents[name] != content:
            raise ValueError(f"Network {name} is not what study '{source.name}' ran; it changed.")
        features[content] = network_features(network)
        designs = found.setdefault(content, {})
        shared = {task.contents[each]: each for each in task.problem.networks}.get(content)
        for each in _designs(source, name, shared, task):
            if each.index not in designs or each.compiled:
                designs[each.index] = each


def _designs(source: Source, network: str, shared: str | None, task: Task) -> Iterator[_Found]:
    """Every trial that says something of a network, which the task calls `shared`."""
    objective: Objective | None = None
    for trial in source.trials:
        point = mapped(source.problem.space, trial.index, task.problem.space)
        evaluations = evaluations_of(trial, {network: network})
        failed = (trial.reason or "").startswith(f"{network}: ")
        known = trial.metrics.keys() <= {AREA} and not _ran(trial, source)
        if not point.same or not (evaluations or failed or known):
            continue
        try:
            area_mm2 = task.known_at(point.index)[AREA]
        except ValueError:  # no machine
            continue
        log_value = None
        if evaluations:
            objective = objective or relative_to(trial, evaluations, task)
            log_value = math.log(objective.outcome(area_mm2, evaluations).reward)
            metrics = evaluations[network].metrics
            if shared and violated(task.problem.constraints, metrics, shared):
                log_value = None
        yield _Found(point.index, area_mm2, log_value, compiled=not known)


def _ran(trial: Trial, source: Source) -> bool:
    """Whether a network was compiled for the design of a trial."""
    reason = trial.reason or ""
    return trial.feasible or any(reason.startswith(f"{n}: ") for n in source.problem.networks)

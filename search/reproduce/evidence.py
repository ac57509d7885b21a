"""What claims are judged by: the rows of all runs, and questions to them."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from apollo.search.objective import SPEEDUP
from apollo.search.reproduce.plan import EVOLUTIONARY, P3BO, RANDOM, TRANSFER, UNBOUND, VIZIER

if TYPE_CHECKING:
    import pandas as pd

Task = tuple[str, str, float]  # name of a set, objective, budget in mm²
NAMES = {RANDOM: "random", EVOLUTIONARY: "evolutionary", P3BO: "P3BO", VIZIER: "Vizier"}


class Verdict(StrEnum):
    """What became of a published statement."""

    CONFIRMED = "confirmed"
    PARTLY = "partly confirmed"
    REFUTED = "not confirmed"
    OPEN = "not run"


@dataclass(frozen=True)
class Finding:
    """A verdict with the figures that it is of, and where or why it does not hold."""

    verdict: Verdict
    ours: str = ""
    why: str = ""


@dataclass(frozen=True)
class Evidence:
    """Tables as `summary.py` makes them."""

    runs: "pd.DataFrame"
    course: "pd.DataFrame"

    @cached_property
    def searches(self) -> "pd.DataFrame":
        """Runs under a budget that begin with nothing."""
        return self.runs[~self.runs.part.isin([TRANSFER, UNBOUND])]

    def tasks(self, *optimizers: str) -> list[Task]:
        """The tasks on which all of these have runs."""
        names = ["networks", "objective", "budget_mm2"]
        found = [
            {tuple(key) for key, _ in self.searches[self.searches.optimizer == each].groupby(names)}
            for each in optimizers
        ]
        ordered = self.searches[names].drop_duplicates().itertuples(index=False)
        return [tuple(task) for task in ordered if all(tuple(task) in tasks for tasks in found)]

    def of(self, task: Task, optimizer: str, column: str = "reward") -> "pd.Series[float]":
        """A column of the runs of an optimizer on a task, by seed."""
        runs = self.searches
        networks, objective, budget_mm2 = task
        is_task = (runs.networks == networks) & (runs.objective == objective)
        chosen = runs[is_task & (runs.budget_mm2 == budget_mm2) & (runs.optimizer == optimizer)]
        column_of: pd.Series[float] = chosen.set_index("seed")[column].sort_index()
        return column_of

    def median(self, task: Task, optimizer: str, column: str = "reward") -> float:
        """The median over the seeds."""
        return float(self.of(task, optimizer, column).median())

    def spread(self, task: Task, optimizer: str) -> float:
        """The range of the final rewards over their median."""
        rewards = self.of(task, optimizer)
        return float((rewards.max() - rewards.min()) / rewards.median())

    def early_gain(self, task: Task, optimizer: str) -> float | None:
        """By how much runs with a source are ahead after a sixteenth of the trials, by median.

        None where those without have found nothing.
        """
        rows = self._course(task, optimizer)
        first = rows[rows.trial >= rows.trial.max() / 16]
        soon = first[first.trial == first.trial.min()]
        with_source, without = (soon[soon.source.notna() == has] for has in (True, False))
        if with_source.empty or without.empty or not without.best_50.iloc[0]:
            return None
        return float(with_source.best_50.iloc[0] / without.best_50.iloc[0]) - 1

    def early_feasible(self, task: Task, optimizer: str) -> float:
        """The median share of feasible trials in the first eighth."""
        rows = self._course(task, optimizer)
        rows = rows[rows.source.isna()]
        first = rows[rows.trial <= rows.trial.max() / 8]
        return float((first if len(first) else rows.head(1)).feasible_50.mean())

    def _course(self, task: Task, optimizer: str) -> "pd.DataFrame":
        rows = self.course
        networks, objective, budget_mm2 = task
        is_task = (rows.networks == networks) & (rows.objective == objective)
        is_task &= rows.budget_mm2 == budget_mm2
        found: pd.DataFrame = rows[is_task & (rows.optimizer == optimizer)]
        return found


def task_text(task: Task) -> str:
    """A task in a sentence."""
    networks, objective, budget_mm2 = task
    goal = "speed-up" if objective == SPEEDUP else "throughput per area"
    return f"{networks}, {goal}, {budget_mm2:g} mm²"


def judged(
    evidence: Evidence,
    optimizers: tuple[str, ...],
    holds: Callable[[Task], bool],
    figures: Callable[[Task], str],
    *,
    of_largest: bool = False,
) -> Finding:
    """A statement that is asked of every task with these optimizers, or of the largest budget."""
    tasks = evidence.tasks(*optimizers)
    if of_largest:
        tasks = [task for task in tasks if task[2] == max(each[2] for each in tasks)]
    if not tasks:
        missing = ", ".join(NAMES[each] for each in optimizers)
        return Finding(Verdict.OPEN, why=f"No task has runs of all of {missing}.")
    failing = [task for task in tasks if not holds(task)]
    ours = "; ".join(f"{task_text(task)}: {figures(task)}" for task in tasks)
    return Finding(_verdict(len(failing), len(tasks)), ours, _where(failing, len(tasks)))


def _verdict(failing: int, asked: int) -> Verdict:
    if not failing:
        return Verdict.CONFIRMED
    return Verdict.REFUTED if failing == asked else Verdict.PARTLY


def _where(failing: list[Task], asked: int) -> str:
    names = "; ".join(map(task_text, failing))
    return f"does not hold on {len(failing)} of {asked} tasks: {names}" if failing else ""

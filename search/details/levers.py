"""Which changes would have made infeasible designs feasible, cause by cause, each of them tried.

Of every frequent cause some designs are taken, spread over the search. Their levers are those of
`search/levers.py`, of one parameter each and within the values that a search can choose; what is
tried is the whole problem: every network, every constraint.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Any

from apollo.arch.accelerator import Accelerator
from apollo.search.levers import Change, Trials, single_levers
from apollo.search.report.sample import spread
from apollo.search.store.detail import LeversRow
from apollo.search.task import Task, known_of
from apollo.search.trial import Trial

CAUSES, DESIGNS = 4, 8  # that are looked at: causes, and designs of each
MORE, LESS = "more", "less"


@dataclass(frozen=True)
class _Found:
    """A change that makes the design of a trial feasible."""

    trial: int
    change: Change

    @property
    def key(self) -> tuple[str, str]:
        """Parameter and direction."""
        grows = self.change.after > self.change.before
        return self.change.parameter, MORE if grows else LESS


def levers_rows(task: Task, trials: Sequence[Trial]) -> list[LeversRow]:
    """The levers of the most frequent causes of a log; of causes that a design has."""
    causes = Counter(trial.resource for trial in trials if trial.resource is not None)
    rows = []
    for cause, count in causes.most_common(CAUSES):
        failed = {trial.index: trial for trial in trials if trial.resource == cause}
        sampled = spread(list(failed.values()), DESIGNS)
        found = [lever for trial in sampled for lever in _levers(task, trial)]
        rows.append(LeversRow(cause, count, len(sampled), _ranked(found)))
    return rows


def _levers(task: Task, trial: Trial) -> list[_Found]:
    try:
        accelerator = task.problem.space.accelerator_at(trial.index)
    except ValueError:  # no machine, so there is nothing to step from
        return []
    tried = Trials(accelerator, 1, _attempt(task, trial.index))
    changes = [change for lever in single_levers(tried) for change in lever.changes]
    return [_Found(trial.number, change) for change in changes if change.is_searched]


def _attempt(task: Task, point: int) -> Callable[[Accelerator, int], str | None]:
    options, objective = task.options_of(point), task.objective

    def attempt(accelerator: Accelerator, _images: int) -> str | None:
        """Why the design has no reward; what needs no compiling comes first."""
        rejected = objective.rejected(known_of(accelerator, task.problem.technology))
        if rejected is not None:
            return rejected.reason
        return task.candidate_of(accelerator, options).reason

    return attempt


def _ranked(found: Sequence[_Found]) -> list[dict[str, Any]]:
    """By how many designs they help, then by the steps that they take."""
    groups: dict[tuple[str, str], list[_Found]] = defaultdict(list)
    for each in found:
        groups[each.key].append(each)
    levers = [_lever(*key, group) for key, group in groups.items()]
    return sorted(levers, key=lambda lever: (-lever["helped"], lever["steps"]))


def _lever(parameter: str, direction: str, group: Sequence[_Found]) -> dict[str, Any]:
    steps = median_low(each.change.steps for each in group)
    example = next(each for each in group if each.change.steps == steps)
    return {
        "parameter": parameter,
        "direction": direction,
        "helped": len(group),
        "steps": steps,
        "trial": example.trial,
        "before": example.change.before,
        "after": example.change.after,
    }

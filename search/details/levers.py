"""Which changes would have made infeasible designs feasible, cause by cause, each of them tried.

Of every frequent cause some designs are taken, spread over the search. Their levers are those of
`search/levers.py` within the values that a search can choose: single changes, and where a design
has none, several together. What is tried is the whole problem: every network, every constraint.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Any

from apollo.arch.accelerator import Accelerator
from apollo.search.levers import Change, Lever, Trials, combined_levers, single_levers
from apollo.search.report.sample import spread
from apollo.search.store.detail import LeversRow
from apollo.search.task import Task, known_of
from apollo.search.trial import Trial

CAUSES, DESIGNS = 4, 8  # that are looked at: causes, and designs of each
MORE, LESS = "more", "less"


@dataclass(frozen=True)
class _Found:
    """Changes that make the design of a trial feasible."""

    trial: int
    lever: Lever

    @property
    def key(self) -> tuple[tuple[str, str], ...]:
        """Parameters and directions."""
        return tuple((c.parameter, _direction(c)) for c in self.lever.changes)


def _direction(change: Change) -> str:
    return MORE if change.after > change.before else LESS


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
    levers = _searched(single_levers(tried)) or _searched(combined_levers(tried))
    return [_Found(trial.number, lever) for lever in levers]


def _searched(levers: Sequence[Lever]) -> list[Lever]:
    return [lever for lever in levers if all(change.is_searched for change in lever.changes)]


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
    groups: dict[tuple[tuple[str, str], ...], list[_Found]] = defaultdict(list)
    for each in found:
        groups[each.key].append(each)
    levers = [_lever(group) for group in groups.values()]
    return sorted(levers, key=lambda lever: (-lever["helped"], lever["steps"]))


def _lever(group: Sequence[_Found]) -> dict[str, Any]:
    """The designs that it helps, and the one that takes the median of their steps."""
    steps = median_low(each.lever.steps for each in group)
    example = next(each for each in group if each.lever.steps == steps)
    changes = [
        {"parameter": c.parameter, "direction": _direction(c), "before": c.before, "after": c.after}
        for c in example.lever.changes
    ]
    return {"helped": len(group), "steps": steps, "trial": example.trial, "changes": changes}

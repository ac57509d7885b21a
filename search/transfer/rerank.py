"""Trials of other studies, ranked for a new task without simulating.

1. A point that a constraint known without compiling rejects (an area budget) is left out.
2. A trial that ran every network of the task on the very design has stored what an evaluation
   would find: its reward under the new objective and constraints is exact.
3. Otherwise what it found on the networks that the task shares, or on its own where none is
   shared, is a prior: the new goals of its metrics, relative to the first trial that has them.

Scores are relative to the best one of their kind, which has 1: exact ones together, priors by
study, as rewards for different networks are no common measure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from apollo.search.goals import AREA
from apollo.search.measure import evaluator_version
from apollo.search.objective import Objective
from apollo.search.task import Task
from apollo.search.transfer.mapping import mapped
from apollo.search.transfer.source import Source
from apollo.search.trial import Evaluation, Outcome, Trial


@dataclass(frozen=True)
class Scored:
    """A point of the task's space and what is expected of it."""

    index: int
    score: float  # of the best of its kind, in (0, 1]
    exact: bool


def rerank(sources: Iterable[Source], task: Task) -> list[Scored]:
    """The points of the sources that may be feasible, the best first, each once."""
    exact, priors = list[Scored](), list[Scored]()
    for source in sources:
        found = _scored(source, task)
        exact += (each for each in found if each.exact)
        priors += _relative([each for each in found if not each.exact])
    once: dict[int, Scored] = {}
    for each in sorted([*_relative(exact), *priors], key=lambda each: not each.exact):
        held = once.get(each.index)
        if held is None or (each.score > held.score and not held.exact):
            once[each.index] = each
    return sorted(once.values(), key=lambda each: -each.score)


def networks_of(source: Source, task: Task) -> dict[str, str]:
    """The task's networks that the source ran, and the source's names for them."""
    by_content = {source.contents[name]: name for name in source.problem.networks}
    contents = ((name, task.contents[name]) for name in task.problem.networks)
    return {name: by_content[key] for name, key in contents if key in by_content}


def evaluations_of(trial: Trial, names: Mapping[str, str]) -> dict[str, Evaluation] | None:
    """What a trial found on networks, by new name; None when it did not run one of them."""
    found = {}
    for name, stored in names.items():
        prefix = f"{stored}."
        metrics = {
            key.removeprefix(prefix): value
            for key, value in trial.metrics.items()
            if key.startswith(prefix)
        }
        if not metrics:
            return None
        found[name] = Evaluation(True, metrics)
    return found


def _scored(source: Source, task: Task) -> list[Scored]:
    """Every usable trial with its reward, which is relative to nothing common yet."""
    shared = networks_of(source, task)
    is_same = len(shared) == len(task.problem.networks) and _is_comparable(source, task)
    names = shared or {name: name for name in source.problem.networks}
    prior = _prior(source.trials, names, task)
    scored = []
    for trial in source.trials:
        evaluations = evaluations_of(trial, names)
        if evaluations is None or prior is None:
            continue
        point = mapped(source.problem.space, trial.index, task.problem.space)
        area_mm2 = allowed_area(point.index, task)
        if area_mm2 is None:
            continue
        exact = is_same and point.same
        objective = task.objective if exact else prior
        outcome: Outcome = objective.outcome(area_mm2, evaluations)
        if outcome.feasible:
            scored.append(Scored(point.index, outcome.reward, exact))
    return scored


def _is_comparable(source: Source, task: Task) -> bool:
    """Whether its metrics are those of today's simulator with the task's constants."""
    today = source.version == evaluator_version()
    return today and source.problem.technology == task.problem.technology


def _prior(trials: Sequence[Trial], names: Mapping[str, str], task: Task) -> Objective | None:
    """The task's goals on these networks, relative to the first trial that ran them."""
    for trial in trials:
        evaluations = evaluations_of(trial, names)
        if evaluations is not None:
            return relative_to(trial, evaluations, task)
    return None


def relative_to(trial: Trial, evaluations: Mapping[str, Evaluation], task: Task) -> Objective:
    """The task's goals, relative to a trial and what it found on some networks."""
    weights = {n: w for n, w in task.problem.weights.items() if n in evaluations}
    return replace(
        task.objective,
        baseline=f"trial {trial.number}",
        baseline_area_mm2=trial.metrics[AREA],
        baseline_metrics={name: each.metrics for name, each in evaluations.items()},
        constraints=(),
        weights=weights,
    )


def allowed_area(index: int, task: Task) -> float | None:
    """The area of a point; None when a constraint that is known without compiling rejects it."""
    try:
        known = task.known_at(index)
    except ValueError:  # no machine
        return None
    return None if task.objective.rejected(known) else known[AREA]


def _relative(found: list[Scored]) -> list[Scored]:
    best = max((each.score for each in found), default=1.0)
    return [replace(each, score=each.score / best) for each in found]

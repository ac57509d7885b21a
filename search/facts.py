"""What a stored study is of and how far it came, from its rows alone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apollo.search.store import Store, StudyRow
from apollo.search.store.brief import EvaluationCounts, brief_trials, evaluation_counts
from apollo.search.studies import row_of
from apollo.search.trial import Trial, best_of


@dataclass(frozen=True)
class Share:
    """What one member of an optimizer contributed."""

    trials: int
    best_reward: float  # 0 when nothing of it is feasible


@dataclass(frozen=True)
class StudyFacts:
    """A study in full but for its trials."""

    row: StudyRow
    database: str
    trials: int
    feasible: int
    different: int  # designs
    seconds: float  # of all evaluations
    best: Trial | None  # without parameters and metrics
    evaluations: EvaluationCounts
    causes: Mapping[str, int]  # infeasible trials by resource, the most frequent first
    proposers: Mapping[str, Share]  # by name; none where the optimizer is not made of several


def facts_of(store: Store, study: str) -> StudyFacts:
    """The facts of a study.

    Raises `ValueError` when the store has none of that name.
    """
    row, log = row_of(store, study), brief_trials(store, study)
    causes = Counter(trial.resource for trial in log if trial.resource is not None)
    return StudyFacts(
        row=row,
        database=store.name,
        trials=len(log),
        feasible=sum(trial.feasible for trial in log),
        different=len({trial.index for trial in log}),
        seconds=sum(trial.seconds for trial in log),
        best=next(iter(best_of(log)), None),
        evaluations=evaluation_counts(store, study),
        causes=dict(causes.most_common()),
        proposers=_shares(log),
    )


def _shares(log: Sequence[Trial]) -> dict[str, Share]:
    by_name: dict[str, list[Trial]] = {}
    for trial in log:
        if trial.proposer is not None:
            by_name.setdefault(trial.proposer, []).append(trial)
    return {
        name: Share(len(by_name[name]), max(trial.reward for trial in by_name[name]))
        for name in sorted(by_name)
    }

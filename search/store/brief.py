"""Reading less than a whole log: trials to rank, those of some numbers, counts."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select

from apollo.search.store.database import reading
from apollo.search.store.rows import BRIEF, TRIAL, brief_of, check_names, check_numbers, trial_of
from apollo.search.store.schema import StudyTable, TrialEvaluationTable, TrialTable
from apollo.search.store.store import Store
from apollo.search.trial import Trial

_AT_ONCE = 500  # numbers of a query: databases bound them


@dataclass(frozen=True)
class EvaluationCounts:
    """The evaluations that the trials of a study were made of."""

    used: int
    different: int  # of them; the others were in the cache


def brief_trials(store: Store, study: str) -> list[Trial]:
    """The log of a study, by number, without parameters and metrics: enough to rank it."""
    with reading(store.engine) as session:
        trials = [brief_of(row) for row in session.execute(_log(select(*BRIEF), study))]
        check_numbers(trials)
        return trials


def feasible_trials(store: Store, study: str) -> list[Trial]:
    """The feasible ones of the log, whole."""
    feasible = _log(select(*TRIAL), study).where(TrialTable.feasible)
    with reading(store.engine) as session:
        trials = [trial_of(row) for row in session.execute(feasible)]
        check_names(trials)
        return trials


def trials_at(store: Store, study: str, numbers: Sequence[int]) -> list[Trial]:
    """Whole trials of a study, in the order of the numbers."""
    found: dict[int, Trial] = {}
    with reading(store.engine) as session:
        for start in range(0, len(numbers), _AT_ONCE):
            part = TrialTable.number.in_(numbers[start : start + _AT_ONCE])
            rows = session.execute(_log(select(*TRIAL), study).where(part))
            found |= {row.number: trial_of(row) for row in rows}
        trials = [found[number] for number in numbers]
        check_names(trials)
        return trials


def best_trials(store: Store, study: str, count: int) -> list[Trial]:
    """What `best_of` finds in the whole log, found by the database."""
    number = func.min(TrialTable.number)
    ranked = (
        select(number)
        .join(StudyTable, StudyTable.id == TrialTable.study_id)
        .where(StudyTable.name == study, TrialTable.feasible)
        .group_by(TrialTable.point)
        .order_by(func.max(TrialTable.reward).desc(), number)
        .limit(count)
    )
    with reading(store.engine) as session:
        numbers = list(session.scalars(ranked))
    return trials_at(store, study, numbers)


def evaluation_counts(store: Store, study: str) -> EvaluationCounts:
    """How many evaluations a study used, and how many it needed."""
    evaluation = TrialEvaluationTable.evaluation_id
    counted = (
        select(func.count(), func.count(evaluation.distinct()))
        .select_from(TrialEvaluationTable)
        .join(StudyTable, StudyTable.id == TrialEvaluationTable.study_id)
        .where(StudyTable.name == study)
    )
    with reading(store.engine) as session:
        used, different = session.execute(counted).one()
    return EvaluationCounts(used, different)


def _log(columns: Select[*tuple[object, ...]], study: str) -> Select[*tuple[object, ...]]:
    joined = columns.join(StudyTable, StudyTable.id == TrialTable.study_id)
    return joined.where(StudyTable.name == study).order_by(TrialTable.number)

"""A study with the evaluations that its trials were made of: what moves between databases."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select

from apollo.search.store.database import reading
from apollo.search.store.schema import EvaluationTable, StudyTable, TrialEvaluationTable
from apollo.search.store.store import KEY, VALUE, Store
from apollo.search.store.study_row import StudyRow
from apollo.search.trial import Evaluation, EvaluationKey, Trial


@dataclass(frozen=True)
class StoredStudy:
    """Everything that a database holds of a study."""

    row: StudyRow
    trials: Sequence[Trial]  # with the keys of their evaluations
    evaluations: Mapping[EvaluationKey, Evaluation]

    @classmethod
    def read(cls, store: Store, row: StudyRow) -> "StoredStudy":
        """The study of that row."""
        linked = (
            select(TrialEvaluationTable.number, *KEY, *VALUE)
            .join(EvaluationTable, EvaluationTable.id == TrialEvaluationTable.evaluation_id)
            .join(StudyTable, StudyTable.id == TrialEvaluationTable.study_id)
            .where(StudyTable.name == row.name)
            .order_by(TrialEvaluationTable.number, EvaluationTable.id)
        )
        trials = store.trials(row.name)  # first: of a running study, links come with them
        keys: dict[int, list[EvaluationKey]] = defaultdict(list)
        evaluations: dict[EvaluationKey, Evaluation] = {}
        with reading(store.engine) as session:
            for number, *cells in session.execute(linked):
                key = EvaluationKey(*cells[: len(KEY)])
                keys[number].append(key)
                if key not in evaluations:
                    evaluations[key] = Evaluation(*cells[len(KEY) :])
        return cls(row, [_with_parts(t, keys[t.number]) for t in trials], evaluations)

    def write(self, store: Store) -> None:
        """Add it to a database in which it is not, or is without trials.

        Raises `ValueError` when there is another study of that name, or it has trials.
        """
        store.open_study(self.row)
        for key, evaluation in self.evaluations.items():
            store.put(key, evaluation)
        store.add(self.row.name, self.trials)


def _with_parts(trial: Trial, keys: Sequence[EvaluationKey]) -> Trial:
    return replace(trial, outcome=replace(trial.outcome, evaluations=tuple(keys)))

"""The store of a study: identity, log of trials, and evaluations that are never run twice.

Evaluations that were put wait in memory for the next `add`, which commits them with the trials of
a batch in one transaction: a killed process loses the batch in flight and nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, Engine, bindparam, func, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from apollo.search.store.database import (
    POSTGRESQL,
    name_of,
    open_database,
    reading,
    sentences,
    url_of,
    writer,
)
from apollo.search.store.keys import canonical_json
from apollo.search.store.rows import (
    TRIAL,
    check_names,
    check_numbers,
    study_of,
    trial_of,
    trial_values,
)
from apollo.search.store.schema import (
    Base,
    EvaluationTable,
    StudyTable,
    TrialEvaluationTable,
    TrialTable,
)
from apollo.search.store.study_row import StudyRow, StudySummary
from apollo.search.trial import Evaluation, EvaluationKey, Trial

LOCK_TIMEOUT_S = 10.0

# Columns of an evaluation, in the order of the fields of `EvaluationKey` and `Evaluation`.
KEY = [getattr(EvaluationTable, field.name) for field in fields(EvaluationKey)]
VALUE = [getattr(EvaluationTable, field.name) for field in fields(Evaluation)]
_WITH_KEY = [column == bindparam(f"key_{column.key}") for column in KEY]
_FIND = select(*VALUE).where(*_WITH_KEY)
_FIND_ID = select(EvaluationTable.id).where(*_WITH_KEY)


class Store:
    """A database of studies, in a file or on a server; close it, or use it as a context.

    Raises `ValueError`, one sentence, when it is not a database of this version, is damaged,
    locked by another process for longer than `timeout_s`, or not to be reached.
    """

    def __init__(self, location: str | Path, timeout_s: float = LOCK_TIMEOUT_S) -> None:
        """Open the database in a file, made with its folder when there is none, or at a URL."""
        url = url_of(location)
        self.name = name_of(url)
        self._engine = open_database(url, timeout_s)
        self._waiting: dict[EvaluationKey, Evaluation] = {}  # put, not committed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what waits for a commit is dropped."""
        self._engine.dispose()

    def open_study(self, study: StudyRow) -> None:
        """Create the study, or check that the stored one of that name is the same.

        Raises `ValueError` that names the first difference when it is not.
        """
        stored = self.study(study.name)
        if stored is None:
            self._create(study)
            return
        difference = stored.difference(study)
        if difference is not None:
            raise ValueError(
                f"Study '{study.name}' was made with {difference}: give it the same options to "
                "resume it, or another name."
            )

    def study(self, name: str) -> StudyRow | None:
        """The study of that name, or None."""
        with reading(self._engine) as session:
            row = session.scalars(select(StudyTable).where(StudyTable.name == name)).one_or_none()
            return None if row is None else study_of(row)

    def studies(self) -> list[StudySummary]:
        """Every study with its counts, by name."""
        counted = (
            select(
                StudyTable,
                func.count(TrialTable.number),
                func.count(TrialTable.number).filter(TrialTable.feasible),
                func.coalesce(func.max(TrialTable.reward), 0.0),
            )
            .outerjoin(TrialTable)
            .group_by(StudyTable.id)
            .order_by(StudyTable.name)
        )
        with reading(self._engine) as session:
            return [
                StudySummary(study_of(row), trials, feasible, float(best))
                for row, trials, feasible, best in session.execute(counted)
            ]

    def trials(self, study: str) -> list[Trial]:
        """The log of a study, by number; empty when there is no such study.

        The evaluations a trial was made of are left in the database.
        """
        log = (
            select(*TRIAL)
            .join(StudyTable, StudyTable.id == TrialTable.study_id)
            .where(StudyTable.name == study)
            .order_by(TrialTable.number)
        )
        with reading(self._engine) as session:
            trials = [trial_of(row) for row in session.execute(log)]
            check_numbers(trials)
            check_names(trials)
            return trials

    def get(self, key: EvaluationKey) -> Evaluation | None:
        """The evaluation with that key, put or stored, or None."""
        if key in self._waiting:
            return self._waiting[key]
        with reading(self._engine) as session:
            row = session.connection().execute(_FIND, _bound(key)).one_or_none()
            return None if row is None else Evaluation(*row)

    def put(self, key: EvaluationKey, evaluation: Evaluation) -> None:
        """Remember an evaluation; it is stored by the next `add`."""
        self._waiting[key] = evaluation

    def add(self, study: str, trials: Sequence[Trial]) -> None:
        """Commit trials, and the evaluations put since the last commit, in one transaction.

        Raises `ValueError` when another process wrote trials of the same numbers, or deleted the
        study.
        """
        with sentences(self._engine), Session(writer(self._engine)) as session, session.begin():
            self.insert_evaluations(session, self._waiting)
            statement = select(StudyTable.id).where(StudyTable.name == study)
            study_id = session.scalar(statement)
            if study_id is None:
                raise ValueError(f"The database '{self.name}' holds no study '{study}' any more.")
            if trials:
                session.execute(insert(TrialTable), [trial_values(study_id, t) for t in trials])
            links = [
                {"study_id": study_id, "number": trial.number, "evaluation_id": evaluation_id}
                for trial in trials
                for evaluation_id in self._ids(session, trial.outcome.evaluations)
            ]
            if links:
                session.execute(insert(TrialEvaluationTable), links)
        self._waiting.clear()

    def _create(self, study: StudyRow) -> None:
        with sentences(self._engine), Session(writer(self._engine)) as session, session.begin():
            session.add(
                StudyTable(
                    name=study.name,
                    optimizer=study.optimizer,
                    seed=study.seed,
                    options=canonical_json(dict(study.options)),
                    version=study.version,
                    created=datetime.now(UTC).isoformat(timespec="seconds"),
                )
            )

    @property
    def engine(self) -> Engine:
        """The engine of the database, for what else it holds."""
        return self._engine

    @staticmethod
    def insert_evaluations(
        session: Session, evaluations: Mapping[EvaluationKey, Evaluation]
    ) -> None:
        """Insert evaluations, in their order, but for those that are there."""
        rows = [asdict(key) | asdict(each) for key, each in evaluations.items()]
        if rows:
            session.execute(insert_missing(session.get_bind(), EvaluationTable), rows)

    @staticmethod
    def _ids(session: Session, keys: Iterable[EvaluationKey]) -> list[int]:
        connection = session.connection()  # no objects are asked for
        found = (connection.execute(_FIND_ID, _bound(key)).scalar() for key in keys)
        return [evaluation_id for evaluation_id in found if evaluation_id is not None]


def insert_missing(bind: Engine | Connection, table: type[Base]) -> Any:
    """An insertion that leaves rows with a key that is there as they are."""
    kind = postgresql if bind.dialect.name == POSTGRESQL else sqlite
    return kind.insert(table).on_conflict_do_nothing()


def _bound(key: EvaluationKey) -> dict[str, str]:
    return {f"key_{name}": value for name, value in asdict(key).items()}

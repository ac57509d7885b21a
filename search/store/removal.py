"""Taking a study out of a database, and finding out whether a file is in use."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from apollo.search.store.database import sentences, writer
from apollo.search.store.schema import (
    DesignTable,
    EvaluationTable,
    JobTable,
    LeverTable,
    RunTable,
    StudyTable,
    TrialEvaluationTable,
    TrialTable,
)
from apollo.search.store.store import Store

_OF_STUDY = (TrialEvaluationTable, TrialTable, JobTable, RunTable, DesignTable, LeverTable)


def remove_study(store: Store, study: str) -> None:
    """Delete a study, and the evaluations that no other study was made of, in one transaction."""
    study_id = select(StudyTable.id).where(StudyTable.name == study).scalar_subquery()
    used = TrialEvaluationTable.evaluation_id
    mine = select(used).where(TrialEvaluationTable.study_id == study_id)
    others = select(used).where(TrialEvaluationTable.study_id != study_id)
    unused = select(EvaluationTable.id).where(
        EvaluationTable.id.in_(mine), EvaluationTable.id.not_in(others)
    )
    with sentences(store.engine), Session(writer(store.engine)) as session, session.begin():
        freed = list(session.scalars(unused))
        for table in _OF_STUDY:
            session.execute(delete(table).where(table.study_id == study_id))
        session.execute(delete(StudyTable).where(StudyTable.name == study))
        for start in range(0, len(freed), 500):  # databases bound the numbers of a query
            part = freed[start : start + 500]
            session.execute(delete(EvaluationTable).where(EvaluationTable.id.in_(part)))


def check_unused(path: Path) -> None:
    """Raise `ValueError` when a process has the database open.

    Leaving the write-ahead mode needs it alone, and takes the files beside it away.
    """
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError:
            raise ValueError(f"The database '{path}' is in use by another process.") from None

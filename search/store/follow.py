"""Reading a study while another process writes it, without a way to write."""

from sqlalchemy import event, select

from apollo.search.store.database import POSTGRESQL, reading
from apollo.search.store.rows import TRIAL, check_names, trial_of
from apollo.search.store.schema import StudyTable, TrialTable
from apollo.search.store.store import Store
from apollo.search.trial import Trial

_READ_ONLY = {POSTGRESQL: "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"}
_OF_FILES = "PRAGMA query_only=ON"


def read_only(store: Store) -> Store:
    """The store, whose connections refuse to write from now on."""
    statement = _READ_ONLY.get(store.engine.dialect.name, _OF_FILES)

    def forbid(connection: object, _record: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]
        cursor.execute(statement)
        cursor.close()
        connection.commit()  # type: ignore[attr-defined]

    store.engine.dispose()  # those that are open already
    event.listen(store.engine, "connect", forbid)
    return store


def trials_from(store: Store, study: str, first: int, most: int) -> list[Trial]:
    """Trials of a study from a number on, in order, at most so many."""
    log = (
        select(*TRIAL)
        .join(StudyTable, StudyTable.id == TrialTable.study_id)
        .where(StudyTable.name == study, TrialTable.number >= first)
        .order_by(TrialTable.number)
        .limit(most)
    )
    with reading(store.engine) as session:
        trials = [trial_of(row) for row in session.execute(log)]
        if any(trial.number != first + k for k, trial in enumerate(trials)):
            raise ValueError("A trial is missing.")
        check_names(trials)
        return trials

"""Points that wait for workers: offered by the process that runs the study, claimed by lease.

A worker has a point until its lease ends by the database's clock; then another may take it. What a
worker finds goes into the table of evaluations and the job is marked as done in one transaction, so
a worker that is lost loses nothing but time, and one that comes late changes nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Engine, delete, func, or_, select, update
from sqlalchemy.orm import Session

from apollo.search.store.database import POSTGRESQL, sentences, writer
from apollo.search.store.schema import JobTable, StudyTable
from apollo.search.store.store import Store, insert_missing
from apollo.search.trial import Evaluation, EvaluationKey

Networks = tuple[str, ...]


class Queue:
    """The jobs of one study.

    Raises `ValueError` when the store has no study of that name.
    """

    def __init__(self, store: Store, study: str) -> None:
        """The queue of a study of that store."""
        self._engine: Engine = store.engine
        self._study = study
        with sentences(self._engine), Session(self._engine) as session:
            found = session.scalar(select(StudyTable.id).where(StudyTable.name == study))
        if found is None:
            raise ValueError(f"The database '{store.name}' holds no study '{study}'.")
        self._study_id: int = found

    def offer(self, jobs: Mapping[int, Networks]) -> None:
        """Add jobs, the networks to be measured by point; those that are there stay as they are."""
        rows = [
            {
                "study_id": self._study_id,
                "point": point,
                "place": place,
                "networks": list(networks),
            }
            for place, (point, networks) in enumerate(jobs.items())
        ]
        if rows:
            with sentences(self._engine), writer(self._engine).begin() as connection:
                connection.execute(insert_missing(self._engine, JobTable), rows)

    def claim(self, worker: str, count: int, lease_s: float) -> dict[int, Networks]:
        """Take up to `count` jobs that are open and that no other worker's lease holds."""
        now = _now(self._engine)
        is_free = or_(JobTable.lease_until.is_(None), JobTable.lease_until < now)
        free = (
            select(JobTable.point, JobTable.networks)
            .where(JobTable.study_id == self._study_id, JobTable.seconds.is_(None), is_free)
            .order_by(JobTable.place)
            .limit(count)
            .with_for_update(skip_locked=True)  # a file has one writer anyway
        )
        with sentences(self._engine), Session(writer(self._engine)) as session, session.begin():
            taken = {point: tuple(networks) for point, networks in session.execute(free)}
            if taken:
                session.execute(
                    self._update(taken).values(worker=worker, lease_until=now + lease_s)
                )
        return taken

    def finish(
        self, point: int, evaluations: Mapping[EvaluationKey, Evaluation], seconds: float
    ) -> None:
        """Store what was found for a point, and that it is done."""
        with sentences(self._engine), Session(writer(self._engine)) as session, session.begin():
            Store.insert_evaluations(session, evaluations)
            session.execute(self._update([point]).values(seconds=seconds))

    def release(self, worker: str) -> None:
        """Give back what a worker has and has not done."""
        mine = (JobTable.worker == worker, JobTable.seconds.is_(None))
        with sentences(self._engine), Session(writer(self._engine)) as session, session.begin():
            session.execute(self._update().where(*mine).values(lease_until=None))

    def done(self) -> dict[int, float]:
        """The seconds that each point took that is done."""
        finished = select(JobTable.point, JobTable.seconds).where(
            JobTable.study_id == self._study_id, JobTable.seconds.is_not(None)
        )
        with sentences(self._engine), Session(self._engine) as session:
            return {point: seconds or 0.0 for point, seconds in session.execute(finished)}

    def forget(self, points: Sequence[int]) -> None:
        """Remove jobs."""
        gone = delete(JobTable).where(
            JobTable.study_id == self._study_id, JobTable.point.in_(points)
        )
        with sentences(self._engine), Session(writer(self._engine)) as session, session.begin():
            session.execute(gone)

    def _update(self, points: Sequence[int] | Mapping[int, Any] | None = None) -> Any:
        statement = update(JobTable).where(JobTable.study_id == self._study_id)
        return statement if points is None else statement.where(JobTable.point.in_(list(points)))


def _now(engine: Engine) -> ColumnElement[Any]:
    """Seconds since 1970 by the database's clock."""
    if engine.dialect.name == POSTGRESQL:
        return func.extract("epoch", func.clock_timestamp())
    return (func.julianday("now") - 2440587.5) * 86400.0

"""Studies that move between databases and leave them, in files and on a server."""

import re

import pytest
from sqlalchemy import func, select

from apollo.search.store import Store
from apollo.search.store.parts import StoredStudy
from apollo.search.store.queue import Queue
from apollo.search.store.removal import remove_study
from apollo.search.store.schema import (
    Base,
    EvaluationTable,
    JobTable,
    StudyTable,
    TrialEvaluationTable,
    TrialTable,
)
from tests.stored import key, put, row, trials

LOG, OTHER = trials(40), trials(30, seed=1)


def count(store: Store, table: type[Base]) -> int:
    with store.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar()


def points(log) -> set[int]:
    return {trial.index for trial in log if trial.feasible}


def test_a_study_moves_with_its_evaluations(storage, tmp_path):
    with Store(tmp_path / "from.db") as source, Store(storage) as target:
        put(source, row("s"), LOG)
        study = StoredStudy.read(source, source.study("s"))
        assert list(study.trials) == LOG
        assert [t.outcome.evaluations for t in study.trials] == [
            trial.outcome.evaluations for trial in LOG
        ]
        study.write(target)
        assert StoredStudy.read(target, target.study("s")) == study
        assert {k for k in study.evaluations} == {key(point) for point in points(LOG)}


def test_a_removed_study_takes_what_no_other_was_made_of(storage):
    with Store(storage) as store:
        put(store, row("s"), LOG)
        put(store, row("other"), OTHER)
        Queue(store, "s").offer({7: ("net",)})
        assert points(LOG) - points(OTHER)
        remove_study(store, "s")
        assert store.study("s") is None
        assert store.trials("other") == OTHER
        counts = [count(store, t) for t in (StudyTable, TrialTable, EvaluationTable, JobTable)]
        assert counts == [1, 30, len(points(OTHER)), 0]
        assert count(store, TrialEvaluationTable) == sum(t.feasible for t in OTHER)
        remove_study(store, "other")
        assert count(store, EvaluationTable) == 0


def test_a_study_that_was_removed_while_it_ran_is_one_sentence(storage):
    with Store(storage) as store:
        put(store, row("s"), LOG)
        remove_study(store, "s")
        sentence = f"The database '{store.name}' holds no study 's' any more."
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            store.add("s", LOG)

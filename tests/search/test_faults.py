"""A database that fails in the middle of a study: one sentence, and no trial is lost or changed."""

import random
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from landscape import comparable, evaluate
from sqlalchemy import event

from apollo.search.store import Store
from apollo.search.study import Study, run_study
from apollo.search.trial import Outcome, Trial
from tests.damage import damaged
from tests.postgresql import running

STUDY = Study("s", "evolutionary", seed=1, version="1", settings={"founders": 2}, batch=8)
TRIALS, FAULT = 200, 83  # the fault comes in the middle of a batch
STORED = FAULT // STUDY.batch * STUDY.batch
slow = pytest.mark.slow


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[Trial]:
    with Store(tmp_path_factory.mktemp("undisturbed") / "study.db") as store:
        return comparable(run_study(store, STUDY, evaluate, TRIALS).trials)


def fails(store: Store, fault: Callable[[], object], sentence: str) -> None:
    calls = 0

    def breaking(index: int) -> Outcome:
        nonlocal calls
        calls += 1
        if calls == FAULT:
            fault()
        return evaluate(index)

    with pytest.raises(ValueError, match=f"^{sentence}$"):
        run_study(store, STUDY, breaking, TRIALS)


def resumes(location: str | Path, undisturbed: list[Trial]) -> None:
    with Store(location) as store:
        stored = comparable(store.trials("s"))
        assert STORED <= len(stored) < TRIALS
        assert len(stored) % STUDY.batch == 0
        assert stored == undisturbed[: len(stored)]
        run_study(store, STUDY, evaluate, TRIALS)
        assert comparable(store.trials("s")) == undisturbed


def test_a_full_disk(tmp_path: Path, undisturbed: list[Trial]) -> None:
    path = tmp_path / "study.db"

    def fill() -> None:
        """The database may not grow by a page, for SQLite the same as no space."""
        pages = path.stat().st_size // 4096

        def limit(connection: sqlite3.Connection, *_: object) -> None:
            connection.execute(f"PRAGMA max_page_count = {pages}")

        event.listen(store.engine, "checkout", limit)

    with Store(path) as store:
        sentence = f"The database '{path}' cannot grow because the disk is full."
        fails(store, fill, re.escape(sentence))
    resumes(path, undisturbed)


def test_a_lock_that_stays(tmp_path: Path, undisturbed: list[Trial]) -> None:
    path = tmp_path / "study.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        with Store(path, timeout_s=0.05) as store:
            sentence = f"The database '{path}' is locked by another process."
            fails(store, lambda: other.execute("BEGIN IMMEDIATE"), re.escape(sentence))
        other.rollback()
    resumes(path, undisturbed)


def test_a_server_that_dies_and_comes_back(undisturbed: list[Trial]) -> None:
    with running() as server:
        with Store(server.url, timeout_s=2) as store:
            sentence = f"The database '{re.escape(store.name)}' cannot be reached: .+"
            fails(store, server.stop, sentence)
        with pytest.raises(ValueError, match=f"^{sentence}$"):
            Store(server.url, timeout_s=2)
        server.start()
        resumes(server.url, undisturbed)


def test_a_server_that_restarts_between_two_commits(undisturbed: list[Trial]) -> None:
    with running() as server, Store(server.url) as store:
        calls = 0

        def restarting(index: int) -> Outcome:
            nonlocal calls
            calls += 1
            if calls == FAULT:
                server.stop()
                server.start()
            return evaluate(index)

        assert comparable(run_study(store, STUDY, restarting, TRIALS).trials) == undisturbed


@pytest.mark.parametrize("seeds", [range(30), pytest.param(range(30, 1000), marks=slow)])
def test_a_damaged_database_is_resumed_or_refused(tmp_path: Path, seeds: range) -> None:
    path = tmp_path / "study.db"
    with Store(path) as store:
        run_study(store, STUDY, evaluate, TRIALS)
    content, said = path.read_bytes(), []
    for seed in seeds:
        for beside in tmp_path.iterdir():
            beside.unlink()
        path.write_bytes(damaged(content, random.Random(seed)))
        try:
            with Store(path, timeout_s=0.1) as store:
                assert len(run_study(store, STUDY, evaluate, TRIALS + 16).trials) == TRIALS + 16
        except ValueError as error:
            said.append(str(error))
    assert len(said) > len(seeds) / 4
    begins = (f"The database '{path}' ", "Study 's' cannot be resumed: ")
    assert [sentence for sentence in said if not sentence.startswith(begins)] == []

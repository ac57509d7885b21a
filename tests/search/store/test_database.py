import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from apollo.search.store import Store, StudyRow
from apollo.search.store.schema import SCHEMA_VERSION

STUDY = StudyRow("s", "random", 1, {}, "1")


def refuses(path, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence.format(path=path))}$"):
        Store(path, timeout_s=0.05)


@pytest.fixture
def path(tmp_path):
    with Store(tmp_path / "folder" / "study.db") as store:
        store.open_study(STUDY)
    return Path(store.name)


def execute(path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(sql)
        connection.commit()


def test_another_schema_is_refused_with_what_to_do(path):
    made = "The database '{path}' was made by"
    execute(path, f"UPDATE apollo_schema SET version = {SCHEMA_VERSION + 1}")
    numbers = f"(schema {SCHEMA_VERSION + 1}, this one reads {SCHEMA_VERSION})"
    refuses(path, f"{made} a newer Apollo {numbers}: update to use it.")
    execute(path, "UPDATE apollo_schema SET version = 1")
    numbers = f"(schema 1, this one reads {SCHEMA_VERSION})"
    refuses(path, f"{made} an older Apollo {numbers}: use that one, or a new study.")


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "study.db"
    path.write_text("trial,reward\n" * 500)
    refuses(path, "The database '{path}' is not a study database or is damaged.")


def test_a_damaged_database_is_refused(path):
    with path.open("r+b") as file:
        file.seek(100)  # past the header, the page of the schema
        file.write(b"\xff" * 3000)
    refuses(path, "The database '{path}' is not a study database or is damaged.")


def test_a_database_of_another_program_is_refused(tmp_path):
    path = tmp_path / "study.db"
    execute(path, "CREATE TABLE trials (number INTEGER)")
    refuses(path, "The database '{path}' is not a study database or is damaged.")


def test_a_folder_is_refused(tmp_path):
    refuses(tmp_path, "The database '{path}' must be a file, not a folder.")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "study.db"
    refuses(path, f"The folder '{tmp_path / 'file'}' cannot be made: File exists.")


def test_a_locked_database_is_refused(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE")
        other.execute("BEGIN IMMEDIATE")
        refuses(path, "The database '{path}' is locked by another process.")


def test_a_database_is_read_while_another_process_writes(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with Store(path, timeout_s=0.05) as store:
            assert store.study("s") == STUDY


def test_a_database_locked_while_in_use_is_said_in_a_sentence(path):
    sentence = f"The database '{path}' is locked by another process."
    with Store(path, timeout_s=0.05) as store, closing(sqlite3.connect(path)) as other:
        other.isolation_level = None
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            store.add("s", [])


def test_an_empty_file_becomes_a_database(tmp_path):
    (tmp_path / "study.db").touch()
    with Store(tmp_path / "study.db") as store:
        assert store.studies() == []

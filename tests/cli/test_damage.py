"""Bytes of a database that are lost or changed: an answer or one sentence, never a crash."""

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from apollo.cli import app
from tests.damage import damaged
from tests.stored import row, save, trials

COMMANDS = ("list", "show s", "best s", "front s", "export s -o rows.csv", "merge s --into t")
FEW, MANY = 20, 600


def check(seed: int, database: bytes) -> bool:
    """Whether any command refused a database with this damage."""
    path = Path("results/s/study.db")
    shutil.rmtree("results")
    path.parent.mkdir(parents=True)
    path.write_bytes(damaged(database, random.Random(seed)))
    refused = False
    for command in COMMANDS:
        result = CliRunner().invoke(app, ["study", *command.split()])
        said = result.stderr.strip().splitlines()
        assert result.exit_code in (0, 2, 3), (seed, command, said)
        if result.exit_code == 2:
            refused = True
            assert len(said) == 1, (seed, command, said)
            assert "study.db'" in said[0] or "no study" in said[0], (seed, command, said)
    return refused


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("APOLLO_TRACEBACK", raising=False)
    return save(Path("results"), row("s"), trials(300)).read_bytes()


def test_damage_is_an_answer_or_one_sentence(database: bytes) -> None:
    refused = [check(seed, database) for seed in range(FEW)]
    assert sum(refused) > FEW / 4


@pytest.mark.slow
def test_much_damage(database: bytes) -> None:
    for seed in range(FEW, MANY):
        check(seed, database)


def test_a_log_with_a_gap_is_damage(database: bytes) -> None:

    with closing(sqlite3.connect("results/s/study.db")) as connection:
        connection.execute("DELETE FROM trial WHERE number = 7")
        connection.commit()
    result = CliRunner().invoke(app, ["study", "export", "s", "-o", "rows.csv"])
    assert result.exit_code == 2
    assert "is not a study database or is damaged" in result.stderr

"""A study whose process is killed, three times, ends with the rows of one that was left alone."""

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from apollo.search.store import Store

DRIVE = Path(__file__).with_name("drive.py")
FOR_EVER = 1_000_000  # trials
TIMES = {"seconds", "created"}


def start(database: Path, trials: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(DRIVE), str(database), str(trials)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    return process


def end(process: subprocess.Popen[str]) -> int:
    code = process.wait(timeout=60)
    process.stdout.close()
    return code


def wait_for_trials(database: Path, count: int) -> None:
    deadline = time.monotonic() + 60
    with Store(database) as store:
        while len(store.trials("killed")) < count:
            assert time.monotonic() < deadline
            time.sleep(0.005)


def rows(database: Path) -> dict[str, list[dict]]:
    """Every row of every table, without the columns that are times."""
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        tables = ("study", "trial", "evaluation", "trial_evaluation")
        found = {t: connection.execute(f"SELECT * FROM {t} ORDER BY 1, 2, 3") for t in tables}
        return {
            table: [{k: row[k] for k in row.keys() if k not in TIMES} for row in cursor]  # noqa: SIM118
            for table, cursor in found.items()
        }


def test_killed_three_times_and_resumed_gives_the_rows_of_an_uninterrupted_run(tmp_path):
    killed, whole = tmp_path / "killed.db", tmp_path / "whole.db"
    for wanted in (24, 96, 160):
        process = start(killed, FOR_EVER)
        wait_for_trials(killed, wanted)
        process.send_signal(signal.SIGKILL)
        assert end(process) == -signal.SIGKILL
    total = len(rows(killed)["trial"]) + 50
    assert end(start(killed, total)) == 0
    assert end(start(whole, total)) == 0
    found = rows(killed)
    assert len(found["trial"]) == len(found["trial_evaluation"]) == total
    assert found == rows(whole)


def test_interrupted_stores_what_is_done_and_resumes(tmp_path):
    interrupted, whole = tmp_path / "interrupted.db", tmp_path / "whole.db"
    process = start(interrupted, FOR_EVER)
    wait_for_trials(interrupted, 8)
    process.send_signal(signal.SIGINT)
    assert end(process) == 130
    total = len(rows(interrupted)["trial"]) + 50
    assert end(start(interrupted, total)) == 0
    assert end(start(whole, total)) == 0
    assert rows(interrupted) == rows(whole)

"""`explore` survives kill -9 and Ctrl-C: the rows are those of an undisturbed run."""

import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from apollo.__main__ import main

TRIALS = 1200


def explore(output: Path) -> subprocess.Popen[str]:
    command = [
        sys.executable, "-m", "apollo", "explore", "mobilenet_v1_0.25_128", "--max-area", "6.8",
        "--trials", str(TRIALS), "--study", "s", "--output", str(output),
    ]  # fmt: skip
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def stored(output: Path) -> int:
    try:
        with sqlite3.connect(f"file:{output / 's' / 'study.db'}?mode=ro", uri=True) as connection:
            count: int = connection.execute("select count(*) from trial").fetchone()[0]
    except sqlite3.OperationalError:  # not there yet
        return 0
    finally:
        if "connection" in locals():
            connection.close()
    return count


def stop_after(output: Path, trials: int, number: signal.Signals) -> tuple[int, str]:
    process = explore(output)
    while stored(output) < trials:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.005)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    return process.returncode, stderr


def rows(output: Path) -> pd.DataFrame:
    process = explore(output)
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 0, stderr
    return pd.read_csv(output / "s" / "trials.csv").drop(columns="seconds")


def test_two_kills_and_a_ctrl_c_leave_no_trace(tmp_path: Path) -> None:
    disturbed = tmp_path / "disturbed"
    assert stop_after(disturbed, 100, signal.SIGKILL)[0] == -signal.SIGKILL
    assert stop_after(disturbed, 400, signal.SIGKILL)[0] == -signal.SIGKILL
    code, stderr = stop_after(disturbed, 700, signal.SIGINT)
    assert code == 130
    assert "all saved; the same command with --study s resumes." in stderr
    assert "Traceback" not in stderr
    assert 700 <= stored(disturbed) < TRIALS
    pd.testing.assert_frame_equal(rows(disturbed), rows(tmp_path / "undisturbed"))


def test_ctrl_c_during_the_import_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("apollo.cli.app", interrupted)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 130
    assert capsys.readouterr().err == "apollo: Interrupted.\n"

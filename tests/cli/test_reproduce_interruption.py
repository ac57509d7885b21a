"""`reproduce` survives kill -9 and Ctrl-C: the rows are those of an undisturbed run."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from apollo.search.reproduce.plan import SINGLE, quick_plan
from apollo.search.reproduce.rows import load_rows
from apollo.search.reproduce.study import reproduce

pytestmark = pytest.mark.slow


def start(folder: Path, jobs: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "apollo", "reproduce", "apollo", "--quick", "--part", SINGLE]
    command += ["-j", str(jobs), "--output", str(folder), "--published", str(folder / "published")]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def stop_after(folder: Path, runs: int, jobs: int, number: signal.Signals) -> tuple[int, str]:
    process = start(folder, jobs)
    while len([*folder.glob("reproduce-quick/rows/*.parquet")]) < runs:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.005)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=120)
    return process.returncode, stderr


def test_a_kill_and_two_ctrl_c_leave_no_trace(tmp_path: Path) -> None:
    disturbed, undisturbed = tmp_path / "disturbed", tmp_path / "undisturbed"
    assert stop_after(disturbed, 4, 1, signal.SIGKILL)[0] == -signal.SIGKILL
    for runs, jobs in ((8, 1), (14, 2)):
        code, stderr = stop_after(disturbed, runs, jobs, signal.SIGINT)
        assert code == 130
        assert stderr.strip().splitlines()[-1] == (
            "apollo: Interrupted; finished runs are kept and others go on: the same command "
            "resumes."
        )
        assert "Traceback" not in stderr
    process = start(disturbed, 2)
    _, stderr = process.communicate(timeout=300)
    assert process.returncode == 0, stderr
    plan = quick_plan()
    reproduce(plan, undisturbed, [SINGLE], 1, lambda *_: None)
    for run in plan.runs[SINGLE]:
        found = load_rows(disturbed / "reproduce-quick", run)
        pd.testing.assert_frame_equal(found, load_rows(undisturbed, run))

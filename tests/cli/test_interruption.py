"""`explore` survives kill -9 and Ctrl-C: the rows are those of an undisturbed run."""

import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from resource import RLIM_INFINITY, RLIMIT_FSIZE, prlimit
from types import ModuleType

import pandas as pd
import pytest

import apollo
from apollo.__main__ import main
from apollo.arch.compiling import begin_compiling

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
    return apollo.trials("s", output=output).drop(columns="seconds")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return rows(tmp_path_factory.mktemp("undisturbed"))


def test_two_kills_and_a_ctrl_c_leave_no_trace(tmp_path: Path, undisturbed: pd.DataFrame) -> None:
    disturbed = tmp_path / "disturbed"
    assert stop_after(disturbed, 100, signal.SIGKILL)[0] == -signal.SIGKILL
    assert stop_after(disturbed, 400, signal.SIGKILL)[0] == -signal.SIGKILL
    code, stderr = stop_after(disturbed, 700, signal.SIGINT)
    assert code == 130
    assert "all saved; the same command with --study s resumes." in stderr
    assert "Traceback" not in stderr
    assert 700 <= stored(disturbed) < TRIALS
    pd.testing.assert_frame_equal(rows(disturbed), undisturbed)


def test_files_that_may_not_grow_are_one_sentence_and_lose_nothing(
    tmp_path: Path, undisturbed: pd.DataFrame
) -> None:
    process = explore(tmp_path)
    while stored(tmp_path) < 100:
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.005)
    log_bytes = (tmp_path / "s" / "study.db-wal").stat().st_size
    prlimit(process.pid, RLIMIT_FSIZE, (log_bytes, RLIM_INFINITY))
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 2
    last = stderr.strip().splitlines()[-1]
    assert last.endswith(f"The database '{tmp_path / 's' / 'study.db'}' cannot be read or written.")
    left = apollo.trials("s", output=tmp_path).drop(columns="seconds")
    assert 100 <= len(left) < TRIALS
    pd.testing.assert_frame_equal(left, undisturbed.head(len(left)))


def test_ctrl_c_during_the_import_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("apollo.cli.app", interrupted)
    monkeypatch.delitem(sys.modules, "jax", raising=False)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 130
    assert capsys.readouterr().err == "apollo: Interrupted.\n"


def test_an_interrupted_run_of_jax_ends_before_python_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(**_: object) -> None:
        print("saved")
        sys.exit(130)

    def ended(code: int) -> None:
        assert capsys.readouterr().out == "saved\nsaved\n"  # that of the first call too
        raise RuntimeError(f"ended with {code}")

    monkeypatch.setattr("apollo.cli.app", interrupted)
    monkeypatch.setattr("os._exit", ended)
    monkeypatch.delitem(sys.modules, "jax", raising=False)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 130
    monkeypatch.setitem(sys.modules, "jax", ModuleType("jax"))
    with pytest.raises(RuntimeError, match=r"^ended with 130$"):
        main()


def test_kernels_that_are_compiled_are_one_line_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def compiling(**_: object) -> None:
        begin_compiling()
        begin_compiling()

    monkeypatch.setattr("apollo.cli.app", compiling)
    main()
    assert capsys.readouterr() == ("", "Compiling kernels: a minute or two …\n")

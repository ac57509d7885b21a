"""A study on several processes, some of which are killed, has the rows of one left alone."""

import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from apollo.search.execution import Execution
from apollo.search.explore import explore, make_problem
from apollo.search.store import Store, StudyRow
from apollo.search.store.queue import Queue
from apollo.search.worker import task_of, work

NETWORK, STUDY, TRIALS = "mobilenet_v1_0.25_128", "s", 256
PROBLEM = ("--max-area", "6.8", "--seed", "2")


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "apollo", *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def driver(storage: str, output: Path) -> subprocess.Popen[str]:
    return start(
        "explore", NETWORK, *PROBLEM, "--trials", str(TRIALS), "--study", STUDY, "--share",
        "--storage", storage, "--output", str(output),
    )  # fmt: skip


def worker(storage: str) -> subprocess.Popen[str]:
    return start("worker", "--storage", storage, "--study", STUDY, "--idle", "20")


def end(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = process.communicate(timeout=120)
    return process.returncode, said


def wait_for_trials(storage: str, count: int) -> None:
    deadline = time.monotonic() + 120
    with Store(storage) as store:
        while len(store.trials(STUDY)) < count:
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    problem = make_problem([NETWORK], max_area_mm2=6.8)
    output = tmp_path_factory.mktemp("alone")
    return explore(problem, trials=TRIALS, seed=2, study=STUDY, output=output).result.trials


def test_killed_drivers_and_workers_lose_nothing_and_run_nothing_twice(
    storage, tmp_path, undisturbed
):
    workers = [worker(storage), worker(storage)]
    for count in (32, 96, 160):
        running = driver(storage, tmp_path)
        wait_for_trials(storage, count)
        running.kill()
        assert end(running)[0] == -signal.SIGKILL
        lost = workers.pop(0)
        lost.kill()
        assert end(lost)[0] == -signal.SIGKILL
        workers.append(worker(storage))
    code, said = end(driver(storage, tmp_path))
    assert code == 0, said
    with Store(storage) as store:
        found = store.trials(STUDY)
        assert [replace(t, seconds=0.0) for t in found] == [
            replace(t, seconds=0.0, outcome=replace(t.outcome, evaluations=())) for t in undisturbed
        ]
    for each in workers:
        each.send_signal(signal.SIGINT)
        code, said = end(each)
        assert code == 0, said


def test_a_worker_evaluates_what_is_offered_without_any_driver(storage, tmp_path, undisturbed):
    """What it stores is all that the study then needs."""
    problem, execution = make_problem([NETWORK], max_area_mm2=6.8), Execution(storage=storage)
    options = {"seed": 2, "study": STUDY, "output": tmp_path, "execution": execution}
    explore(problem, trials=1, **options)
    wanted = [t for t in undisturbed if t.metrics["area_mm2"] <= 6.8 and t.number > 0][:12]
    with Store(storage) as store:
        queue = Queue(store, STUDY)
        queue.offer({trial.index: (NETWORK,) for trial in wanted})
        done = work(store, STUDY, idle_s=0.2)
        assert done == len({trial.index for trial in wanted}) == len(queue.done())
        evaluate = task_of(store.study(STUDY)).evaluator()(store)
        for trial in wanted:
            assert replace(evaluate.begin(trial.index), evaluations=()) == replace(
                trial.outcome, evaluations=()
            )


def test_a_worker_with_other_sources_or_files_is_refused(tmp_path):
    problem = make_problem(["conv:4x4x8x8x1x1"])
    explore(problem, trials=1, study=STUDY, output=tmp_path)
    with Store(tmp_path / STUDY / "study.db") as store:
        row = store.study(STUDY)
    assert isinstance(row, StudyRow)
    task_of(row)
    with pytest.raises(ValueError, match=r"^Study 's' was made by simulator 0\.1: a worker must"):
        task_of(replace(row, version="0.1"))
    content = dict(row.options["content"])
    content["conv:4x4x8x8x1x1"] = "0" * 64
    other = replace(row, options={**row.options, "content": content})
    sentence = "'conv:4x4x8x8x1x1' is not here what it is where study 's' runs."
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        task_of(other)


def test_a_worker_waits_for_a_study_only_as_long_as_it_is_told(tmp_path):
    with Store(tmp_path / "study.db") as store:
        for idle_s in (None, 0.2):
            with pytest.raises(ValueError, match=r"holds no study 's'\.$"):
                work(store, STUDY, idle_s=idle_s)

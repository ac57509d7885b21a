"""Processes: the rows of one, whatever happens to them."""

import os
import signal
import time
from pathlib import Path

import pytest

from apollo.search.backends.pool import Pool
from apollo.search.backends.processes import Local
from apollo.search.constraint import Constraint
from apollo.search.evaluate import EvaluatePoint, Job, Measure
from apollo.search.interrupt import Interruptible
from apollo.search.objective import Objective
from apollo.search.store import Store
from apollo.search.study import Study, run_study
from apollo.search.trial import Evaluation, EvaluationKey

BASE = {name: {"throughput_per_s": 1.0} for name in "ab"}
OBJECTIVE = Objective("base", 1.0, BASE, constraints=(Constraint.of("area_mm2 <= 0.9"),))
STUDY = Study("s", "evolutionary", 1, "1", settings={"founders": 2, "initial": 32})


def measure(index: int, network: str) -> Evaluation:
    if network == "a" and index % 3 == 0:
        return Evaluation(False, {}, "core_memory", "A tile needs 9 bytes.")
    return Evaluation(True, {"throughput_per_s": 1.0 + index % 7})


def slow(index: int, network: str) -> Evaluation:
    time.sleep(0.2)
    return measure(index, network)


def known(index: int) -> dict[str, float]:
    return {"area_mm2": (1 + index % 10) / 10}


def key(index: int, network: str) -> EvaluationKey:
    return EvaluationKey(f"design {index}", network, "", "1")


class Dies:
    """Kills its process at the first job it is given, as long as a file is not there."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __call__(self, job: Job) -> dict[str, Evaluation]:
        if not self.mark.exists():
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return Measure(OBJECTIVE, measure)(job)


class AlwaysDies:
    def __call__(self, job: Job) -> dict[str, Evaluation]:
        os.kill(os.getpid(), signal.SIGKILL)
        return {}


def run(path: Path, do=None, processes: int = 2, trials: int = 100):
    with Store(path) as store:
        evaluate = EvaluatePoint(OBJECTIVE, known, measure, key, store)
        if do is None:
            return run_study(store, STUDY, evaluate, trials).trials
        pool = Pool(evaluate, Local(do, processes))
        try:
            return run_study(store, STUDY, evaluate, trials, backend=pool).trials
        finally:
            pool.close()


def comparable(trials):
    return [(t.number, t.index, t.outcome, t.outcome.evaluations) for t in trials]


def test_two_processes_give_the_rows_of_one(tmp_path):
    alone = run(tmp_path / "alone.db")
    both = run(tmp_path / "both.db", Measure(OBJECTIVE, measure))
    assert comparable(both) == comparable(alone)
    with Store(tmp_path / "alone.db") as first, Store(tmp_path / "both.db") as second:
        assert [(t.index, t.outcome) for t in first.trials("s")] == [
            (t.index, t.outcome) for t in second.trials("s")
        ]


def test_a_process_that_is_killed_is_replaced(tmp_path):
    alone = run(tmp_path / "alone.db")
    killed = run(tmp_path / "killed.db", Dies(tmp_path / "mark"))
    assert (tmp_path / "mark").exists()
    assert comparable(killed) == comparable(alone)


def test_points_that_every_process_dies_of_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"^Processes died 3 times evaluating points [\d, ]+\.$"):
        run(tmp_path / "dying.db", AlwaysDies(), processes=1)
    with pytest.raises(ValueError, match=r"^Jobs must be at least 1, not 0\.$"):
        run(tmp_path / "none.db", AlwaysDies(), processes=0)


def test_an_interruption_keeps_the_first_outcomes(tmp_path):
    with Store(tmp_path / "study.db") as store, Interruptible() as interruptible:
        evaluate = EvaluatePoint(OBJECTIVE, known, measure, key, store)
        pool = Pool(evaluate, Local(Measure(OBJECTIVE, slow), 2))
        points = [1, 2, 4, 5, 7, 8] * 20
        found = pool.evaluated(points, interruptible)
        first = next(found)
        os.kill(os.getpid(), signal.SIGINT)
        got = [first]
        with pytest.raises(KeyboardInterrupt):
            got += list(found)
        pool.close()
    assert [each.outcome for each in got] == [evaluate(index) for index in points[: len(got)]]


def test_a_point_that_is_asked_twice_is_measured_once(tmp_path):
    with Store(tmp_path / "study.db") as store, Interruptible() as interruptible:
        evaluate = EvaluatePoint(OBJECTIVE, known, measure, key, store)
        pool = Pool(evaluate, Local(Measure(OBJECTIVE, measure), 1))
        try:
            found = list(pool.evaluated([4, 4, 9, 4], interruptible))
        finally:
            pool.close()
        assert [each.outcome for each in found] == [evaluate(i) for i in (4, 4, 9, 4)]
        assert found[0].seconds == found[1].seconds

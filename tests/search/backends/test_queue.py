"""Jobs in a file and on a server: each is one worker's at a time, and none is lost."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from apollo.search.store import Store, StudyRow
from apollo.search.store.queue import Queue
from apollo.search.trial import Evaluation, EvaluationKey, Outcome, Trial

JOBS = {7: ("a", "b"), 3: ("a",), 2**40: ("b",)}
FOR_EVER = 1e6
BAD = Outcome(False, 0.0, {}, "area", "Too large: 7 mm².")
FOUND = {EvaluationKey("d", "n", "", "1"): Evaluation(True, {"value": 0.1})}


@pytest.fixture
def store(storage):
    with Store(storage) as opened:
        opened.open_study(StudyRow("s", "random", 1, {}, "1"))
        yield opened


@pytest.fixture
def queue(store):
    made = Queue(store, "s")
    made.offer(JOBS)
    return made


def test_jobs_are_taken_in_their_order_and_once(queue):
    assert queue.claim("x", 2, FOR_EVER) == {7: ("a", "b"), 3: ("a",)}
    assert queue.claim("y", 2, FOR_EVER) == {2**40: ("b",)}
    assert queue.claim("x", 2, FOR_EVER) == {}
    assert queue.done() == {}


def test_a_job_that_is_done_is_not_taken_again_and_has_its_evaluations(store, queue):
    queue.claim("x", 1, FOR_EVER)
    queue.finish(7, FOUND, 0.5)
    queue.finish(7, FOUND, 0.5)  # one that comes late
    assert queue.done() == {7: 0.5}
    assert 7 not in queue.claim("y", 3, FOR_EVER)
    (key, evaluation) = next(iter(FOUND.items()))
    assert store.get(key) == evaluation
    queue.forget([7, 3])
    assert queue.done() == {}
    queue.offer({7: ("a",)})
    assert 7 in queue.claim("y", 3, FOR_EVER)


def test_a_lease_that_ended_gives_the_job_back(queue):
    assert len(queue.claim("lost", 3, 0.2)) == 3
    assert queue.claim("y", 3, FOR_EVER) == {}
    time.sleep(0.4)
    assert queue.claim("y", 3, FOR_EVER) == JOBS


def test_a_worker_that_ends_gives_back_what_it_has(queue):
    queue.claim("x", 1, FOR_EVER)
    queue.claim("y", 1, FOR_EVER)
    queue.release("x")
    assert queue.claim("z", 3, FOR_EVER) == {7: ("a", "b"), 2**40: ("b",)}


def test_what_is_offered_again_stays_as_it_is(queue):
    queue.claim("x", 1, FOR_EVER)
    queue.offer(JOBS)
    assert set(queue.claim("y", 3, FOR_EVER)) == set(JOBS) - {7}


def test_many_workers_at_once_take_each_job_once(storage, store):
    queue = Queue(store, "s")
    queue.offer({index: ("a",) for index in range(60)})

    def take(worker: int) -> list[int]:
        taken = []
        with Store(storage) as own:
            mine = Queue(own, "s")
            while claimed := mine.claim(str(worker), 2, FOR_EVER):
                taken += list(claimed)
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = [index for each in pool.map(take, range(4)) for index in each]
    assert sorted(taken) == list(range(60))


def test_a_study_that_is_not_there_is_a_sentence(store):
    with pytest.raises(ValueError, match=r"holds no study 't'\.$"):
        Queue(store, "t")


def test_rows_read_back_to_the_same_bits(store):
    metrics = {"b": 0.1 + 0.2, "a": 1e-300, "c": 3.0}
    trials = [
        Trial(0, 2**50, Outcome(True, 1 / 3, metrics, objectives=(0.1, 1 / 3)), {"z": 1, "y": 2}),
        Trial(1, 5, BAD, {"z": 2, "y": 2}, 0.25, "member#1"),
    ]
    store.add("s", trials)
    found = store.trials("s")
    assert found == trials
    assert list(found[0].metrics) == ["b", "a", "c"]
    (summary,) = store.studies()
    assert (summary.trials, summary.feasible, summary.best_reward) == (2, 1, 1 / 3)


@pytest.mark.parametrize(
    ("location", "sentence"),
    [
        ("mysql://host/x", "The storage must be a path, sqlite:///PATH or postgresql://"),
        ("sqlite:///x.db?mode=ro", "The storage must be a path, sqlite:///PATH or postgresql://"),
        ("nonsense://", "The storage must be a path, sqlite:///PATH or postgresql://"),
        (
            "postgresql://me:secret@127.0.0.1:1/x",
            "The database 'postgresql://me:***@127.0.0.1:1/x' cannot be reached: ",
        ),
    ],
)
def test_what_cannot_be_reached_is_a_sentence(location, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}") as refused:
        Store(location, timeout_s=2)
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)

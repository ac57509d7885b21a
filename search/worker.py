"""`apollo worker`: evaluates points of a study that another process runs, on any machine."""

import os
import socket
import time
import uuid
from collections.abc import Callable

from apollo.search.backends.shared import LEASE_S, LOOK_S, work_once
from apollo.search.evaluate import Job
from apollo.search.interrupt import Interruptible
from apollo.search.measure import evaluator_version
from apollo.search.problem import Problem
from apollo.search.store import Store, StudyRow
from apollo.search.store.queue import Queue
from apollo.search.studies import row_of
from apollo.search.task import Task
from apollo.search.trial import Evaluation

LONGEST_LOOK_S = 1.0


def work(
    store: Store,
    study: str,
    *,
    idle_s: float | None = None,
    lease_s: float = LEASE_S,
    follow: Callable[[int], None] | None = None,
) -> int:
    """Evaluate points of a study until Ctrl-C, or until none came for `idle_s` seconds.

    A study that is not there yet is waited for as long. Returns how many points were evaluated;
    `follow` hears of each. Raises `ValueError`, one sentence, when there is no such study, when it
    was made with another version of the simulator, or when a network or the baseline is not what
    it is where the study runs.
    """
    name = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"
    with Interruptible() as interruptible:
        row = _wait_for(store, study, idle_s, interruptible)
        if row is None:
            row = row_of(store, study)  # says which there are, or sees one that came just now
        task = task_of(row)
        queue = Queue(store, study)
        evaluate, measure = task.evaluator()(store), task.measure()
        do = _interruptible(measure, interruptible)
        done, looked_s, since = 0, LOOK_S, time.monotonic()
        try:
            while not interruptible.interrupted:
                if work_once(evaluate, do, queue, name, lease_s):
                    done, looked_s, since = done + 1, LOOK_S, time.monotonic()
                    if follow is not None:
                        follow(done)
                elif idle_s is not None and time.monotonic() - since > idle_s:
                    break
                else:
                    time.sleep(looked_s)
                    looked_s = min(2 * looked_s, LONGEST_LOOK_S)
        except KeyboardInterrupt:
            pass  # what was not done is given back
        finally:
            queue.release(name)
    return done


def task_of(row: StudyRow) -> Task:
    """The task of a stored study, loaded here.

    Raises `ValueError` as `work` does.
    """
    version = evaluator_version()
    if row.version != version:
        raise ValueError(
            f"Study '{row.name}' was made by simulator {row.version}: a worker must have the "
            f"same, not {version}."
        )
    task = Task.of(Problem.of_options(row.options))
    for name, content in row.options["content"].items():
        if task.contents.get(name) != content:
            raise ValueError(f"'{name}' is not here what it is where study '{row.name}' runs.")
    return task


def _wait_for(
    store: Store, study: str, idle_s: float | None, interruptible: Interruptible
) -> StudyRow | None:
    since = time.monotonic()
    row = store.study(study)
    while row is None and idle_s is not None and time.monotonic() - since < idle_s:
        if interruptible.interrupted:
            break
        time.sleep(LOOK_S)
        row = store.study(study)
    return row


def _interruptible(
    measure: Callable[[Job], dict[str, Evaluation]], interruptible: Interruptible
) -> Callable[[Job], dict[str, Evaluation]]:
    """A first Ctrl-C lets the point end, a second one abandons it."""

    def do(job: Job) -> dict[str, Evaluation]:
        with interruptible.raising():
            return measure(job)

    return do

"""Points evaluated by processes of this machine.

Each process has the networks, lowered; it is sent jobs and returns their evaluations. Everything
else is done here: what needs no compiling, the cache, and the order. A process that dies (killed,
out of memory) is replaced, and what it had is done again.
"""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass, field
from typing import Any

from apollo.search.backends.base import Evaluated
from apollo.search.evaluate import EvaluatePoint, Job
from apollo.search.interrupt import Interruptible
from apollo.search.trial import Evaluation, Outcome

Found = dict[str, Evaluation]
Do = Callable[[Job], Found]
Answer = tuple[Found, float]  # and the seconds it took

ATTEMPTS = 3  # after which a job that its processes die of is given up
LOOK_S = 0.1  # how often an interruption is looked for
_JOBS_A_MESSAGE = 4


@dataclass
class _Message:
    """Jobs that go to a process together."""

    jobs: list[Job]
    attempts: int = 0


@dataclass
class _Batch:
    """What is known of the points of a batch."""

    points: Sequence[int]
    outcomes: dict[int, Evaluated] = field(default_factory=dict)  # by point
    found: dict[int, tuple[Job, Answer]] = field(default_factory=dict)  # measured, not yet used


_Pending = dict[Future[list[Answer]], _Message]


class Pool:
    """Processes that live as long as the study."""

    def __init__(self, evaluate: EvaluatePoint, do: Do, processes: int) -> None:
        """Evaluate points on `processes` processes; `do` is sent to each of them once.

        Raises `ValueError` when there is no process.
        """
        if processes < 1:
            raise ValueError(f"Jobs must be at least 1, not {processes}.")
        self._evaluate = evaluate
        self._do = do
        self._processes = processes
        self._executor: Any = None  # of loky

    def evaluated(self, points: Sequence[int], interruptible: Interruptible) -> Iterator[Evaluated]:
        """The outcomes, in the order of the points; when interrupted, of the first ones only."""
        batch = _Batch(points)
        pending = self._begin(batch)
        place = 0
        while place < len(points):
            place_before = place
            while place < len(points) and self._finish(batch, points[place]):
                yield batch.outcomes[points[place]]
                place += 1
            if interruptible.interrupted:
                for future in pending:
                    future.cancel()
                raise KeyboardInterrupt
            if place == place_before and place < len(points):
                pending = self._collect(batch, pending)

    def close(self) -> None:
        """End the processes."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, kill_workers=True)
            self._executor = None

    def _begin(self, batch: _Batch) -> _Pending:
        jobs: list[Job] = []
        for index in dict.fromkeys(batch.points):
            started = time.perf_counter()
            begun = self._evaluate.begin(index)
            if isinstance(begun, Outcome):
                batch.outcomes[index] = Evaluated(begun, time.perf_counter() - started)
            else:
                jobs.append(begun)
        size = min(_JOBS_A_MESSAGE, -(-len(jobs) // self._processes))
        starts = range(0, len(jobs), max(1, size))
        return dict(self._send(_Message(jobs[start : start + size])) for start in starts)

    def _finish(self, batch: _Batch, index: int) -> bool:
        """Whether a point has its outcome; cached evaluations enter the store in this order."""
        if index in batch.outcomes:
            return True
        if index not in batch.found:
            return False
        job, (found, seconds) = batch.found.pop(index)
        batch.outcomes[index] = Evaluated(self._evaluate.finish(job, found), seconds)
        return True

    def _collect(self, batch: _Batch, pending: _Pending) -> _Pending:
        """Wait a while for messages; those that broke are sent again."""
        done, _ = wait(pending, timeout=LOOK_S, return_when=FIRST_COMPLETED)
        broken: list[_Message] = []
        for future in done:
            message = pending.pop(future)
            try:
                answers = future.result()
            except BrokenExecutor:
                broken.append(message)
                continue
            for job, answer in zip(message.jobs, answers, strict=True):
                batch.found[job.index] = job, answer
        if broken:
            broken += list(pending.values())
            self._replace_processes()
            pending = dict(self._send(message) for message in broken)
        return pending

    def _send(self, message: _Message) -> tuple[Future[list[Answer]], _Message]:
        if message.attempts == ATTEMPTS:
            points = ", ".join(f"{job.index:,}" for job in message.jobs)
            raise ValueError(f"Processes died {ATTEMPTS} times evaluating points {points}.")
        message.attempts += 1
        return self._processes_running().submit(_answer, message.jobs), message

    def _processes_running(self) -> Any:
        if self._executor is None:
            from loky import ProcessPoolExecutor  # slow to import

            self._executor = ProcessPoolExecutor(
                self._processes, initializer=_start, initargs=(self._do,), timeout=None
            )
        return self._executor

    def _replace_processes(self) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=False, kill_workers=True)
            self._executor = None


_do: Do | None = None  # of a process of the pool


def _start(do: Do) -> None:
    """Begin a process: Ctrl-C is for the one that started it."""
    global _do
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _do = do


def _answer(jobs: Sequence[Job]) -> list[Answer]:
    assert _do is not None
    answers = []
    for job in jobs:
        started = time.perf_counter()
        found = _do(job)
        answers.append((found, time.perf_counter() - started))
    return answers

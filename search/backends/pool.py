"""Points evaluated by other processes.

Each process has the networks, lowered; it is sent jobs and returns their evaluations. Everything
else is done here: what needs no compiling, the cache, and the order. A process that dies (killed,
out of memory) is replaced, and what it had is done again.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass, field

from apollo.search.backends.base import Evaluated
from apollo.search.backends.processes import Answer, Processes
from apollo.search.evaluate import EvaluatePoint, Job
from apollo.search.interrupt import Interruptible
from apollo.search.trial import Outcome

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

    def __init__(self, evaluate: EvaluatePoint, processes: Processes) -> None:
        """Evaluate points on those processes."""
        self._evaluate = evaluate
        self._processes = processes

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
        self._processes.close()

    def _begin(self, batch: _Batch) -> _Pending:
        jobs: list[Job] = []
        for index in dict.fromkeys(batch.points):
            started = time.perf_counter()
            begun = self._evaluate.begin(index)
            if isinstance(begun, Outcome):
                batch.outcomes[index] = Evaluated(begun, time.perf_counter() - started)
            else:
                jobs.append(begun)
        size = min(_JOBS_A_MESSAGE, -(-len(jobs) // self._processes.count))
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
            self._processes.replace()
            pending = dict(self._send(message) for message in broken)
        return pending

    def _send(self, message: _Message) -> tuple[Future[list[Answer]], _Message]:
        if message.attempts == ATTEMPTS:
            points = ", ".join(f"{job.index:,}" for job in message.jobs)
            raise ValueError(f"Processes died {ATTEMPTS} times evaluating points {points}.")
        message.attempts += 1
        return self._processes.submit(message.jobs), message

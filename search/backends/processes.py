"""Processes of this machine, by loky."""

import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

from apollo.search.evaluate import Job
from apollo.search.trial import Evaluation

Found = dict[str, Evaluation]
Do = Callable[[Job], Found]
Answer = tuple[Found, float]  # and the seconds it took


class Processes(Protocol):
    """Where jobs are done; a future raises `BrokenExecutor` when its process died."""

    count: int

    def submit(self, jobs: Sequence[Job]) -> Future[list[Answer]]:
        """Do jobs one after the other in some process."""
        ...

    def replace(self) -> None:
        """Begin anew after processes died; what was submitted before is forgotten."""
        ...

    def close(self) -> None:
        """End all processes at once."""
        ...


class Local:
    """Processes that are begun at the first job.

    Raises `ValueError` when there is none.
    """

    def __init__(self, do: Do, count: int) -> None:
        """So many processes; `do` is sent to each of them once."""
        if count < 1:
            raise ValueError(f"Jobs must be at least 1, not {count}.")
        self.count = count
        self._do = do
        self._executor: Any = None  # of loky

    def submit(self, jobs: Sequence[Job]) -> Future[list[Answer]]:
        """Do jobs one after the other in some process."""
        if self._executor is None:
            from loky import ProcessPoolExecutor  # slow to import

            self._executor = ProcessPoolExecutor(
                self.count, initializer=_start, initargs=(self._do,), timeout=None
            )
        future: Future[list[Answer]] = self._executor.submit(_answer, jobs)
        return future

    def replace(self) -> None:
        """Begin anew after processes died."""
        self.close()

    def close(self) -> None:
        """End all processes at once."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, kill_workers=True)
            self._executor = None


def answers_of(do: Do, jobs: Sequence[Job]) -> list[Answer]:
    """What each job found, and the seconds it took."""
    answers = []
    for job in jobs:
        started = time.perf_counter()
        found = do(job)
        answers.append((found, time.perf_counter() - started))
    return answers


_do: Do | None = None  # of a process of the pool


def _start(do: Do) -> None:
    """Begin a process: Ctrl-C is for the one that started it."""
    global _do
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _do = do


def _answer(jobs: Sequence[Job]) -> list[Answer]:
    assert _do is not None
    return answers_of(_do, jobs)

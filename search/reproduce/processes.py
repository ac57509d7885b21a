"""Jobs side by side in processes of this machine: each leaves a file, so a killed one is repeated.

What a job has stored before it ended is not lost: its study goes on from there.
"""

import signal
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from apollo.search.interrupt import Interruptible

_T = TypeVar("_T")
# Linear algebra of a process on the cores of the others waits in loops: a Gaussian process took
# five times as long.
_ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def each_done(do: Callable[[_T], None], jobs: Sequence[_T], processes: int) -> Iterator[_T]:
    """Do all jobs; each is handed back when it is done.

    Ctrl-C ends the processes and raises `KeyboardInterrupt`; without other processes the job that
    runs may end first, a second one abandons it. Raises what a job raised, and `ValueError` when
    there is no process.
    """
    if processes < 1:
        raise ValueError(f"--jobs must be at least 1, not {processes}.")
    if processes == 1 or len(jobs) < 2:
        with Interruptible() as interruptible:
            for job in jobs:
                with interruptible.raising():
                    do(job)
                yield job
        return
    yield from _side_by_side(do, jobs, processes)


def _side_by_side(do: Callable[[_T], None], jobs: Sequence[_T], processes: int) -> Iterator[_T]:
    from concurrent.futures import as_completed

    from loky import ProcessPoolExecutor  # slow to import

    executor = ProcessPoolExecutor(processes, initializer=_start, timeout=None, env=_ONE_THREAD)
    try:
        futures = {executor.submit(do, job): job for job in jobs}
        for future in as_completed(futures):
            future.result()
            yield futures[future]
    finally:
        executor.shutdown(wait=True, kill_workers=True)


def _start() -> None:
    """Begin a process: Ctrl-C is for the one that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

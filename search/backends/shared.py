"""Points evaluated by workers on any machines that reach the database, and by this process too."""

import time
from collections.abc import Callable, Iterator, Sequence

from apollo.search.backends.base import Evaluated
from apollo.search.evaluate import EvaluatePoint, Job
from apollo.search.interrupt import Interruptible
from apollo.search.store.queue import Networks, Queue
from apollo.search.trial import Evaluation, Outcome

LEASE_S = 60.0  # far beyond any evaluation; a lost worker's points wait as long
LOOK_S = 0.05  # how often a process that has nothing to do looks
DRIVER = "driver"


class Shared:
    """Offers the points of a batch to workers and takes some itself while it waits."""

    def __init__(
        self,
        evaluate: EvaluatePoint,
        do: Callable[[Job], dict[str, Evaluation]],
        queue: Queue,
        lease_s: float = LEASE_S,
    ) -> None:
        """Evaluate points by way of a queue; `do` measures those that this process takes."""
        self._evaluate = evaluate
        self._do = do
        self._queue = queue
        self._lease_s = lease_s
        queue.release(DRIVER)  # what one that was killed had

    def evaluated(self, points: Sequence[int], interruptible: Interruptible) -> Iterator[Evaluated]:
        """The outcomes, in the order of the points; when interrupted, of the first ones only."""
        offered: dict[int, Networks] = {}
        for index in dict.fromkeys(points):
            begun = self._evaluate.begin(index)
            if isinstance(begun, Job):
                offered[index] = begun.networks
        self._queue.offer(offered)
        seconds: dict[int, float] = {}
        for index in points:
            while index in offered and index not in seconds:
                interruptible.check()
                if not work_once(self._evaluate, self._do, self._queue, DRIVER, self._lease_s):
                    time.sleep(LOOK_S)
                seconds = self._queue.done()
            outcome = self._evaluate.begin(index)
            assert isinstance(outcome, Outcome)  # all of it is in the database now
            yield Evaluated(outcome, seconds.get(index, 0.0))
        self._queue.forget(list(offered))

    def close(self) -> None:
        """Give back what this process has."""
        self._queue.release(DRIVER)


def work_once(
    evaluate: EvaluatePoint,
    do: Callable[[Job], dict[str, Evaluation]],
    queue: Queue,
    worker: str,
    lease_s: float,
) -> bool:
    """Take a point, measure it, store what was found; False when there was none to take."""
    claimed = queue.claim(worker, 1, lease_s)
    for index, networks in claimed.items():
        started = time.perf_counter()
        found = do(Job(index, networks))
        seconds = time.perf_counter() - started
        keyed = {evaluate.key(index, network): each for network, each in found.items()}
        queue.finish(index, keyed, seconds)
    return bool(claimed)

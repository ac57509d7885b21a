"""Points evaluated in this process, one after the other."""

import time
from collections.abc import Iterator, Sequence

from apollo.search.backends.base import Evaluated
from apollo.search.evaluate import Evaluate
from apollo.search.interrupt import Interruptible


class Serial:
    """The backend that needs nothing."""

    def __init__(self, evaluate: Evaluate) -> None:
        """Evaluate points by that function."""
        self._evaluate = evaluate

    def evaluated(self, points: Sequence[int], interruptible: Interruptible) -> Iterator[Evaluated]:
        """The outcomes, in the order of the points."""
        for index in points:
            started = time.perf_counter()
            with interruptible.raising():
                outcome = self._evaluate(index)
            yield Evaluated(outcome, time.perf_counter() - started)

    def close(self) -> None:
        """Nothing was started."""

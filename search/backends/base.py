"""The seam between a study and the processes that evaluate its points."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from apollo.search.interrupt import Interruptible
from apollo.search.trial import Outcome


class Evaluated(NamedTuple):
    """A point that was evaluated, and how long that took."""

    outcome: Outcome
    seconds: float


class Backend(Protocol):
    """Evaluates points; which process does must not show in any outcome."""

    def evaluated(self, points: Sequence[int], interruptible: Interruptible) -> Iterator[Evaluated]:
        """The outcomes, in the order of the points; when interrupted, of the first ones only.

        Raises `KeyboardInterrupt` where that ends an evaluation.
        """
        ...

    def close(self) -> None:
        """End what it started."""
        ...

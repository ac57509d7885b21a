"""The cycles of a run that a trace shows."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """Cycles `first` up to, but without, `last`.

    Raises `ValueError` when there are none.
    """

    first: int
    last: int

    def __post_init__(self) -> None:
        """Check that there is a cycle."""
        if not 0 <= self.first < self.last:
            raise ValueError(
                "A window must begin at cycle 0 or later and end after it begins, "
                f"not {self.first}:{self.last}."
            )

    @property
    def cycles(self) -> int:
        """How many there are."""
        return self.last - self.first


def whole(latency_cycles: int) -> Window:
    """A window on all cycles of a run; an empty run has one."""
    return Window(0, max(1, latency_cycles))


def parse_window(text: str, latency_cycles: int) -> Window:
    """The window `FIRST:LAST` of a run; it ends with the run at the latest.

    Raises `ValueError`, one sentence, when the text is not one or begins after the run.
    """
    match = re.fullmatch(r"(\d{1,18}):(\d{1,18})", text, re.ASCII)
    if not match:
        raise ValueError(f"A window must be FIRST:LAST, two cycles, not '{text}'.")
    window = Window(int(match[1]), int(match[2]))
    run = whole(latency_cycles)
    if window.first >= run.last:
        raise ValueError(
            f"A window must begin before the run ends in cycle {run.last}, not at {window.first}."
        )
    return Window(window.first, min(window.last, run.last))

"""What a running study shows: best so far, share of feasible points, time to go; on stderr."""

import sys
import time
from typing import TYPE_CHECKING, Protocol, Self, TextIO

from apollo.search.trial import Trial

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID


class Progress(Protocol):
    """Follows a study."""

    def start(self, done: int, total: int) -> None:
        """The study has `done` trials and goes on to `total`."""
        ...

    def update(self, trial: Trial, best: Trial | None, feasible: int) -> None:
        """A trial is done; the best one and the number of feasible ones include it."""
        ...


class NoProgress:
    """Shows nothing."""

    def start(self, done: int, total: int) -> None:
        """Show nothing."""

    def update(self, trial: Trial, best: Trial | None, feasible: int) -> None:
        """Show nothing."""


class LineProgress:
    """A line now and then, for logs: at most one in `every_s` seconds, and the last."""

    def __init__(self, stream: TextIO, every_s: float = 10.0) -> None:
        """Write to that stream."""
        self._stream = stream
        self._every_s = every_s
        self._total = 0
        self._shown_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...

    def start(self, done: int, total: int) -> None:
        """Say where the study goes on."""
        self._total = total
        self._shown_at = time.monotonic()
        if done:
            print(f"{done:,} of {total:,} trials are done already", file=self._stream, flush=True)

    def update(self, trial: Trial, best: Trial | None, feasible: int) -> None:
        """Write a line when it is time."""
        now = time.monotonic()
        done = trial.number + 1
        if done < self._total and now - self._shown_at < self._every_s:
            return
        self._shown_at = now
        text = f"{done:,} of {self._total:,} trials, {describe(done, best, feasible)}"
        print(text, file=self._stream, flush=True)


class BarProgress:
    """A bar with the time to go, for terminals; use it as a context."""

    def __init__(self) -> None:
        """Draw on stderr."""
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._bar: Bar = Progress(
            TextColumn("trials"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[found]}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def start(self, done: int, total: int) -> None:
        """Show the bar, as far as the study is done."""
        self._task = self._bar.add_task("trials", total=total, completed=done, found="")

    def update(self, trial: Trial, best: Trial | None, feasible: int) -> None:
        """Move the bar."""
        if self._task is None:
            return
        done = trial.number + 1
        self._bar.update(self._task, completed=done, found=describe(done, best, feasible))


def describe(done: int, best: Trial | None, feasible: int) -> str:
    """What was found so far: "best 1.234 (trial 56), 7 % feasible"."""
    if best is None:
        return "nothing feasible yet"
    share = 100 * feasible / done
    return f"best {best.reward:.3f} (trial {best.number}), {share:.0f} % feasible"


def terminal_progress() -> "BarProgress | LineProgress":
    """A bar when stderr is a terminal, else a line now and then; use it as a context."""
    return BarProgress() if sys.stderr.isatty() else LineProgress(sys.stderr)

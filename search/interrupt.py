"""Ctrl-C that stops a long computation at once and never a commit."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Interruptible:
    """While open, SIGINT raises `KeyboardInterrupt` only inside `raising`; else it is remembered.

    Only the main thread may set signal handlers: elsewhere this changes nothing.
    """

    def __init__(self) -> None:
        """Nothing was interrupted yet."""
        self.interrupted = False
        self._raising = False
        self._previous: Any = None
        self._installed = False

    def __enter__(self) -> "Interruptible":
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._on_signal)
            self._installed = True
        return self

    def __exit__(self, *_: object) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, self._previous)

    @contextmanager
    def raising(self) -> Iterator[None]:
        """A block that Ctrl-C ends with `KeyboardInterrupt`, also one pressed before it."""
        self._raising = True
        try:
            if self.interrupted:
                raise KeyboardInterrupt
            yield
        except KeyboardInterrupt:
            self.interrupted = True
            raise
        finally:
            self._raising = False

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.interrupted = True
        if self._raising:
            self._raising = False  # once: the handlers of the exception are not interrupted
            raise KeyboardInterrupt

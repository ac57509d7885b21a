"""Ctrl-C that lets a running evaluation end, and never breaks a commit."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class Interruptible:
    """While open, a first SIGINT is remembered; a further one raises inside `raising`.

    An evaluation takes milliseconds, and an exception in the middle of one would go through
    compiled code and database calls that do not expect it: so it raises only for who insists. Only
    the main thread may set signal handlers: elsewhere this changes nothing.
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

    def check(self) -> None:
        """Raise `KeyboardInterrupt` if there was a Ctrl-C."""
        if self.interrupted:
            raise KeyboardInterrupt

    @contextmanager
    def raising(self) -> Iterator[None]:
        """A block that begins only if nothing was interrupted, and that a second Ctrl-C ends."""
        self.check()
        self._raising = True
        try:
            yield
        except KeyboardInterrupt:
            self.interrupted = True
            raise
        except SystemError:  # what an exception becomes that passes through compiled code
            if self.interrupted:
                raise KeyboardInterrupt from None
            raise
        finally:
            self._raising = False

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        insists = self.interrupted
        self.interrupted = True
        if self._raising and insists:
            self._raising = False  # once: the handlers of the exception are not interrupted
            raise KeyboardInterrupt

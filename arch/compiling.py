"""Who waits for kernels that are not in the cache may hear of it, once.

Nothing here imports Numba: a command says what to do before it is known whether there are kernels.
"""

from collections.abc import Callable

_waiting: list[Callable[[], None]] = []


def tell_when_compiling(tell: Callable[[], None]) -> None:
    """Call this when a kernel is compiled, the first time only; kernels of the cache are not."""
    _waiting[:] = [tell]


def begin_compiling() -> None:
    """A kernel is being compiled: whoever asked to hear of it does."""
    while _waiting:
        _waiting.pop()()

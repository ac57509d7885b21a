"""`@kernel`: Numba's compiler with a cache that knows all of our kernels' sources.

Numba's own cache checks only the file of the function it caches, so an edit of a helper or of an
enum in another file would bring back stale answers. The cache folder is therefore named by a
hash of every source file that a kernel can see.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numba
import platformdirs
from numba.core import event

from apollo.arch.compiling import begin_compiling

P = ParamSpec("P")
R = TypeVar("R")

_ROOT = Path(__file__).resolve().parent.parent
_SEEN_BY_KERNELS = (
    "arch/isa.py",
    "arch/operands.py",
    "arch/validity.py",
    "arch/compiling.py",
    "arch/cycles.py",
    "arch/jit.py",
    "compiler/tables.py",
    "simulator/kernels/*.py",
    "compiler/kernels/*.py",
    "compiler/systolic/kernels/*.py",
    "search/placement/partition/kernels/*.py",
)


def _sources_hash() -> str:
    digest = hashlib.sha256(numba.__version__.encode())
    for pattern in _SEEN_BY_KERNELS:
        for path in sorted(_ROOT.glob(pattern)):
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


SOURCES_HASH = _sources_hash()
_CACHE = Path(os.environ.get("APOLLO_CACHE_DIR") or platformdirs.user_cache_dir("apollo"))
if "NUMBA_CACHE_DIR" not in os.environ:
    # Numba makes its options at import, so type checkers do not know them.
    vars(numba.config)["CACHE_DIR"] = str(_CACHE / "numba" / SOURCES_HASH)


class _Compiling(event.Listener):
    """Hears of each function that is compiled; of one that is in the cache there is no event."""

    def on_start(self, event: Any) -> None:
        begin_compiling()

    def on_end(self, event: Any) -> None:
        pass


event.register("numba:compile", _Compiling())  # type: ignore[no-untyped-call]


def _compiled(function: Callable[P, R], **options: Any) -> Callable[P, R]:
    compiled: Callable[P, R]
    try:
        compiled = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # there is no folder to write to: compiled anew in every process
        compiled = numba.njit(**options)(function)
    return compiled


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function to machine code at its first call, and cache it on disk if it can be."""
    return _compiled(function)


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a helper into its callers: without a call no tuple of columns is copied."""
    return _compiled(function, forceinline=True)


# The first is an option that Numba does not document: without its runtime there is nothing to
# count with. The second leaves out the test for a divisor of zero, which no kernel has.
_BARE: dict[str, Any] = {"_nrt": False, "error_model": "numpy"}


def bare_kernel(function: Callable[P, R]) -> Callable[P, R]:
    """As `kernel`, for a function that allocates nothing: its arrays are not counted.

    Counting references to arrays, an atomic operation at nearly every access in a helper, is most
    of the time of code that otherwise adds and compares.
    """
    return _compiled(function, **_BARE)


def bare_inlined(function: Callable[P, R]) -> Callable[P, R]:
    """As `inlined`, for the helpers of bare kernels."""
    return _compiled(function, forceinline=True, **_BARE)

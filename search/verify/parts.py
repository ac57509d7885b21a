"""The parts of the verification, by name."""

from collections.abc import Callable
from functools import partial

from apollo.arch.text import suggestion
from apollo.search.verify.compiler import verify_compiler
from apollo.search.verify.edgetpu import verify_edgetpu
from apollo.search.verify.figures import Part
from apollo.search.verify.rnnt import verify_rnnt
from apollo.search.verify.sparse import verify_sparse
from apollo.search.verify.systolic import verify_systolic
from apollo.search.verify.tpu import verify_tpu

COMPILER = "compiler"
PARTS: dict[str, Callable[[], Part]] = {
    "systolic": verify_systolic,
    "tpu-v1": verify_tpu,
    "sparse": verify_sparse,
    "edgetpu": verify_edgetpu,
    "rnnt": verify_rnnt,
    COMPILER: verify_compiler,
}


def parts_of(names: list[str], networks: str | None) -> list[Callable[[], Part]]:
    """The named parts, or all; `networks` are those that the compiler is held against.

    Raises `ValueError` for a part that is not there, or networks without that part.
    """
    chosen = {name: PARTS[name] for name in check_names(names)}
    if networks is not None:
        if COMPILER not in chosen:
            raise ValueError(f"--networks chooses networks of the part '{COMPILER}' only.")
        chosen[COMPILER] = partial(verify_compiler, networks.split(","))
    return list(chosen.values())


def check_names(names: list[str]) -> list[str]:
    """The names, or all of them if none is given.

    Raises `ValueError` for one that is not there.
    """
    for name in names:
        if name not in PARTS:
            known = ", ".join(PARTS)
            raise ValueError(
                f"There is nothing named '{name}' to verify (known: {known})."
                f"{suggestion(name, PARTS)}"
            )
    return names or list(PARTS)

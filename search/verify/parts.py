"""The parts of the verification, by name."""

from collections.abc import Callable

from apollo.arch.text import suggestion
from apollo.search.verify.figures import Part
from apollo.search.verify.sparse import verify_sparse
from apollo.search.verify.systolic import verify_systolic
from apollo.search.verify.tpu import verify_tpu

PARTS: dict[str, Callable[[], Part]] = {
    "systolic": verify_systolic,
    "tpu-v1": verify_tpu,
    "sparse": verify_sparse,
}


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

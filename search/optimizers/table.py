"""The optimizers, by the name that `--optimizer` takes. A new one is one file and one line here."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from apollo.arch.space import RADICES
from apollo.arch.text import suggestion
from apollo.search.optimizers.base import Optimizer
from apollo.search.optimizers.evolutionary import Evolutionary
from apollo.search.optimizers.nsga2 import NSGA2
from apollo.search.optimizers.random import Random

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "evolutionary": Evolutionary,
    "nsga2": NSGA2,
    "random": Random,
}


def make_optimizer(
    name: str,
    settings: Mapping[str, Any] | None = None,
    radices: Sequence[int] = RADICES,
) -> Optimizer:
    """The optimizer of that name with these settings, told nothing.

    Raises `ValueError` when there is no such optimizer or setting, or a setting is out of range.
    """
    if name not in OPTIMIZERS:
        raise ValueError(
            f"There is no optimizer '{name}' (known: {', '.join(OPTIMIZERS)})."
            f"{suggestion(name, OPTIMIZERS)}"
        )
    known = [field.name for field in fields(OPTIMIZERS[name].settings_type)]
    for setting in settings or {}:
        if setting not in known:
            has = f"known: {', '.join(known)}" if known else "it has none"
            raise ValueError(
                f"Optimizer '{name}' has no setting '{setting}' ({has})."
                f"{suggestion(setting, known)}"
            )
    return OPTIMIZERS[name](settings, radices)

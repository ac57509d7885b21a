"""The optimizers, by the name that `--optimizer` takes.

A new one is one file and one line here; so is a family, whose members `PREFIX:NAME` are those of
another library.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from apollo.arch.space import RADICES
from apollo.arch.text import suggestion
from apollo.search.optimizers.base import Optimizer
from apollo.search.optimizers.evolutionary import Evolutionary
from apollo.search.optimizers.mbo.mbo import ModelBased
from apollo.search.optimizers.nevergrad import nevergrad_optimizer
from apollo.search.optimizers.nsga2 import NSGA2
from apollo.search.optimizers.p3bo.adaptive import AdaptiveP3BO
from apollo.search.optimizers.p3bo.p3bo import P3BO
from apollo.search.optimizers.random import Random
from apollo.search.optimizers.vizier.bayesian import Bayesian
from apollo.search.optimizers.vizier.family import vizier_optimizer

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "adaptive_p3bo": AdaptiveP3BO,
    "bayesian": Bayesian,
    "evolutionary": Evolutionary,
    "mbo": ModelBased,
    "nsga2": NSGA2,
    "p3bo": P3BO,
    "random": Random,
}
# A family's function raises `ValueError`, one sentence, when it has no such member.
FAMILIES: dict[str, Callable[[str], type[Optimizer]]] = {
    "nevergrad": nevergrad_optimizer,
    "vizier": vizier_optimizer,
}


def known_optimizers() -> list[str]:
    """What `--optimizer` takes: the names, and a pattern for each family."""
    return [*OPTIMIZERS, *(f"{family}:NAME" for family in FAMILIES)]


def optimizer_type(name: str) -> type[Optimizer]:
    """The optimizer of that name.

    Raises `ValueError` when there is none.
    """
    family, colon, member = name.partition(":")
    if colon and family in FAMILIES:
        return FAMILIES[family](member)
    if name not in OPTIMIZERS:
        known = suggestion(name, [*OPTIMIZERS, *(f"{prefix}:{member}" for prefix in FAMILIES)])
        raise ValueError(
            f"There is no optimizer '{name}' (known: {', '.join(known_optimizers())}).{known}"
        )
    return OPTIMIZERS[name]


def make_optimizer(
    name: str,
    settings: Mapping[str, Any] | None = None,
    radices: Sequence[int] = RADICES,
) -> Optimizer:
    """The optimizer of that name with these settings, told nothing.

    Raises `ValueError` when there is no such optimizer or setting, or a setting is out of range.
    """
    kind = optimizer_type(name)
    known = [field.name for field in fields(kind.settings_type)]
    for setting in settings or {}:
        if setting not in known:
            has = f"known: {', '.join(known)}" if known else "it has none"
            raise ValueError(
                f"Optimizer '{name}' has no setting '{setting}' ({has})."
                f"{suggestion(setting, known)}"
            )
    return kind(settings, radices)

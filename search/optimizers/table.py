"""The optimizers, by the name that `--optimizer` takes.

A new one is one file and one line here; so is a family, whose members `PREFIX:NAME` are those of
another library. They are imported when they are asked for, so that their names are to be had at
once, by the shell that completes them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pkgutil import resolve_name
from typing import Any

from apollo.arch.space import RADICES
from apollo.arch.text import suggestion
from apollo.plugins import Group, load, names, wrong
from apollo.search.optimizers.base import Optimizer

_HERE = "apollo.search.optimizers"
OPTIMIZERS: dict[str, str] = {  # MODULE:CLASS
    "adaptive_p3bo": f"{_HERE}.p3bo.adaptive:AdaptiveP3BO",
    "bayesian": f"{_HERE}.vizier.bayesian:Bayesian",
    "evolutionary": f"{_HERE}.evolutionary:Evolutionary",
    "mbo": f"{_HERE}.mbo.mbo:ModelBased",
    "nsga2": f"{_HERE}.nsga2:NSGA2",
    "p3bo": f"{_HERE}.p3bo.p3bo:P3BO",
    "random": f"{_HERE}.random:Random",
}
# A family's function, MODULE:FUNCTION, makes the class of a member's name; it raises `ValueError`,
# one sentence, when it has no such member.
FAMILIES: dict[str, str] = {
    "nevergrad": f"{_HERE}.nevergrad:nevergrad_optimizer",
    "vizier": f"{_HERE}.vizier.family:vizier_optimizer",
}


def optimizer_names() -> list[str]:
    """The names, without those of families' members; last come those of plug-ins."""
    return list(dict.fromkeys([*OPTIMIZERS, *names(Group.OPTIMIZERS)]))


def known_optimizers() -> list[str]:
    """What `--optimizer` takes: the names, and a pattern for each family."""
    return [*optimizer_names(), *(f"{family}:NAME" for family in FAMILIES)]


def optimizer_type(name: str) -> type[Optimizer]:
    """The optimizer of that name.

    Raises `ValueError` when there is none, or a plug-in is broken.
    """
    kind: type[Optimizer]
    family, colon, member = name.partition(":")
    if colon and family in FAMILIES:
        kind = resolve_name(FAMILIES[family])(member)
        return kind
    if name not in optimizer_names():
        known = suggestion(
            name, [*optimizer_names(), *(f"{prefix}:{member}" for prefix in FAMILIES)]
        )
        raise ValueError(
            f"There is no optimizer '{name}' (known: {', '.join(known_optimizers())}).{known}"
        )
    kind = resolve_name(OPTIMIZERS[name]) if name in OPTIMIZERS else _plugin(name)
    return kind


def _plugin(name: str) -> type[Optimizer]:
    kind = load(Group.OPTIMIZERS, name)
    if not (isinstance(kind, type) and issubclass(kind, Optimizer)):
        raise wrong(Group.OPTIMIZERS, name, f"must be a subclass of Optimizer, not {kind!r}")
    return kind


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

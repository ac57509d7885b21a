"""A space of designs as a TOML file: lists are searched, numbers and names hold for all."""

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from apollo.arch.accelerator import Accelerator, load_design
from apollo.arch.space import FIELDS, SPACE, Parameter, Space
from apollo.arch.text import suggestion
from apollo.arch.toml_file import read_table

_BASE = "base"


def load_space(path: str | Path) -> Space:
    """The space in that file.

    What it does not give is as in the published space, or, where it names a design as `base`, as
    in that design. Raises `ValueError`, one sentence, when the file is not a space.
    """
    path = Path(path)
    table = read_table(path, "space")
    try:
        return _space(table)
    except ValueError as error:
        raise ValueError(f"Space file '{path.name}': {error}") from None


def _space(table: Mapping[str, Any]) -> Space:
    known = [_BASE, *(field.name for field in fields(Accelerator)[1:])]
    for name in table:
        if name not in known:
            raise ValueError(f"'{name}' is not a field of a design.{suggestion(name, known)}")
    space = SPACE
    if _BASE in table:
        space = Space((), replace(load_design(str(table[_BASE])), name="design"))
    fixed = {}
    for name, value in table.items():
        if isinstance(value, list) and name in FIELDS:
            space = space.having(name, _choices(name, value))
        elif name != _BASE:
            fixed[name] = value
    kept = tuple(parameter for parameter in space.parameters if parameter.name not in fixed)
    return Space(kept, replace(space.base, **fixed))


def _choices(name: str, values: list[Any]) -> tuple[int, ...]:
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"the choices of {name} must be whole numbers, not {value!r}.")
    return Parameter(name, tuple(values)).choices

"""Trials of one space as points of another: parameters by name, each at its nearest choice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apollo.arch.space import FIELDS, Space
from apollo.compiler.options import USUAL
from apollo.search.decisions import options_with
from apollo.search.task import design_key


@dataclass(frozen=True)
class Mapped:
    """A point of the new space that stands for one of the old."""

    index: int
    same: bool  # the same machine and the same decisions of the compiler


def mapped(old: Space, index: int, new: Space) -> Mapped:
    """The point of `new` next to a point of `old`.

    A parameter that `old` lacks has its base's value; a decision of the compiler that it lacks,
    the first choice.
    """
    if old == new:
        return Mapped(index, same=True)
    values = old.values_at(index)
    nearest = {}
    for parameter in new.parameters:
        name, choices = parameter.name, parameter.choices
        usual = getattr(old.base, name) if name in FIELDS else choices[0]
        nearest[name] = _nearest(values.get(name, usual), choices)
    found = new.index_of_values(nearest)
    return Mapped(found, _machine(old, index, values) == _machine(new, found, nearest))


def _nearest(value: int, choices: Sequence[int]) -> int:
    """By ratio, as choices are spaced; the smaller wins a tie."""
    return min(choices, key=lambda choice: max(choice, value) / max(1, min(choice, value)))


def _machine(space: Space, index: int, values: Mapping[str, int]) -> object:
    """What an evaluation of a point depends on; of values that are no machine, the point."""
    try:
        return design_key(space.accelerator_at(index)), options_with(USUAL, values)
    except ValueError:
        return space, index

"""Decisions of the compiler as parameters of a space: `states`, `sparse`, `LAYERS:COLUMN`."""

from collections.abc import Mapping
from dataclasses import replace

from apollo.compiler.options import Fixed, Options
from apollo.compiler.tables import Map

STATES, SPARSE = "states", "sparse"
MODES = {"no": 0, "yes": 1}


def is_decision(name: str) -> bool:
    """Whether a parameter of that name is the compiler's and not the machine's."""
    return name in (STATES, SPARSE) or ":" in name


def decision_values(name: str, items: str) -> tuple[int, ...]:
    """The values of a decision as the command line has them, with commas between, ascending.

    Raises `ValueError`, one sentence, for what is none.
    """
    found = set[int]()
    for item in items.split(","):
        if name == SPARSE:
            if item not in MODES:
                raise ValueError(f"{SPARSE} must be one of {', '.join(MODES)}, not '{item}'.")
            found.add(MODES[item])
        elif name == STATES:
            if not (item.isascii() and item.isdigit()):
                raise ValueError(f"{STATES} must be whole numbers, not '{item}'.")
            found.add(Options(states=int(item)).states)
        else:
            found.add(Fixed.of(f"{name}={item}").value)
    return tuple(sorted(found))


def options_with(options: Options, values: Mapping[str, int]) -> Options:
    """The options where a point of a space decides what is among its `values`."""
    for name, value in values.items():
        if name == SPARSE:
            options = replace(options, sparse=bool(value))
        elif name == STATES:
            options = replace(options, states=value)
        elif ":" in name:
            layers, _, column = name.rpartition(":")
            fixed = Fixed(layers, Map[column.upper()], value)
            options = replace(options, fixed=(*options.fixed, fixed))
    return options

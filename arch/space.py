"""Spaces of designs, numbered; the published one has 452,760,000.

A *point* is one digit per parameter (its position among the choices); a point's *index* is the
number with those digits in mixed radix, first parameter most significant. The choices of the
published space are those of PRIME's public configuration (docs/sources in shared tables).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from apollo.arch.accelerator import Accelerator

Ints = npt.NDArray[np.int64]

_UNITS = (1, 2, 4, 6, 8, 10, 12, 14, 16, 32)
# Fields of a design that are numbers: what a parameter of a space may be.
FIELDS = tuple(each.name for each in fields(Accelerator) if each.type in (int, "int"))


def _powers_of_two(first: int, last: int) -> tuple[int, ...]:
    return tuple(1 << k for k in range(first.bit_length() - 1, last.bit_length()))


@dataclass(frozen=True)
class Parameter:
    """A searched field of the accelerator and its choices, ascending.

    Raises `ValueError` when there is no choice, or they do not ascend.
    """

    name: str
    choices: tuple[int, ...]

    def __post_init__(self) -> None:
        """Check the choices."""
        if not self.choices or list(self.choices) != sorted(set(self.choices)):
            listed = ", ".join(map(str, self.choices)) or "none"
            raise ValueError(
                f"The choices of {self.name} must be different numbers, ascending, not {listed}."
            )


PARAMETERS = (
    Parameter("pes_x", _UNITS),
    Parameter("pes_y", _UNITS),
    Parameter("lanes", _powers_of_two(4, 256)),
    Parameter("cores", _UNITS),
    Parameter("pe_memory_bytes", _powers_of_two(256 << 10, 16 << 20)),
    Parameter("core_memory_bytes", _powers_of_two(4 << 10, 4 << 20)),
    Parameter("activation_memory_bytes", _powers_of_two(256, 16384)),
    Parameter("instruction_memory_bytes", _powers_of_two(8192, 65536)),
    Parameter("parameter_memory_bytes", _powers_of_two(2048, 32768)),
    Parameter("dram_gb_per_s", (5, 10, 16, 20, 25, 30)),
)
# Fields that no parameter of a space has: those of every design it holds.
_FIRST: dict[str, Any] = {parameter.name: parameter.choices[0] for parameter in PARAMETERS}
_REST = Accelerator(name="design", **_FIRST)


@dataclass(frozen=True)
class Space:
    """Designs that differ in some parameters; `base` has the fields that none of them has.

    A parameter that is no field of a design is for whoever reads the values of a point (the
    search has decisions of the compiler as parameters). Raises `ValueError` when two parameters
    have a name, or the index of a point would not fit 63 bits.
    """

    parameters: tuple[Parameter, ...]
    base: Accelerator = field(default=_REST)

    def __post_init__(self) -> None:
        """Check names and size."""
        names = [parameter.name for parameter in self.parameters]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"A space must have parameter {name} once, not twice.")
        if self.size >= 1 << 63:
            raise ValueError(f"A space must have fewer than 2**63 points, not {self.size:,}.")

    @cached_property
    def radices(self) -> tuple[int, ...]:
        """The number of choices of every parameter."""
        return tuple(len(parameter.choices) for parameter in self.parameters)

    @cached_property
    def size(self) -> int:
        """The number of points."""
        return math.prod(self.radices)

    def digits_of(self, index: int) -> tuple[int, ...]:
        """The point with that index: one digit per parameter.

        Raises `ValueError` when the index is outside the space.
        """
        if not 0 <= index < self.size:
            raise ValueError(f"A design's index must be in 0..{self.size - 1:,}, not {index:,}.")
        digits = []
        for radix in reversed(self.radices):
            index, digit = divmod(index, radix)
            digits.append(digit)
        return tuple(reversed(digits))

    def index_of(self, digits: Sequence[int]) -> int:
        """The index of a point.

        Raises `ValueError` when there are not as many digits as parameters, or one is outside
        its radix.
        """
        if len(digits) != len(self.radices):
            raise ValueError(f"A point must have {len(self.radices)} digits, not {len(digits)}.")
        index = 0
        for digit, radix, parameter in zip(digits, self.radices, self.parameters, strict=True):
            if not 0 <= digit < radix:
                raise ValueError(
                    f"The digit of {parameter.name} must be in 0..{radix - 1}, not {digit}."
                )
            index = index * radix + int(digit)
        return index

    def values_at(self, index: int) -> dict[str, int]:
        """The values of a point's parameters, by name."""
        digits = self.digits_of(index)
        return {p.name: p.choices[d] for p, d in zip(self.parameters, digits, strict=True)}

    def index_of_values(self, values: Mapping[str, int]) -> int:
        """The index of the point with these values.

        Raises `ValueError` when a parameter has no value, or one outside its choices.
        """
        digits = []
        for parameter in self.parameters:
            value = values.get(parameter.name)
            if value not in parameter.choices:
                raise ValueError(
                    f"{parameter.name} must be one of {', '.join(map(str, parameter.choices))} "
                    f"to be a point of the space, not {value}."
                )
            digits.append(parameter.choices.index(value))
        return self.index_of(digits)

    def accelerator_at(self, index: int) -> Accelerator:
        """The design of the point with that index, named by it.

        Raises `ValueError` when the values break a rule of the machine.
        """
        values = self.values_at(index)
        design: dict[str, Any] = {n: value for n, value in values.items() if n in FIELDS}
        return replace(self.base, name=f"design_{index}", **design)

    def index_of_accelerator(self, accelerator: Accelerator) -> int:
        """The index of a design.

        Raises `ValueError` when a searched field has a value outside its choices (as the clock
        and bandwidth of some presets have: they are designs, but not points of the space).
        """
        return self.index_of_values({name: getattr(accelerator, name) for name in FIELDS})

    def having(self, name: str, choices: Sequence[int]) -> "Space":
        """The space with other choices of a parameter, which comes last where it is new."""
        changed = Parameter(name, tuple(choices))
        names = [parameter.name for parameter in self.parameters]
        if name not in names:
            return replace(self, parameters=(*self.parameters, changed))
        number = names.index(name)
        before, after = self.parameters[:number], self.parameters[number + 1 :]
        return replace(self, parameters=(*before, changed, *after))


SPACE = Space(PARAMETERS)
# Of the published space.
RADICES, SIZE = SPACE.radices, SPACE.size
digits_of, index_of = SPACE.digits_of, SPACE.index_of
accelerator_at, index_of_accelerator = SPACE.accelerator_at, SPACE.index_of_accelerator

"""The search space: 452,760,000 designs, numbered.

A *point* is one digit per parameter (its position among the choices); a point's *index* is the
number with those digits in mixed radix, first parameter most significant. The choices are those
of the published study (PRIME's public configuration; docs/sources in shared tables).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from apollo.arch.accelerator import Accelerator

Ints = npt.NDArray[np.int64]

_UNITS = (1, 2, 4, 6, 8, 10, 12, 14, 16, 32)


def _powers_of_two(first: int, last: int) -> tuple[int, ...]:
    return tuple(1 << k for k in range(first.bit_length() - 1, last.bit_length()))


@dataclass(frozen=True)
class Parameter:
    """A searched field of the accelerator and its choices, ascending."""

    name: str
    choices: tuple[int, ...]


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
RADICES = tuple(len(parameter.choices) for parameter in PARAMETERS)
SIZE = math.prod(RADICES)


def digits_of(index: int) -> tuple[int, ...]:
    """The point with that index: one digit per parameter.

    Raises `ValueError` when the index is outside the space.
    """
    if not 0 <= index < SIZE:
        raise ValueError(f"A design's index must be in 0..{SIZE - 1:,}, not {index:,}.")
    digits = []
    for radix in reversed(RADICES):
        index, digit = divmod(index, radix)
        digits.append(digit)
    return tuple(reversed(digits))


def index_of(digits: Sequence[int]) -> int:
    """The index of a point.

    Raises `ValueError` when there are not ten digits or one is outside its radix.
    """
    if len(digits) != len(RADICES):
        raise ValueError(f"A point must have {len(RADICES)} digits, not {len(digits)}.")
    index = 0
    for digit, radix, parameter in zip(digits, RADICES, PARAMETERS, strict=True):
        if not 0 <= digit < radix:
            raise ValueError(
                f"The digit of {parameter.name} must be in 0..{radix - 1}, not {digit}."
            )
        index = index * radix + int(digit)
    return index


def accelerator_at(index: int) -> Accelerator:
    """The design with that index, named by it."""
    values: dict[str, Any] = {  # an int each; other fields are not searched
        parameter.name: parameter.choices[digit]
        for parameter, digit in zip(PARAMETERS, digits_of(index), strict=True)
    }
    return Accelerator(name=f"design_{index}", **values)


def index_of_accelerator(accelerator: Accelerator) -> int:
    """The index of a design.

    Raises `ValueError` when a searched field has a value outside its choices (as the clock and
    bandwidth of some presets have: they are designs, but not points of the space).
    """
    digits = []
    for parameter in PARAMETERS:
        value = getattr(accelerator, parameter.name)
        if value not in parameter.choices:
            raise ValueError(
                f"{parameter.name} must be one of {', '.join(map(str, parameter.choices))} "
                f"to be a point of the space, not {value}."
            )
        digits.append(parameter.choices.index(value))
    return index_of(digits)

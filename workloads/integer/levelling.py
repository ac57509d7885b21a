"""Normalised gates on integers: means, squares and a table of inverse roots, twice.

One table of inverse roots has few entries where deviations are small. So a gate is brought to a
deviation of about two first, by a coarse mean of its squares; a second, finer one then divides by
what is left. Deviations from 0.1 on become one within 0.5 %; amplified they are by 32 at most.
"""

from functools import cache, partial
from typing import NamedTuple

import numpy as np

from apollo.workloads.integer.arithmetic import Ints, Reals, requantize, sums_of
from apollo.workloads.integer.wide import GATE, wide_look_up, wide_table
from apollo.workloads.model import Rounding
from apollo.workloads.quantization import Quantization


def _of_bits(places: int) -> Quantization:
    """So many bits of 16 behind the point."""
    return Quantization((2.0**-places,), (0,), bits=16)


NORMAL = _of_bits(12)  # a normalised gate, within 8 of zero
SQUARE = _of_bits(7)

_WEIGHT = 127


class Level(NamedTuple):
    """Quantisations of a mean of squares, of its inverse root, and of what that multiplies to."""

    mean: Quantization
    factor: Quantization
    result: Quantization
    aim: int  # deviation of the result


LEVELS = (
    Level(_of_bits(9), _of_bits(12), GATE, 2),
    Level(_of_bits(12), _of_bits(13), NORMAL, 1),
)


def inverse_root(mean: Reals, aim: int) -> Reals:
    """What brings numbers of a mean square to a deviation; without end at zero and below."""
    return np.asarray(aim / np.sqrt(np.maximum(mean, 1e-30)))


@cache
def _tables() -> list[Ints]:
    return [
        wide_table(partial(inverse_root, aim=level.aim), level.mean, level.factor)
        for level in LEVELS
    ]


def levelled(gates: Ints) -> Ints:
    """The last dimension of gates less its mean and over its deviation, in units of NORMAL."""
    count = gates.shape[-1]
    middle = _times(gates.sum(-1, keepdims=True), 1 / count, GATE)
    found = np.clip(gates - middle, GATE.low, GATE.high)
    unit = GATE.scale[0]
    for level, table in zip(LEVELS, _tables(), strict=True):
        squares = _times(found * found, unit * unit / SQUARE.scale[0], SQUARE)
        share = SQUARE.scale[0] / (level.mean.scale[0] * count)
        mean = _times(squares.sum(-1, keepdims=True), share, level.mean)
        factor = wide_look_up(table, mean)
        found = _times(
            found * factor, unit * level.factor.scale[0] / level.result.scale[0], level.result
        )
    return np.asarray(found, np.int64)


def _times(sums: Ints, factor: float, after: Quantization) -> Ints:
    return requantize(sums, [factor], after, Rounding.ONCE)


def stretched(normalized: Ints, scale: Reals, shift: Reals) -> Ints:
    """Normalised gates times a scale plus a summand each, as gates.

    A product by plus or minus 127, the size of the factor in its record, as for a
    batch normalisation.
    """
    least = max(float(np.abs(scale).max()), 1e-9) * 2.0**-20
    size = np.maximum(np.abs(scale), least) / _WEIGHT
    weight = np.rint(scale / size).astype(np.int64)
    units = NORMAL.scale[0] * size
    sums = normalized * weight + sums_of(shift, units)
    return requantize(sums, [*(units / GATE.scale[0])], GATE, Rounding.ONCE)

"""From sums to elements: records and the two rules of rounding (M27).

Sums are [PEs, positions, channels]; a record's numbers are [PEs, 1, channels] or [PEs, 1, 1].
"""

from typing import NamedTuple

import numpy as np

from apollo.arch.operands import RECORD_BYTES, ComputeFlag, Window
from apollo.arch.touched import Operands
from apollo.simulator.functional.machine import Bytes, Ints, decode

SHIFT_MOST = 62
_DOUBLING_SHIFT = 31


class Record(NamedTuple):
    """How sums of a channel become elements."""

    bias: Ints
    multiplier: Ints
    shift: Ints


def records(raw: Bytes) -> Record:
    """The records in bytes [PEs, channels, 9]."""
    part = raw[..., :RECORD_BYTES]
    columns = (decode(part[..., :4], 4), decode(part[..., 4:8], 4), decode(part[..., 8:], 1))
    return Record(*(column[..., 0][:, None, :] for column in columns))


def wrap(values: Ints) -> Ints:
    """Numbers as an int32 keeps them."""
    return values.astype(np.int32).astype(np.int64)


def floor_shift(values: Ints, shift: Ints) -> Ints:
    """A number over 2^shift, to the nearest, ties upwards."""
    half = (np.int64(1) << np.maximum(shift, 1) - 1) * (shift > 0)
    return (values + half) >> shift


def high_product(values: Ints, multiplier: Ints) -> Ints:
    """The high 32 bits of twice a product of int32, to the nearest, ties upwards."""
    return (values * multiplier + (np.int64(1) << _DOUBLING_SHIFT - 1)) >> _DOUBLING_SHIFT


def rounding_divide(values: Ints, exponent: Ints) -> Ints:
    """V / 2^exponent, to the nearest, ties away from zero."""
    mask = (np.int64(1) << exponent) - 1
    return (values >> exponent) + ((values & mask) > (mask >> 1) + (values < 0))


def scale(values: Ints, multiplier: Ints, shift: Ints, tflite: bool) -> Ints:
    """An int32 times multiplier / 2^shift, by one rounding or by TFLite's two."""
    shift = np.clip(shift, 0, SHIFT_MOST)
    if not tflite:
        return floor_shift(values * multiplier, shift)
    left = _DOUBLING_SHIFT - shift
    shifted = wrap(values << np.maximum(left, 0))
    return rounding_divide(high_product(shifted, multiplier), np.maximum(-left, 0))


def clamp(values: Ints, o: Operands) -> Ints:
    """ZERO_POINT added, then within LOW … HIGH."""
    return np.minimum(np.maximum(o[Window.ZERO_POINT] + values, o[Window.LOW]), o[Window.HIGH])


def requantise(sums: Ints, record: Record, o: Operands) -> Ints:
    """Elements of sums within 32 bits."""
    tflite = bool(o[Window.FLAGS] & ComputeFlag.TFLITE_ROUNDING)
    biased = wrap(sums + record.bias)
    return clamp(scale(biased, record.multiplier, record.shift, tflite), o)

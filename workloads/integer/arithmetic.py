"""From sums to stored integers: a real factor as multiplier / 2^shift, and the two roundings."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from apollo.workloads.model import Rounding
from apollo.workloads.quantization import Quantization

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]

MOST_SHIFT = 62
MULTIPLIER_BITS = 31  # of the largest multiplier of a layer
_INT32 = (-(1 << 31), (1 << 31) - 1)


def fixed_point(factor: float) -> tuple[int, int]:
    """Multiplier and shift of a positive factor: the most bits that an int32 has room for.

    The multiplier is in 2^30 ... 2^31 - 1, unless that would take a shift beyond 62.
    """
    if not 0 < factor < 1 << MULTIPLIER_BITS - 1 or not math.isfinite(factor):
        raise ValueError(f"A factor of a requantisation must be in 0..2^30, not {factor}.")
    mantissa, exponent = math.frexp(factor)
    multiplier, shift = round(mantissa * (1 << MULTIPLIER_BITS)), MULTIPLIER_BITS - exponent
    if multiplier == 1 << MULTIPLIER_BITS:
        multiplier, shift = multiplier >> 1, shift - 1
    if shift > MOST_SHIFT:
        multiplier, shift = round(factor * 2.0**MOST_SHIFT), MOST_SHIFT
    return multiplier, shift


def fixed_points(factors: Sequence[float]) -> tuple[Ints, Ints]:
    """Multipliers and shifts of several factors."""
    pairs = [fixed_point(factor) for factor in factors]
    return np.array([m for m, _ in pairs], np.int64), np.array([s for _, s in pairs], np.int64)


def wrap(values: Ints) -> Ints:
    """Numbers as an int32 keeps them."""
    return values.astype(np.int32).astype(np.int64)


def halve(values: Ints, shift: Ints | int) -> Ints:
    """Values over 2^shift to the nearest, ties upwards."""
    places = np.asarray(shift, np.int64)
    half = np.where(places > 0, np.int64(1) << np.maximum(places - 1, 0), 0)
    return np.asarray((values + half) >> places, np.int64)


def scaled(values: Ints, multiplier: Ints | int, shift: Ints | int, rounding: Rounding) -> Ints:
    """Values within 32 bits times multiplier / 2^shift, rounded by the rule of the model."""
    if rounding is Rounding.ONCE:
        return halve(values * multiplier, shift)
    places = MULTIPLIER_BITS - np.asarray(shift, np.int64)
    shifted = wrap(values << np.maximum(places, 0))
    doubled = halve(shifted * multiplier, MULTIPLIER_BITS)
    return _away(doubled, np.maximum(-places, 0))


def _away(values: Ints, shift: Ints) -> Ints:
    """Values over 2^shift to the nearest, ties away from zero."""
    magnitude = halve(np.abs(values), shift)
    return np.where(values < 0, -magnitude, magnitude)


def divide_away(values: Ints, divisor: Ints | int) -> Ints:
    """A quotient by a positive number, to the nearest, ties away from zero."""
    magnitude = (2 * np.abs(values) + divisor) // (2 * np.asarray(divisor, np.int64))
    return np.where(values < 0, -magnitude, magnitude)


def divide(values: Ints, divisor: Ints | int) -> Ints:
    """A quotient by a positive number, to the nearest, ties upwards."""
    twice = 2 * np.asarray(divisor, np.int64)
    return np.asarray((2 * values + divisor) // twice, np.int64)


def square_root(values: Ints) -> Ints:
    """The greatest integers whose squares are not greater than these."""
    root = np.sqrt(values.astype(np.float64)).astype(np.int64)
    root = root - (root * root > values)
    return root + ((root + 1) * (root + 1) <= values)


def saturate(values: Ints, rule: Quantization) -> Ints:
    """The zero point added, within the range of the stored integers."""
    return np.clip(values + rule.zero_point[0], rule.low, rule.high)


def requantize(
    sums: Ints, factors: Sequence[float], rule: Quantization, rounding: Rounding, axis: int = -1
) -> Ints:
    """Sums in units of `factors` of the result's scale: one factor, or one a channel of `axis`."""
    multiplier, shift = fixed_points(factors)
    if len(factors) > 1:
        shape = [1] * sums.ndim
        shape[axis] = len(factors)
        multiplier, shift = multiplier.reshape(shape), shift.reshape(shape)
    return saturate(scaled(wrap(sums), multiplier, shift, rounding), rule)


def blend(first: Ints, second: Ints, factors: tuple[float, float], rule: Quantization) -> Ints:
    """Both times their factors, in fractions of the result's unit, added and rounded once."""
    shift = fixed_point(max(factors))[1]
    one, other = (round(factor * 2.0**shift) for factor in factors)
    return saturate(halve(first * one + second * other, shift), rule)


def centred(stored: Ints, rule: Quantization) -> Ints:
    """Stored integers without their zero points."""
    if len(rule.zero_point) == 1:
        return stored - rule.zero_point[0]
    shape = [1] * stored.ndim
    shape[rule.axis] = len(rule.zero_point)
    return np.asarray(stored - np.array(rule.zero_point, np.int64).reshape(shape), np.int64)


def rescaled(stored: Ints, before: Quantization, after: Quantization, rounding: Rounding) -> Ints:
    """The same real numbers in other units; as they are where the units are the same."""
    if before == after:
        return stored
    factor = before.scale[0] / after.scale[0]
    return requantize(centred(stored, before), [factor], after, rounding)


def sums_of(real: Reals, units: Reals) -> Ints:
    """Real numbers in units of sums, within 32 bits."""
    return np.clip(np.rint(real / units), *_INT32).astype(np.int64)

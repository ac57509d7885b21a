"""Parameters as bytes: records of requantisations, and fields one behind the other."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apollo.arch.operands import RECORD_BYTES
from apollo.workloads.integer import fixed_point
from apollo.workloads.quantization import Quantization

Ints = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]
Numbers = tuple[Ints, Ints, list[float]]  # weights [K, T, I], biases [K], factors [K]

_INT32 = (-(1 << 31), (1 << 31) - 1)
_GREATEST_WEIGHT = 127


class Channels(NamedTuple):
    """Weights and records by output channel, in the order of the tensor."""

    weights: npt.NDArray[np.int8]  # [G * K, T, I]
    records: Bytes  # [G * K, RECORD_BYTES]


def records(bias: Ints, factors: Sequence[float]) -> Bytes:
    """Bias, multiplier and shift of every channel (M27)."""
    packed = np.zeros((len(bias), RECORD_BYTES), np.uint8)
    pairs = [fixed_point(float(factor)) for factor in factors]
    numbers = np.array([pair[0] for pair in pairs], np.int64)
    packed[:, :4] = _bytes(bias, "<i4")
    packed[:, 4:8] = _bytes(numbers, "<i4")
    packed[:, 8] = [pair[1] for pair in pairs]
    return packed


def _bytes(values: Ints, kind: str) -> Bytes:
    """Each number as a row of bytes."""
    return np.ascontiguousarray(values.astype(kind))[:, None].view(np.uint8)


def record(*fields: tuple[int, str]) -> Bytes:
    """Numbers of given kinds one behind the other."""
    parts = [np.array([value]).astype(kind).view(np.uint8) for value, kind in fields]
    return np.concatenate(parts)


def entries(values: Ints, after: Quantization) -> Bytes:
    """The entries of a table, as wide as its results."""
    kind = "<i1" if after.bits == 8 else "<i2"
    return np.ascontiguousarray(values.astype(kind)).view(np.uint8)


def sums_of(real: Reals, units: Reals) -> Ints:
    """Real summands in units of sums, within 32 bits."""
    return np.clip(np.rint(real / units), *_INT32).astype(np.int64)


def signs_and_sizes(scale: Reals, shift: Reals, unit: float, after: Quantization) -> Numbers:
    """Of scales: weights of about 127, the rest in the records; summands as biases."""
    least = max(float(np.abs(scale).max()), 1e-9) * 2.0**-20
    size = np.maximum(np.abs(scale), least) / _GREATEST_WEIGHT
    weights = np.rint(scale / size).astype(np.int64).reshape(-1, 1, 1)
    units = unit * size
    return weights, sums_of(shift, units), [float(each / after.scale[0]) for each in units]

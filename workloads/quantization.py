"""Affine quantisation: real = scale * (stored - zero point), for a whole tensor or by channel."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

PER_TENSOR = -1
BITS = (8, 16, 32)


@dataclass(frozen=True)
class Quantization:
    """How the integers of a tensor stand for real numbers.

    Attributes:
        scale: one for the tensor, or one for each channel along `axis`; positive.
        zero_point: as many, each within the integers' range.
        axis: of the channels, or PER_TENSOR.
        bits: 8, 16 or 32, signed (unsigned files are shifted when they are read).

    """

    scale: tuple[float, ...]
    zero_point: tuple[int, ...]
    axis: int = PER_TENSOR
    bits: int = 8

    def __post_init__(self) -> None:
        if self.bits not in BITS:
            raise ValueError(f"Quantised values must have 8, 16 or 32 bits, not {self.bits}.")
        if not self.scale or len(self.scale) != len(self.zero_point):
            raise ValueError(
                f"A quantisation must have as many zero points as scales, not "
                f"{len(self.zero_point)} and {len(self.scale)}."
            )
        if self.axis == PER_TENSOR and len(self.scale) > 1:
            raise ValueError("A quantisation by channel must say the axis of the channels.")
        if not all(math.isfinite(scale) and scale > 0 for scale in self.scale):
            raise ValueError("Scales of a quantisation must be positive numbers.")
        if not all(self.low <= zero <= self.high for zero in self.zero_point):
            raise ValueError(f"Zero points must be in {self.low}..{self.high}.")

    @property
    def low(self) -> int:
        """The least integer."""
        return int(-(1 << self.bits - 1))

    @property
    def high(self) -> int:
        """The greatest integer."""
        return (1 << self.bits - 1) - 1

    def quantize(self, real: npt.NDArray[np.floating]) -> npt.NDArray[np.int32]:
        """Nearest integers, ties to even, saturated; of the shape of `real`."""
        scale, zero = self._by_channel(real.ndim)
        stored = np.rint(real.astype(np.float64) / scale) + zero
        return np.clip(stored, self.low, self.high).astype(np.int32)

    def dequantize(self, stored: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
        """The real numbers that integers stand for; of the shape of `stored`."""
        scale, zero = self._by_channel(stored.ndim)
        return np.asarray(scale * (stored.astype(np.int64) - zero), np.float64)

    def _by_channel(self, rank: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """Scales and zero points that broadcast against a tensor of that rank."""
        shape = [1] * rank
        if self.axis != PER_TENSOR:
            shape[self.axis] = len(self.scale)
        return (
            np.array(self.scale, np.float64).reshape(shape),
            np.array(self.zero_point, np.int64).reshape(shape),
        )

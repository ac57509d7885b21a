"""Averages that leave padding out of their count: how much of a window each of its elements is.

A share is a fraction of 15 bits: by a product with it a machine divides a sum of 16 bits by a
number that differs from position to position. It is a little too much, so that a quotient half way
between two integers is rounded away from zero, as in an average of whole windows; for windows of up
to 5 x 5 elements, half of them padding at most, 8-bit results are the exact ones.
"""

import numpy as np
import numpy.typing as npt

from apollo.workloads.operators import Pool
from apollo.workloads.shapes import Pair

Ints = npt.NDArray[np.int64]

_GREATEST = (1 << 15) - 1


def sum_shift(operator: Pool, bits: int) -> int:
    """By how many bits a sum of centred elements of so many bits is shortened to fit 16."""
    greatest = operator.kernel[0] * operator.kernel[1] * ((1 << bits) - 1)
    return max(0, (greatest // (_GREATEST + 1)).bit_length())


def shares(operator: Pool, size: Pair) -> tuple[Ints, int]:
    """Shares [1, 1, h, w] of every position for an image of that size, and their fraction bits.

    A window of padding alone has the share 0.
    """
    down, across = (_counts(operator, axis, size[axis]) for axis in range(2))
    counts = (down[:, None] * across)[None, None]
    least = int(counts[counts > 0].min(initial=_GREATEST))
    bits = (_GREATEST * least).bit_length() - 1
    found = (1 << bits) // np.maximum(counts, 1) + 1
    return np.where(counts > 0, found, 0), bits


def _counts(operator: Pool, axis: int, size: int) -> Ints:
    """Elements of the image in each window along an axis."""
    before, behind = operator.padding[axis], operator.padding[axis + 2]
    kernel, stride = operator.kernel[axis], operator.stride[axis]
    begins = np.arange(0, before + size + behind - kernel + 1, stride) - before
    inside = np.minimum(begins + kernel, size) - np.maximum(begins, 0)
    return np.asarray(np.maximum(inside, 0), np.int64)

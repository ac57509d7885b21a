"""The kernel of the Gaussian process, in Numba."""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import kernel

Floats = npt.NDArray[np.float64]


@kernel
def likeness(left: Floats, right: Floats, length: float, mismatch: float, out: Floats) -> None:
    """Matérn-5/2(|x - y| / length) · exp(-mismatch · features that differ), [N, M], of points.

    `left` [N, D] and `right` [M, D].
    """
    for row in range(len(left)):
        for column in range(len(right)):
            square, differ = 0.0, 0
            for feature in range(left.shape[1]):
                difference = left[row, feature] - right[column, feature]
                square += difference * difference
                differ += difference != 0.0
            scaled = np.sqrt(5 * square) / length
            decay = np.exp(-scaled - mismatch * differ)
            out[row, column] = (1 + scaled + scaled * scaled / 3) * decay

"""Arithmetic of tensor shapes: windows, padding and broadcasting.

A shape is `(n, c, h, w)`, `(n, c)` or, of a sequence, `(n, t, c)`, batch first.
"""

import math
from collections.abc import Sequence

Shape = tuple[int, ...]
Shapes = Sequence[Shape]
Pair = tuple[int, int]  # (h, w)
Padding = tuple[int, int, int, int]  # (top, left, bottom, right)

NO_PADDING: Padding = (0, 0, 0, 0)


def elements(shape: Shape) -> int:
    """Number of elements of a tensor."""
    return math.prod(shape)


def window_extent(kernel: int, dilation: int = 1) -> int:
    """Positions from the first to the last tap of a dilated window, both included."""
    return dilation * (kernel - 1) + 1


def same_padding(size: int, kernel: int, stride: int, dilation: int = 1) -> Pair:
    """Padding (before, after) for an output of ceil(size / stride); an odd rest goes after."""
    covered = (math.ceil(size / stride) - 1) * stride + window_extent(kernel, dilation)
    total = max(0, covered - size)
    return total // 2, total - total // 2


def same_padding_2d(shape: Shape, kernel: Pair, stride: Pair, dilation: Pair = (1, 1)) -> Padding:
    """`same_padding` of both spatial dimensions of an (n, c, h, w) tensor."""
    top, bottom = same_padding(shape[2], kernel[0], stride[0], dilation[0])
    left, right = same_padding(shape[3], kernel[1], stride[1], dilation[1])
    return top, left, bottom, right


def window_positions(
    shape: Shape, kernel: Pair, stride: Pair, padding: Padding, dilation: Pair = (1, 1)
) -> Pair:
    """Positions (h, w) at which a window fits into a padded (n, c, h, w) tensor."""
    padded = (shape[2] + padding[0] + padding[2], shape[3] + padding[1] + padding[3])
    extent = (window_extent(kernel[0], dilation[0]), window_extent(kernel[1], dilation[1]))
    if extent[0] > padded[0] or extent[1] > padded[1]:
        raise ValueError(
            f"a window of {extent[0]}x{extent[1]} does not fit in "
            f"a padded input of {padded[0]}x{padded[1]}"
        )
    return (padded[0] - extent[0]) // stride[0] + 1, (padded[1] - extent[1]) // stride[1] + 1


def transposed_positions(
    shape: Shape, kernel: Pair, stride: Pair, padding: Padding, dilation: Pair, extra: Pair
) -> Pair:
    """Positions (h, w) that windows cover, put down at every position of an (n, c, h, w) tensor."""
    covered = [
        (shape[2 + axis] - 1) * stride[axis] + window_extent(kernel[axis], dilation[axis])
        for axis in range(2)
    ]
    return (
        covered[0] - padding[0] - padding[2] + extra[0],
        covered[1] - padding[1] - padding[3] + extra[1],
    )


def broadcast(left: Shape, right: Shape) -> Shape:
    """Shape of an elementwise result: equal ranks, a dimension of 1 stretches."""
    if len(left) != len(right) or any(
        a != b and 1 not in (a, b) for a, b in zip(left, right, strict=True)
    ):
        raise ValueError(f"shapes {left} and {right} do not broadcast")
    return tuple(max(a, b) for a, b in zip(left, right, strict=True))

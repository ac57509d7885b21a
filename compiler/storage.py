"""How tensors are stored: images, rows, columns and channels, channels innermost."""

import math
from typing import NamedTuple

Shape = tuple[int, ...]


class Dims(NamedTuple):
    """Extents of a stored tensor."""

    images: int
    rows: int
    columns: int
    channels: int

    @property
    def elements(self) -> int:
        """How many there are."""
        return math.prod(self)


def dims_of(shape: Shape) -> Dims:
    """How a tensor of that shape is stored, if nothing says otherwise.

    Items of a batch without rows and columns are rows; so are the steps of a sequence.
    """
    if len(shape) >= 4:
        return Dims(shape[0], shape[-2], shape[-1], math.prod(shape[1:-2]))
    return Dims(1, math.prod(shape[:-1]), 1, shape[-1] if shape else 1)


def is_in_logical_order(shape: Shape) -> bool:
    """Whether the stored order of elements is that of the shape, last dimension fastest."""
    dims = dims_of(shape)
    return len(shape) < 4 or dims.channels == 1 or dims.rows * dims.columns == 1


def axis_of(shape: Shape, axis: int) -> str:
    """The stored coordinate along which a dimension of the shape lies, and only it.

    Raises `ValueError` for dimensions that are stored together with others.
    """
    rank = len(shape)
    if rank == 4:
        return ("images", "channels", "rows", "columns")[axis]
    if axis == rank - 1 and rank < 4:
        return "channels"
    if rank == 2 or (rank == 3 and (axis == 0 or shape[0] == 1)):
        return "rows"
    raise ValueError(f"dimension {axis} of {shape} is not stored by itself")

"""Sparse tensors of a file, spread out again.

The stored values are in the order of a walk through the dimensions in `traversal_order`. A dense
dimension is walked in full; of a sparse one (compressed rows) segment `i` of the indices says which
places there are below entry `i` of the dimension before. Dimensions beyond the rank of the tensor
divide those in `block_map` into blocks. See "Tensor Storage Format" of the TACO compiler (Kjolstad
et al., 2017), from which the format comes.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from apollo.workloads.shapes import Shape, elements
from apollo.workloads.tflite.flatbuffer import Table

Integers = npt.NDArray[np.int64]
VECTOR_KINDS = {1: "i32", 2: "u16", 3: "u8"}
DENSE = 0


@dataclass(frozen=True)
class _Dimension:
    """A dimension of the walk: its size if it is dense, else segments and the places in them."""

    size: int
    segments: Integers | None = None
    places: Integers | None = None


def positions(table: Table, shape: Shape) -> Integers:
    """Where each stored value stands in the dense tensor, as if that were flat.

    Raises `ValueError` when the description does not fit the shape.
    """
    table = table.again()
    order = [int(axis) for axis in table.numbers(0, "i32")[:16]]
    blocks = [int(axis) for axis in table.numbers(1, "i32")[:16]]
    walk = [_dimension(item) for item in table.tables(2, 16)]
    rank = len(shape)
    if sorted(order) != list(range(len(walk))) or len(walk) != rank + len(blocks):
        raise ValueError(f"its {len(walk)} dimensions are walked in the order {order}")
    if not all(0 <= axis < rank for axis in blocks):
        raise ValueError(f"its blocks divide dimensions {blocks} of {rank}")
    strides = _strides(
        shape, blocks, [walk[order.index(rank + i)].size for i in range(len(blocks))]
    )
    flat = np.zeros(1, np.int64)
    for axis, dimension in zip(order, walk, strict=True):
        parents, places = _entries(dimension, len(flat), elements(shape))
        flat = flat[parents] + places * strides[axis]
    if flat.size and not (flat.min() >= 0 and flat.max() < elements(shape)):
        raise ValueError("its places lie outside the tensor")
    return flat


def _dimension(table: Table) -> _Dimension:
    if table.scalar(0, "i8") == DENSE:
        return _Dimension(table.scalar(1, "i32"))
    vectors = []
    for slot in (2, 4):
        kind, inner = VECTOR_KINDS.get(table.scalar(slot, "u8")), table.table(slot + 1)
        if kind is None or inner is None:
            raise ValueError("a sparse dimension of it has no indices")
        vectors.append(inner.numbers(0, kind).astype(np.int64))
    return _Dimension(0, *vectors)


def _strides(shape: Shape, blocks: list[int], sizes: list[int]) -> list[int]:
    """How far apart entries of each dimension are, those of the blocks last."""
    if min(sizes, default=1) < 1:
        raise ValueError(f"its blocks have sizes {sizes}")
    plain = [elements(shape[axis + 1 :]) for axis in range(len(shape))]
    inner = [plain[axis] for axis in blocks]
    for axis, size in zip(blocks, sizes, strict=True):
        plain[axis] *= size
    return plain + inner


def _entries(dimension: _Dimension, count: int, most: int) -> tuple[Integers, Integers]:
    """For each entry below `count` others: which of them it belongs to, and its place there."""
    if dimension.segments is None or dimension.places is None:
        size = dimension.size
        if size < 1 or size * count > most:
            raise ValueError(f"a dense dimension of it has size {size}")
        return np.repeat(np.arange(count), size), np.tile(np.arange(size), count)
    bounds, places = dimension.segments, dimension.places
    steps = np.diff(bounds)
    fits = len(bounds) == count + 1 and bounds[0] == 0 and bounds[-1] == len(places)
    if not fits or (steps < 0).any() or len(places) > most:
        raise ValueError("the segments of a sparse dimension of it do not fit together")
    return np.repeat(np.arange(count), steps), places

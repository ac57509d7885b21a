"""How a nest gets its operands: in place, over the bus from other PEs, or from DRAM."""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import kernel
from apollo.compiler.kernels.tiling import Design, source_columns, source_rows, splits_along
from apollo.compiler.tables import Map, Nest, Split, TensorColumn

Ints = npt.NDArray[np.int64]


class Place(IntEnum):
    """Where a tensor is: columns of the table of places."""

    ON_CHIP = 0
    ADDRESS = 1  # in every PE memory
    BYTES = 2  # of the slice of a PE
    SPLIT_X = 3
    SPLIT_Y = 4
    ROWS = 5  # of the slice
    COLUMNS = 6
    CHANNELS = 7
    FORCED_OUT = 8  # must live in DRAM


PLACES = len(Place)


@kernel
def _overlap(count: int, part: int, stride: int, extent: int, pad: int, own: int, size: int) -> int:
    """Of the elements that `count` consumers read along a dimension, those each has already."""
    total = 0
    for i in range(count):
        first = max(0, i * part * stride - pad)
        last = min(size, (i * part + part - 1) * stride - pad + extent)
        total += max(0, min(last, (i + 1) * own) - max(first, i * own))
    return total


@kernel
def _needed(count: int, part: int, stride: int, extent: int, pad: int, size: int) -> int:
    """Elements that `count` consumers read along a dimension, shared ones counted again."""
    total = 0
    for i in range(count):
        first = max(0, i * part * stride - pad)
        last = min(size, (i * part + part - 1) * stride - pad + extent)
        total += max(0, last - first)
    return total


@kernel
def same_layout(n: Ints, m: Ints, t: Ints, p: Ints) -> bool:
    """Whether the PEs hold the channels they need, and rows and columns by the same split."""
    if p[Place.SPLIT_X] != m[Map.SPLIT_X] or p[Place.SPLIT_Y] != m[Map.SPLIT_Y]:
        return False
    divided = m[Map.SPLIT_X] == Split.CHANNELS or m[Map.SPLIT_Y] == Split.CHANNELS
    if n[Nest.MIXES_CHANNELS]:
        return not divided
    return not divided or p[Place.CHANNELS] == m[Map.PE_CHANNELS] * n[Nest.GROUPS]


@kernel
def source_channels(n: Ints, m: Ints, t: Ints) -> int:
    """Channels of the source that a PE reads."""
    channels = t[TensorColumn.CHANNELS]
    if n[Nest.MIXES_CHANNELS]:
        return channels
    return min(channels, -(-channels * m[Map.PE_CHANNELS] // n[Nest.CHANNELS]))


@kernel
def is_view(n: Ints, t: Ints) -> bool:
    """Whether the nest reads the source under other dimensions than it was written in."""
    wanted = n[Nest.IN_CHANNELS] * n[Nest.GROUPS]
    return bool(n[Nest.MIXES_CHANNELS] and wanted != t[TensorColumn.CHANNELS])


@kernel
def place_source(n: Ints, d: Design, m: Ints, t: Ints, p: Ints) -> None:
    """Enter bytes to move and bytes of the copy for a source that is on the chip."""
    m[Map.SOURCE_FROM_DRAM] = 0
    m[Map.MOVE_BYTES] = 0
    m[Map.SOURCE_BYTES] = 0
    if d.pes_x * d.pes_y == 1:
        return
    height, width = t[TensorColumn.ROWS], t[TensorColumn.COLUMNS]
    channels = t[TensorColumn.CHANNELS]
    if is_view(n, t):
        m[Map.MOVE_BYTES] = height * width * channels
        m[Map.SOURCE_BYTES] = m[Map.MOVE_BYTES]
        return
    rows_of = splits_along(d, m, Split.ROWS)
    columns_of = splits_along(d, m, Split.COLUMNS)
    part, stride, extent = m[Map.PE_ROWS], n[Nest.STRIDE_ROWS], n[Nest.EXTENT_ROWS]
    needed = _needed(rows_of, part, stride, extent, n[Nest.PAD_ROWS], height)
    own = _overlap(rows_of, part, stride, extent, n[Nest.PAD_ROWS], p[Place.ROWS], height)
    part, stride, extent = m[Map.PE_COLUMNS], n[Nest.STRIDE_COLUMNS], n[Nest.EXTENT_COLUMNS]
    needed_columns = _needed(columns_of, part, stride, extent, n[Nest.PAD_COLUMNS], width)
    own_columns = _overlap(
        columns_of, part, stride, extent, n[Nest.PAD_COLUMNS], p[Place.COLUMNS], width
    )
    tile = source_rows(n, m[Map.PE_ROWS], height) * source_columns(n, m[Map.PE_COLUMNS], width)
    tile *= source_channels(n, m, t)
    if same_layout(n, m, t, p):
        m[Map.MOVE_BYTES] = (needed * needed_columns - own * own_columns) * channels
        m[Map.SOURCE_BYTES] = max(0, tile - p[Place.BYTES]) if m[Map.MOVE_BYTES] else 0
        if m[Map.MOVE_BYTES]:
            m[Map.SOURCE_BYTES] = max(m[Map.SOURCE_BYTES], 1)
    else:
        m[Map.MOVE_BYTES] = needed * needed_columns * channels
        m[Map.SOURCE_BYTES] = tile


@kernel
def place_second(n: Ints, d: Design, m: Ints, t: Ints, p: Ints) -> None:
    """The same for the second operand of an elementwise nest."""
    m[Map.SECOND_FROM_DRAM] = 0
    m[Map.SECOND_MOVE_BYTES] = 0
    m[Map.SECOND_BYTES] = 0
    if d.pes_x * d.pes_y == 1:
        return
    aligned = (
        same_layout(n, m, t, p)
        and p[Place.ROWS] == m[Map.PE_ROWS]
        and p[Place.COLUMNS] == m[Map.PE_COLUMNS]
        and t[TensorColumn.ROWS] == n[Nest.ROWS]
        and t[TensorColumn.COLUMNS] == n[Nest.COLUMNS]
    )
    if not aligned:
        m[Map.SECOND_MOVE_BYTES] = (
            t[TensorColumn.ROWS] * t[TensorColumn.COLUMNS] * t[TensorColumn.CHANNELS]
        )
        m[Map.SECOND_BYTES] = second_tile(n, m, t, m[Map.PE_ROWS])


@kernel
def second_tile(n: Ints, m: Ints, t: Ints, rows: int) -> int:
    """Bytes of the second operand that a tile of so many rows reads in a PE."""
    return (
        min(t[TensorColumn.ROWS], rows)
        * min(t[TensorColumn.COLUMNS], m[Map.PE_COLUMNS])
        * source_channels(n, m, t)
    )

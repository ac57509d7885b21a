"""How a nest gets its operands: in place, over the bus from other PEs, or from DRAM."""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import kernel
from apollo.compiler.kernels.tiling import Design, splits_along
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
    CHANNELS = 7  # consecutive ones; 0 where a PE has some of every group
    FORCED_OUT = 8  # must live in DRAM
    STORED = 9  # a part of it is in DRAM


PLACES = len(Place)


@kernel
def _reads(
    count: int, part: int, total: int, own: int, size: int, window: tuple[int, int, int, int, int]
) -> tuple[int, int, int, int]:
    """What consumers of `part` of `total` outputs each read of a dimension, and have already.

    Elements read (shared ones counted again), those held by who reads them, the most that one
    reads, the most that one lacks. `window` is stride, extent, padding, outputs of an image, skip
    between images.
    """
    stride, extent, pad, image, skip = window
    reads, owned, most, lacks = 0, 0, 0, 0
    for i in range(min(count, (total + part - 1) // part)):
        begin, end = i * part, min(total, i * part + part) - 1
        first, last = begin * stride - pad, end * stride - pad + extent
        if skip != 0:
            first += begin // image * skip
            last += end // image * skip
        first, last = max(0, first), min(size, last)
        wanted = max(0, last - first)
        here = max(0, min(last, (i + 1) * own) - max(first, i * own))
        reads += wanted
        owned += here
        most = max(most, wanted)
        lacks = max(lacks, wanted - here)
    return reads, owned, most, lacks


@kernel
def same_layout(n: Ints, m: Ints, t: Ints, p: Ints) -> bool:
    """Whether the PEs hold the channels they need, and rows and columns by the same split."""
    if p[Place.SPLIT_X] != m[Map.SPLIT_X] or p[Place.SPLIT_Y] != m[Map.SPLIT_Y]:
        return False
    divided = m[Map.SPLIT_X] == Split.CHANNELS or m[Map.SPLIT_Y] == Split.CHANNELS
    if n[Nest.MIXES_CHANNELS]:
        return not divided
    one_to_one = t[TensorColumn.CHANNELS] == n[Nest.CHANNELS]
    return not divided or (one_to_one and p[Place.CHANNELS] == m[Map.PE_CHANNELS])


@kernel
def source_channels(n: Ints, m: Ints, t: Ints) -> int:
    """Channels of the source that a PE reads."""
    channels = t[TensorColumn.CHANNELS]
    if n[Nest.MIXES_CHANNELS] or n[Nest.WHOLE_CHANNELS]:
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
    reads, owned, most, lacks = _reads(
        splits_along(d, m, Split.ROWS),
        m[Map.PE_ROWS],
        n[Nest.ROWS],
        p[Place.ROWS],
        height,
        (
            n[Nest.STRIDE_ROWS],
            n[Nest.EXTENT_ROWS],
            n[Nest.PAD_ROWS],
            n[Nest.IMAGE_ROWS],
            n[Nest.SKIP_ROWS],
        ),
    )
    reads_columns, owned_columns, most_columns, lacks_columns = _reads(
        splits_along(d, m, Split.COLUMNS),
        m[Map.PE_COLUMNS],
        n[Nest.COLUMNS],
        p[Place.COLUMNS],
        width,
        (n[Nest.STRIDE_COLUMNS], n[Nest.EXTENT_COLUMNS], n[Nest.PAD_COLUMNS], 1, 0),
    )
    moved, copied = reads * reads_columns, most * most_columns
    if same_layout(n, m, t, p):
        moved -= owned * owned_columns
        copied -= (most - lacks) * (most_columns - lacks_columns)
    m[Map.MOVE_BYTES] = moved * channels
    m[Map.SOURCE_BYTES] = copied * source_channels(n, m, t)


@kernel
def place_second(n: Ints, d: Design, m: Ints, t: Ints, p: Ints) -> None:
    """The same for the second operand of an elementwise nest; its columns in `m` are zero."""
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

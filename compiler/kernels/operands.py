"""How a nest gets its operands: in place, over the bus from other PEs, or from DRAM."""

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import Opcode
from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.compiler.kernels.parts import (
    blocks_along,
    read_columns,
    read_rows,
    reads_all_channels,
    source_channels,
)
from apollo.compiler.tables import (
    FILLED_BASE,
    IN_ORDER,
    From,
    Map,
    Nest,
    Place,
    Split,
    TensorColumn,
    Unit,
)

Ints = npt.NDArray[np.int64]

_NONE = int(Split.NONE)

_ADD = int(Opcode.ADD)


@bare_inlined
def wanted_split(n: Ints, d: Ints, m: Ints, axis: int, pes: int) -> int:
    """How the source must be split along an axis of PEs to be read in place."""
    split = m[axis]
    if d[pes] == 1 or (split == Split.CHANNELS and reads_all_channels(n)):
        return _NONE
    return split


@bare_inlined
def _splits_agree(n: Ints, d: Ints, m: Ints, p: Ints) -> bool:
    across = wanted_split(n, d, m, Map.SPLIT_X, Unit.PES_X)
    down = wanted_split(n, d, m, Map.SPLIT_Y, Unit.PES_Y)
    return p[Place.SPLIT_X] == across and p[Place.SPLIT_Y] == down


@bare_inlined
def _meets(
    blocks: int, part: int, own: int, window: tuple[int, int, int], margins: tuple[int, int]
) -> bool:
    """Whether the part of a PE and its margins are what it reads; `window`: stride, extent, pad."""
    if blocks == 1:
        return True
    stride, extent, pad = window
    if pad < 0 or pad > margins[0] or own != part * stride:
        return False
    return (part - 1) * stride + extent - pad <= own + margins[1]


@bare_inlined
def _leaves(blocks: int, outputs: int, part: int, size: int, window: tuple[int, int, int]) -> bool:
    """Whether a PE reads what it does not hold: of its neighbours, or around the tensor."""
    stride, extent, pad = window
    if pad > 0 or (outputs - 1) * stride + extent - pad > size:
        return True
    return blocks > 1 and extent - pad > stride


@bare_inlined
def _lacking_of(length: int, part: int, before: int, behind: int, first: bool, last: bool) -> int:
    """The same for one PE's part: what those before it and behind it want."""
    head = 0 if first else min(behind, length)
    tail = 0 if last else max(0, length - max(0, part - before))
    return min(length, head + tail)


@bare_inlined
def lacking(size: int, blocks: int, part: int, before: int, behind: int) -> int:
    """Rows of a tensor that some PE's box has and that PE does not hold."""
    held = (size + part - 1) // part
    rest = size - (held - 1) * part
    count = _lacking_of(rest, part, before, behind, held == 1, held == blocks)
    if held > 1:
        count += _lacking_of(part, part, before, behind, True, False)
        count += (held - 2) * _lacking_of(part, part, before, behind, False, False)
    return count


@bare_inlined
def halo_bytes(t: Ints, d: Ints, p: Ints) -> int:
    """Bytes of an image that cross the bus when all margins of a placed tensor are filled."""
    down, across = 1, 1
    for axis, pes in ((Place.SPLIT_X, Unit.PES_X), (Place.SPLIT_Y, Unit.PES_Y)):
        if p[axis] == Split.ROWS:
            down *= d[pes]
        elif p[axis] == Split.COLUMNS:
            across *= d[pes]
    rows = wide = 0
    if down > 1:
        rows = lacking(
            t[TensorColumn.ROWS], down, p[Place.ROWS], t[TensorColumn.TOP], t[TensorColumn.BOTTOM]
        )
    if across > 1:
        wide = lacking(
            t[TensorColumn.COLUMNS],
            across,
            p[Place.COLUMNS],
            t[TensorColumn.LEFT],
            t[TensorColumn.RIGHT],
        )
    positions = rows * t[TensorColumn.COLUMNS] + t[TensorColumn.ROWS] * wide - rows * wide
    return positions * t[TensorColumn.CHANNELS] * t[TensorColumn.WIDTH]


@bare_inlined
def tensor_bytes(t: Ints) -> int:
    """Bytes of an image of a tensor."""
    return (
        t[TensorColumn.ROWS]
        * t[TensorColumn.COLUMNS]
        * t[TensorColumn.CHANNELS]
        * t[TensorColumn.WIDTH]
    )


@bare_inlined
def is_stretched(n: Ints, t: Ints, dimension: int) -> bool:
    """Whether a second operand is repeated along a dimension of the nest (a Split)."""
    if dimension == Split.ROWS:
        return t[TensorColumn.ROWS] == 1 and n[Nest.ROWS] > 1
    if dimension == Split.COLUMNS:
        return t[TensorColumn.COLUMNS] == 1 and n[Nest.COLUMNS] > 1
    return t[TensorColumn.CHANNELS] == 1 and n[Nest.CHANNELS] > 1


@bare_inlined
def second_rows(n: Ints, t: Ints, rows: int) -> int:
    """Rows of the second operand that a tile of so many rows reads."""
    return 1 if is_stretched(n, t, Split.ROWS) else (rows - 1) * n[Nest.STRIDE_ROWS] + 1


@bare_inlined
def _narrowed(first: int, count: int, size: int, p: Ints) -> tuple[int, int]:
    """First and number of the rows that a copy moves, of these; from 0 on where PEs divide them."""
    low = max(0, first)
    if p[Place.SPLIT_X] == Split.ROWS or p[Place.SPLIT_Y] == Split.ROWS:
        low = 0
    high = min(size, first + count)
    return (low, high - low) if low < high else (0, size)  # padding alone comes with a row as well


@bare_inlined
def moved_rows(n: Ints, t: Ints, p: Ints) -> tuple[int, int]:
    """First and number of the source's rows that a copy moves: a nest may read some of them."""
    if n[Nest.PERMUTATION] != IN_ORDER:
        return 0, t[TensorColumn.ROWS]
    return _narrowed(-n[Nest.PAD_ROWS], read_rows(n, n[Nest.ROWS]), t[TensorColumn.ROWS], p)


@bare_inlined
def moved_second_rows(n: Ints, t: Ints, p: Ints) -> tuple[int, int]:
    """The same for the second operand."""
    if is_stretched(n, t, Split.ROWS):
        return 0, 1
    return _narrowed(n[Nest.SECOND_ROW], second_rows(n, t, n[Nest.ROWS]), t[TensorColumn.ROWS], p)


@bare_inlined
def _row_bytes(t: Ints) -> int:
    return t[TensorColumn.COLUMNS] * t[TensorColumn.CHANNELS] * t[TensorColumn.WIDTH]


@bare_kernel
def find_source(n: Ints, d: Ints, m: Ints, t: Ints, p: Ints) -> None:
    """Enter where the source comes from, what must move for an image, and bytes of a copy."""
    m[Map.MOVE_BYTES] = 0
    m[Map.SOURCE_BYTES] = 0
    if not p[Place.ON_CHIP]:
        m[Map.SOURCE_FROM] = From.DRAM
        return
    down = (n[Nest.STRIDE_ROWS], n[Nest.EXTENT_ROWS], n[Nest.PAD_ROWS])
    across = (n[Nest.STRIDE_COLUMNS], n[Nest.EXTENT_COLUMNS], n[Nest.PAD_COLUMNS])
    bands, strips = blocks_along(d, m, Split.ROWS), blocks_along(d, m, Split.COLUMNS)
    in_place = (
        n[Nest.PERMUTATION] == IN_ORDER
        and _splits_agree(n, d, m, p)
        and _meets(
            bands,
            m[Map.PE_ROWS],
            p[Place.ROWS],
            down,
            (t[TensorColumn.TOP], t[TensorColumn.BOTTOM]),
        )
        and _meets(
            strips,
            m[Map.PE_COLUMNS],
            p[Place.COLUMNS],
            across,
            (t[TensorColumn.LEFT], t[TensorColumn.RIGHT]),
        )
    )
    if in_place and blocks_along(d, m, Split.CHANNELS) > 1 and not reads_all_channels(n):
        in_place = p[Place.CHANNELS] == source_channels(n, m)
    if not in_place:
        m[Map.SOURCE_FROM] = From.COPY
        m[Map.MOVE_BYTES] = moved_rows(n, t, p)[1] * _row_bytes(t)
        read = read_rows(n, m[Map.PE_ROWS]) * read_columns(n, m) * source_channels(n, m)
        m[Map.SOURCE_BYTES] = n[Nest.IMAGES] * read * t[TensorColumn.WIDTH]
        return
    m[Map.SOURCE_FROM] = From.PLACE
    leaves = _leaves(bands, n[Nest.ROWS], m[Map.PE_ROWS], t[TensorColumn.ROWS], down) or _leaves(
        strips, n[Nest.COLUMNS], m[Map.PE_COLUMNS], t[TensorColumn.COLUMNS], across
    )
    if leaves and p[Place.FILLED] != FILLED_BASE + n[Nest.FILL]:
        m[Map.SOURCE_FROM] = From.HALO
        m[Map.MOVE_BYTES] = halo_bytes(t, d, p)


@bare_inlined
def second_columns(n: Ints, m: Ints, t: Ints) -> int:
    """Columns of the second operand that a PE reads."""
    if is_stretched(n, t, Split.COLUMNS):
        return 1
    return (m[Map.PE_COLUMNS] - 1) * n[Nest.STRIDE_COLUMNS] + 1


@bare_inlined
def second_channels(n: Ints, m: Ints, t: Ints) -> int:
    """Channels of the second operand that a PE reads."""
    return 1 if is_stretched(n, t, Split.CHANNELS) else m[Map.PE_CHANNELS]


@bare_inlined
def second_bytes(n: Ints, m: Ints, t: Ints, rows: int) -> int:
    """Bytes of the second operand that a tile of so many rows reads in a PE."""
    if n[Nest.DYNAMIC]:
        return tensor_bytes(t)
    positions = second_rows(n, t, rows) * second_columns(n, m, t)
    return positions * second_channels(n, m, t) * t[TensorColumn.WIDTH]


@bare_kernel
def find_second(n: Ints, d: Ints, m: Ints, t: Ints, p: Ints) -> None:
    """The same for the second operand of an elementwise nest."""
    m[Map.SECOND_MOVE_BYTES] = 0
    m[Map.SECOND_BYTES] = 0
    if not p[Place.ON_CHIP]:
        m[Map.SECOND_FROM] = From.DRAM
        return
    if n[Nest.DYNAMIC]:
        # Read where it is, by moves to the cores.
        m[Map.SECOND_FROM] = From.PLACE
        m[Map.SECOND_MOVE_BYTES] = tensor_bytes(t)
        return
    in_place = _splits_agree(n, d, m, p)
    for split, part, own in (
        (Split.ROWS, Map.PE_ROWS, Place.ROWS),
        (Split.COLUMNS, Map.PE_COLUMNS, Place.COLUMNS),
        (Split.CHANNELS, Map.PE_CHANNELS, Place.CHANNELS),
    ):
        if blocks_along(d, m, split) > 1 and (m[part] != p[own] or is_stretched(n, t, split)):
            in_place = False
    # What steps over the second operand, or skips some of it, reads it whole.
    skips = n[Nest.SECOND_ROW] > 0 or n[Nest.STRIDE_ROWS] > 1
    if skips and blocks_along(d, m, Split.ROWS) > 1:
        in_place = False
    skips = n[Nest.SECOND_COLUMN] > 0 or n[Nest.STRIDE_COLUMNS] > 1
    if skips and blocks_along(d, m, Split.COLUMNS) > 1:
        in_place = False
    m[Map.SECOND_FROM] = From.PLACE
    if not in_place:
        m[Map.SECOND_FROM] = From.COPY
        m[Map.SECOND_MOVE_BYTES] = moved_second_rows(n, t, p)[1] * _row_bytes(t)
        m[Map.SECOND_BYTES] = t[TensorColumn.IMAGES] * second_bytes(n, m, t, m[Map.PE_ROWS])

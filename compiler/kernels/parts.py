"""Parts of a nest: what every PE and core computes under a split."""

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import Opcode
from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.compiler.tables import Map, Nest, Place, Split, TensorColumn, Unit

Ints = npt.NDArray[np.int64]

# Ways to choose the rows and columns of a PE: the latter two for windows that step further on.
NATURAL, INHERITED, STEPPED, ALIGNED = range(4)
VARIANTS = 4
_SPARSE = int(Opcode.CONVOLVE_SPARSE)


@bare_inlined
def ceil_div(a: int, b: int) -> int:
    """Quotient, rounded up."""
    return (a + b - 1) // b


@bare_inlined
def opcode_of(n: Ints, m: Ints) -> int:
    """The instruction that computes the nest."""
    return _SPARSE if m[Map.SPARSE] else n[Nest.OPCODE]


@bare_inlined
def blocks_along(d: Ints, m: Ints, split: int) -> int:
    """PEs that divide that dimension of the nest."""
    count = 1
    if m[Map.SPLIT_X] == split:
        count *= d[Unit.PES_X]
    if m[Map.SPLIT_Y] == split:
        count *= d[Unit.PES_Y]
    return count


@bare_inlined
def sharers(d: Ints, m: Ints) -> int:
    """Cores that divide the channels of a PE."""
    return d[Unit.CORES] if m[Map.SPLIT_CORES] == Split.CHANNELS else 1


@bare_inlined
def _part(total: int, blocks: int, variant: int, align: int, inherited: int) -> int:
    """Outputs of a PE along rows or columns; 0 where the variant is no other than the natural."""
    natural = (total + blocks - 1) // blocks
    if variant == NATURAL or blocks == 1:
        return natural
    part = inherited if variant == INHERITED else (natural + align - 1) // align * align
    if part * blocks < total or part > min(total, 2 * natural):
        return natural
    return part


@bare_inlined
def _inherited(p: Ints, own: int, stride: int) -> int:
    """Outputs of a PE if it reads just the part of the source that it holds."""
    return p[own] // stride if p[Place.ON_CHIP] and p[own] % stride == 0 else 0


@bare_inlined
def _alignment(full: int, step: int, variant: int) -> int:
    """What a part is to be a multiple of; without a step to come, of the least that helps later."""
    if variant == ALIGNED:
        return full
    return step if step > 1 else min(full, 2)


@bare_inlined
def _is_stepped(result: Ints) -> bool:
    """Whether full alignment is no other than that to the next step."""
    return bool(
        result[TensorColumn.ALIGN_ROWS] == result[TensorColumn.STEP_ROWS]
        and result[TensorColumn.ALIGN_COLUMNS] == result[TensorColumn.STEP_COLUMNS]
    )


@bare_inlined
def may_differ(result: Ints, variant: int) -> bool:
    """Whether a variant can be another than those before it, whatever the split."""
    if variant == ALIGNED and _is_stepped(result):
        return False
    rows = _alignment(result[TensorColumn.ALIGN_ROWS], result[TensorColumn.STEP_ROWS], variant)
    columns = _alignment(
        result[TensorColumn.ALIGN_COLUMNS], result[TensorColumn.STEP_COLUMNS], variant
    )
    return variant <= INHERITED or rows > 1 or columns > 1


@bare_kernel
def share_out(n: Ints, d: Ints, m: Ints, source: Ints, result: Ints, variant: int) -> bool:
    """Enter the parts of a PE and core for the splits in `m`; false where a variant is no new one.

    `source` is the place of the source, `result` the row of the destination's table.
    """
    down, across = blocks_along(d, m, Split.ROWS), blocks_along(d, m, Split.COLUMNS)
    m[Map.PE_ROWS] = _part(
        n[Nest.ROWS],
        down,
        variant,
        _alignment(result[TensorColumn.ALIGN_ROWS], result[TensorColumn.STEP_ROWS], variant),
        _inherited(source, Place.ROWS, n[Nest.STRIDE_ROWS]),
    )
    m[Map.PE_COLUMNS] = _part(
        n[Nest.COLUMNS],
        across,
        variant,
        _alignment(result[TensorColumn.ALIGN_COLUMNS], result[TensorColumn.STEP_COLUMNS], variant),
        _inherited(source, Place.COLUMNS, n[Nest.STRIDE_COLUMNS]),
    )
    owners = blocks_along(d, m, Split.CHANNELS)
    sharing = sharers(d, m)
    if n[Nest.WHOLE_ROWS]:
        m[Map.PE_ROWS] = n[Nest.ROWS]
    m[Map.PE_GROUPS] = n[Nest.GROUPS]
    each = n[Nest.CHANNELS]
    if n[Nest.GROUPS] > 1:
        m[Map.PE_GROUPS] = ceil_div(n[Nest.GROUPS], owners)
        m[Map.CORE_CHANNELS] = ceil_div(each, sharing)
    else:
        m[Map.CORE_CHANNELS] = ceil_div(each, owners * sharing)
        each = min(each, m[Map.CORE_CHANNELS] * sharing)
        held = source[Place.CHANNELS]
        inherits = variant == INHERITED and owners > 1 and not n[Nest.MIXES_CHANNELS]
        if inherits and source[Place.ON_CHIP] and held * owners >= n[Nest.CHANNELS] and held > 0:
            m[Map.CORE_CHANNELS] = ceil_div(held, sharing)
            each = held
    m[Map.PE_CHANNELS] = each * m[Map.PE_GROUPS]
    if variant == NATURAL:
        return True
    differs = m[Map.PE_ROWS] != ceil_div(n[Nest.ROWS], down)
    differs |= m[Map.PE_COLUMNS] != ceil_div(n[Nest.COLUMNS], across)
    if n[Nest.GROUPS] == 1:
        natural = ceil_div(n[Nest.CHANNELS], owners * sharing)
        differs |= each != min(n[Nest.CHANNELS], natural * sharing)
    return bool(differs)


@bare_inlined
def group_channels(m: Ints) -> int:
    """Output channels of a group in a PE."""
    return m[Map.PE_CHANNELS] // m[Map.PE_GROUPS]


@bare_inlined
def source_channels(n: Ints, m: Ints) -> int:
    """Channels of the source that a PE reads."""
    last = n[Nest.IN_CHANNELS] if n[Nest.MIXES_CHANNELS] else m[Map.PE_CHANNELS] // m[Map.PE_GROUPS]
    return (m[Map.PE_GROUPS] - 1) * n[Nest.SOURCE_STEP] + last


@bare_inlined
def reads_all_channels(n: Ints) -> bool:
    """Whether every PE reads the same channels, whatever it computes."""
    return n[Nest.MIXES_CHANNELS] > 0 and n[Nest.GROUPS] == 1


@bare_inlined
def read_rows(n: Ints, rows: int) -> int:
    """Source rows that so many output rows read."""
    return (rows - 1) * n[Nest.STRIDE_ROWS] + n[Nest.EXTENT_ROWS]


@bare_inlined
def read_columns(n: Ints, m: Ints) -> int:
    """Source columns that a PE reads."""
    return (m[Map.PE_COLUMNS] - 1) * n[Nest.STRIDE_COLUMNS] + n[Nest.EXTENT_COLUMNS]


@bare_inlined
def keeps_rows_whole(n: Ints, t: Ints) -> bool:
    """Whether the nest writes some rows of its destination, one after the other."""
    return n[Nest.ROWS] * n[Nest.RESULT_ROWS] != t[TensorColumn.ROWS]


@bare_inlined
def keeps_columns_whole(n: Ints, t: Ints) -> bool:
    """The same for columns."""
    return n[Nest.COLUMNS] * n[Nest.RESULT_COLUMNS] != t[TensorColumn.COLUMNS]


@bare_inlined
def may_stay(n: Ints, d: Ints, m: Ints, t: Ints) -> bool:
    """Whether the result can be put together on the chip: in the PEs that have all of a part."""
    if keeps_rows_whole(n, t) and blocks_along(d, m, Split.ROWS) > 1:
        return False
    return not keeps_columns_whole(n, t) or blocks_along(d, m, Split.COLUMNS) == 1


@bare_inlined
def held_rows(n: Ints, m: Ints, t: Ints) -> int:
    """Rows of the destination's slice in a PE."""
    if keeps_rows_whole(n, t):
        return t[TensorColumn.ROWS]
    return m[Map.PE_ROWS] * n[Nest.RESULT_ROWS]


@bare_inlined
def held_columns(n: Ints, m: Ints, t: Ints) -> int:
    """Columns of the destination's slice in a PE."""
    if keeps_columns_whole(n, t):
        return t[TensorColumn.COLUMNS]
    return m[Map.PE_COLUMNS] * n[Nest.RESULT_COLUMNS]


@bare_inlined
def held_channels(n: Ints, m: Ints, t: Ints) -> int:
    """Channels of the destination's slice in a PE: all, where the nest writes a part of them."""
    if n[Nest.CHANNELS] * n[Nest.GROUPS] == t[TensorColumn.CHANNELS]:
        return m[Map.PE_CHANNELS]
    return t[TensorColumn.CHANNELS]


@bare_inlined
def slice_bytes(t: Ints, rows: int, columns: int, channels: int) -> int:
    """A PE's slice of a tensor, margins and all images included."""
    tall = rows + t[TensorColumn.TOP] + t[TensorColumn.BOTTOM]
    wide = columns + t[TensorColumn.LEFT] + t[TensorColumn.RIGHT]
    return t[TensorColumn.IMAGES] * tall * wide * channels * t[TensorColumn.WIDTH]

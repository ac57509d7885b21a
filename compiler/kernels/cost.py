"""What a mapped nest costs: cycles of computing, bytes on the channel and on the bus."""

import numpy as np
import numpy.typing as npt

from apollo.arch.cycles import tile_cycles
from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.arch.operands import ComputeFlag
from apollo.compiler.kernels.operands import second_rows
from apollo.compiler.kernels.parameters import channel_bytes, has_parameters, load_bytes, tiles_of
from apollo.compiler.kernels.parts import (
    blocks_along,
    ceil_div,
    keeps_columns_whole,
    opcode_of,
    read_rows,
)
from apollo.compiler.kernels.tiling import time_tiles
from apollo.compiler.tables import IN_ORDER, From, Map, Nest, Split, TensorColumn, Unit

Ints = npt.NDArray[np.int64]

BURST = 256  # bytes
_ACCUMULATE, _PARTIAL = int(ComputeFlag.ACCUMULATE), int(ComputeFlag.PARTIAL)


@bare_inlined
def core_positions(d: Ints, m: Ints, rows: int) -> int:
    """Output positions of the busiest core in a tile of so many rows."""
    positions = rows * m[Map.PE_COLUMNS]
    if m[Map.SPLIT_CORES] == Split.ROWS:
        return (positions + d[Unit.CORES] - 1) // d[Unit.CORES]
    return positions


@bare_inlined
def _tile_cycles(n: Ints, d: Ints, m: Ints, inputs: int, flags: int) -> int:
    """Cycles of a tile of so many inputs; the last rows and channels as many as in the others."""
    return tile_cycles(
        opcode_of(n, m),
        core_positions(d, m, m[Map.TILE_ROWS]),
        inputs,
        m[Map.TILE_CHANNELS],
        n[Nest.TAPS],
        n[Nest.FLAGS] | flags,
        ceil_div(m[Map.STEPS], tiles_of(m)) if m[Map.SPARSE] else 0,
        d[Unit.LANES],
    )


@bare_inlined
def compute_cycles(n: Ints, d: Ints, m: Ints) -> int:
    """Cycles of all tiles."""
    before = m[Map.INPUT_TILES] - 1
    rest = n[Nest.IN_CHANNELS] - before * m[Map.TILE_INPUTS]
    cycles = _tile_cycles(n, d, m, rest, _ACCUMULATE if before else 0)
    if before:
        cycles += before * _tile_cycles(n, d, m, m[Map.TILE_INPUTS], _ACCUMULATE | _PARTIAL)
    return cycles * m[Map.PE_GROUPS] * m[Map.CHANNEL_TILES] * time_tiles(n, m)


@bare_inlined
def least_cycles(n: Ints, d: Ints, m: Ints) -> int:
    """No more than the cycles with any tiles of parameters, for the tiles of rows that `m` has."""
    cycles = tile_cycles(
        opcode_of(n, m),
        core_positions(d, m, m[Map.TILE_ROWS]),
        n[Nest.IN_CHANNELS],
        m[Map.CORE_CHANNELS],
        n[Nest.TAPS],
        n[Nest.FLAGS],
        0,
        d[Unit.LANES],
    )
    return cycles * m[Map.PE_GROUPS] * time_tiles(n, m)


@bare_inlined
def _segments(n: Ints, d: Ints, m: Ints) -> int:
    """Contiguous pieces of all transfers of whole rows: a row tile of parts has one for each."""
    if m[Map.ROW_TILES] == 1 or m[Map.BANDED]:
        return time_tiles(n, m)
    return time_tiles(n, m) * blocks_along(d, m, Split.ROWS)


@bare_inlined
def _operand_bytes(n: Ints, d: Ints, m: Ints, t: Ints, read: int, tile: int) -> int:
    """Bytes of an operand that cross the channel.

    The nest reads `read` rows of it, padding included, a tile reads `tile` of them in a PE.
    """
    rows = min(read, t[TensorColumn.ROWS])
    if m[Map.ROW_TILES] > 1:
        bands = blocks_along(d, m, Split.ROWS)
        if m[Map.BANDED] or bands == 1:
            shared = max(0, tile - m[Map.TILE_ROWS] * n[Nest.STRIDE_ROWS])
            rows += (m[Map.ROW_TILES] - 1) * shared
        else:
            rows = m[Map.ROW_TILES] * tile * min(bands, ceil_div(n[Nest.ROWS], m[Map.PE_ROWS]))
    row = t[TensorColumn.COLUMNS] * t[TensorColumn.CHANNELS] * t[TensorColumn.WIDTH]
    return n[Nest.IMAGES] * rows * row + _segments(n, d, m) * BURST // 2


@bare_inlined
def parameter_bytes(n: Ints, d: Ints, m: Ints) -> int:
    """Bytes of all parameters that are loaded in one pass, padding of blocks included."""
    if not has_parameters(n):
        return 0
    if not n[Nest.WEIGHTS]:
        return n[Nest.TABLE_BYTES]
    if m[Map.SPARSE]:
        return m[Map.LOAD_BYTES]
    each = channel_bytes(n, n[Nest.IN_CHANNELS], True)
    if n[Nest.GROUPS] == 1:
        return n[Nest.CHANNELS] * each
    return m[Map.PE_GROUPS] * load_bytes(n, d, m, 0, 0, m[Map.CORE_CHANNELS], each)


@bare_inlined
def moved_bytes(n: Ints, m: Ints) -> int:
    """Bytes that cross the activation bus to bring operands to where they are read."""
    return n[Nest.IMAGES] * (m[Map.MOVE_BYTES] + m[Map.SECOND_MOVE_BYTES])


@bare_kernel
def loaded_bytes(n: Ints, d: Ints, m: Ints, tensors: Ints) -> int:
    """Bytes of operands that come from DRAM, half of a burst for the end of each piece included."""
    moved = 0
    if m[Map.SOURCE_FROM] == From.DRAM:
        source = tensors[n[Nest.SOURCE]]
        is_in_order = n[Nest.PERMUTATION] == IN_ORDER
        read = read_rows(n, n[Nest.ROWS]) if is_in_order else source[TensorColumn.ROWS]
        moved += _operand_bytes(n, d, m, source, read, read_rows(n, m[Map.TILE_ROWS]))
    if m[Map.SECOND_FROM] == From.DRAM:
        second = tensors[n[Nest.SECOND]]
        read, tile = second_rows(n, second, n[Nest.ROWS]), second_rows(n, second, m[Map.TILE_ROWS])
        moved += _operand_bytes(n, d, m, second, read, tile)
    return moved


@bare_inlined
def stored_bytes(n: Ints, d: Ints, m: Ints, tensors: Ints) -> int:
    """Bytes of the result that go to DRAM; what is a part of a row has its own bursts."""
    if not m[Map.TO_DRAM]:
        return 0
    t = tensors[n[Nest.DESTINATION]]
    channels = n[Nest.CHANNELS] * n[Nest.GROUPS]
    size = channels * t[TensorColumn.WIDTH]
    pieces = n[Nest.IMAGES] * n[Nest.ROWS] * n[Nest.COLUMNS]
    if channels == n[Nest.RESULT_COLUMNS] * t[TensorColumn.CHANNELS]:
        size *= n[Nest.COLUMNS]
        pieces = n[Nest.IMAGES] * n[Nest.ROWS]
        if n[Nest.RESULT_ROWS] == 1 and not keeps_columns_whole(n, t):
            return pieces * size + _segments(n, d, m) * BURST // 2
    return pieces * ceil_div(size, BURST) * BURST

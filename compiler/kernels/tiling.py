"""Row tiles of a nest and the PE memory that they take."""

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import BYTES_OF, Opcode
from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.compiler.kernels.operands import second_bytes
from apollo.compiler.kernels.parameters import FREE, has_parameters, tiles_of
from apollo.compiler.kernels.parts import (
    blocks_along,
    ceil_div,
    group_channels,
    held_channels,
    held_columns,
    held_rows,
    opcode_of,
    read_columns,
    read_rows,
    sharers,
    slice_bytes,
    source_channels,
)
from apollo.compiler.tables import (
    IN_ORDER,
    NO_TENSOR,
    From,
    Map,
    Nest,
    Resource,
    Split,
    TensorColumn,
    Unit,
)

Ints = npt.NDArray[np.int64]
_INSTRUCTION_MEMORY = int(Resource.INSTRUCTION_MEMORY)
_PE_MEMORY = int(Resource.PE_MEMORY)

BUFFERS = 2  # of a stream that is tiled
PARTIAL_SUM_BYTES = 4
_IMPOSSIBLE = 1 << 60
_LOAD = int(BYTES_OF[Opcode.LOAD_PARAMETERS])
_TRANSFER = int(BYTES_OF[Opcode.LOAD_ACTIVATIONS])
_MOVE = int(BYTES_OF[Opcode.MOVE])
_BYTES_OF = BYTES_OF.copy()


@bare_inlined
def streams(m: Ints) -> bool:
    """Whether anything comes from DRAM or goes there, tile by tile."""
    return bool(
        m[Map.SOURCE_FROM] == From.DRAM or m[Map.SECOND_FROM] == From.DRAM or m[Map.TO_DRAM] > 0
    )


@bare_inlined
def time_tiles(n: Ints, m: Ints) -> int:
    """Tiles of the positions, over all images."""
    return n[Nest.IMAGES] * m[Map.ROW_TILES]


@bare_inlined
def holds_parameters(n: Ints, m: Ints) -> bool:
    """Whether every tile of parameters serves all positions while it is in core memory."""
    if time_tiles(n, m) == 1 or tiles_of(m) == 1:
        return True
    return image_by_image(m)


@bare_inlined
def image_by_image(m: Ints) -> bool:
    """Whether a tile of parameters serves all images before the next one is loaded."""
    return bool(not streams(m) and m[Map.ROW_TILES] == 1)


@bare_inlined
def parameter_passes(n: Ints, m: Ints) -> int:
    """How often all parameters of the nest are loaded."""
    if not has_parameters(n):
        return 0
    return 1 if holds_parameters(n, m) else time_tiles(n, m)


@bare_inlined
def partial_channels(n: Ints, d: Ints, m: Ints, first: int, channels: int) -> int:
    """Channels below which a tile that begins at `first` computes in a PE (CHANNELS of M26)."""
    if sharers(d, m) == 1:
        return channels
    return group_channels(m) - first


@bare_inlined
def enter_memory(n: Ints, d: Ints, m: Ints, tensors: Ints, rows: int) -> int:
    """PE memory that the nest takes with tiles of so many rows; enters its parts in `m`."""
    m[Map.TILE_ROWS] = rows
    m[Map.ROW_TILES] = ceil_div(m[Map.PE_ROWS], rows)
    buffers = BUFFERS if time_tiles(n, m) > 1 else 1
    source = tensors[n[Nest.SOURCE]]
    total = m[Map.SOURCE_BYTES]
    if m[Map.SOURCE_FROM] == From.DRAM:
        positions = read_rows(n, rows) * read_columns(n, m)
        m[Map.SOURCE_BYTES] = positions * source_channels(n, m) * source[TensorColumn.WIDTH]
        total = buffers * m[Map.SOURCE_BYTES]
    if m[Map.SECOND_FROM] == From.DRAM:
        m[Map.SECOND_BYTES] = second_bytes(n, m, tensors[n[Nest.SECOND]], rows)
        total += buffers * m[Map.SECOND_BYTES]
    else:
        total += m[Map.SECOND_BYTES]
    positions = rows * m[Map.PE_COLUMNS]
    destination = tensors[n[Nest.DESTINATION]]
    if m[Map.TO_DRAM]:
        m[Map.DESTINATION_BYTES] = positions * m[Map.PE_CHANNELS] * destination[TensorColumn.WIDTH]
        total += buffers * m[Map.DESTINATION_BYTES]
    else:
        m[Map.DESTINATION_BYTES] = slice_bytes(
            destination,
            held_rows(n, m, destination),
            held_columns(n, m, destination),
            held_channels(n, m, destination),
        )
        total += m[Map.DESTINATION_BYTES]
    m[Map.PARTIAL_BYTES] = 0
    if m[Map.INPUT_TILES] > 1:
        channels = partial_channels(n, d, m, 0, m[Map.TILE_CHANNELS])
        slabs = n[Nest.IMAGES] if image_by_image(m) else 1
        m[Map.PARTIAL_BYTES] = PARTIAL_SUM_BYTES * positions * channels * slabs
        total += m[Map.PARTIAL_BYTES]
    return total


@bare_inlined
def _may_tile(n: Ints, d: Ints, m: Ints, tensors: Ints) -> bool:
    """Whether the PEs' parts may be cut into tiles of rows.

    Where a part stays on the chip and another is a stream, the segments of a transfer are the
    PEs' rows of a tile: guard rows in DRAM stand for the padding, if they hold what it wants.
    """
    if m[Map.BANDED] or blocks_along(d, m, Split.ROWS) == 1:
        return True
    if m[Map.SOURCE_FROM] == From.DRAM:
        t = tensors[n[Nest.SOURCE]]
        below = read_rows(n, n[Nest.ROWS]) - n[Nest.PAD_ROWS] - t[TensorColumn.ROWS]
        padded = n[Nest.PAD_ROWS] > 0 or below > 0
        if n[Nest.PERMUTATION] != IN_ORDER or n[Nest.PAD_ROWS] < 0:
            return False
        if t[TensorColumn.ALIAS] != NO_TENSOR or (padded and n[Nest.FILL] != t[TensorColumn.FILL]):
            return False
    if m[Map.TO_DRAM] and n[Nest.IS_PART]:
        t = tensors[n[Nest.DESTINATION]]
        whole = t[TensorColumn.CHANNELS] == n[Nest.CHANNELS] * n[Nest.GROUPS]
        whole = whole and t[TensorColumn.COLUMNS] == n[Nest.COLUMNS]
        return bool(whole and n[Nest.RESULT_ROWS] == 1)
    return True


@bare_kernel
def tile_rows(
    n: Ints, d: Ints, m: Ints, tensors: Ints, free: int, tiles: int, forced: Ints, demand: Ints
) -> bool:
    """Choose the tallest row tiles, at least `tiles`, that fit the free PE memory.

    Notes the least demand seen.
    """
    from_dram = m[Map.SOURCE_FROM] == From.DRAM
    if m[Map.SECOND_FROM] != From.NOWHERE and m[Map.SECOND_FROM] != From.DRAM:
        from_dram = False
    m[Map.BANDED] = 1 if from_dram and m[Map.TO_DRAM] else 0
    rows = m[Map.PE_ROWS]
    if _may_tile(n, d, m, tensors):
        rows = ceil_div(rows, tiles)
        if forced[Map.TILE_ROWS] != FREE:
            rows = min(m[Map.PE_ROWS], forced[Map.TILE_ROWS])
    least = _IMPOSSIBLE
    while True:
        used = enter_memory(n, d, m, tensors, rows)
        if used <= free:
            return True
        # Not always the last one: a single tile needs no second buffer.
        least = min(least, used)
        if rows == 1 or (rows == m[Map.PE_ROWS] and not _may_tile(n, d, m, tensors)):
            break
        rows = ceil_div(rows, 2)
    note(demand, _PE_MEMORY, least)
    return False


@bare_inlined
def instruction_bytes(n: Ints, m: Ints) -> int:
    """Encoded size of the nest's instructions for an image."""
    transfers = 0
    if m[Map.SOURCE_FROM] == From.DRAM:
        transfers += 1
    if m[Map.SECOND_FROM] == From.DRAM:
        transfers += 1
    if m[Map.TO_DRAM]:
        transfers += 1 if m[Map.BANDED] else 2
    moves = 0
    if m[Map.SOURCE_FROM] == From.HALO or m[Map.SOURCE_FROM] == From.COPY:
        moves += 1
    if m[Map.SECOND_FROM] == From.COPY:
        moves += 1
    tiles = tiles_of(m)
    loads = 0
    if has_parameters(n):
        loads = tiles if holds_parameters(n, m) else tiles * m[Map.ROW_TILES]
        if n[Nest.DYNAMIC]:
            moves += loads
    return (
        m[Map.ROW_TILES] * (tiles * _BYTES_OF[opcode_of(n, m)] + transfers * _TRANSFER)
        + moves * _MOVE
        + loads * _LOAD
    )


@bare_inlined
def over_instruction_memory(n: Ints, d: Ints, m: Ints, demand: Ints) -> bool:
    """Whether the nest's program is too long; notes the least demand seen."""
    m[Map.INSTRUCTION_BYTES] = instruction_bytes(n, m)
    if m[Map.INSTRUCTION_BYTES] <= d[Unit.INSTRUCTION_MEMORY_BYTES]:
        return False
    note(demand, _INSTRUCTION_MEMORY, m[Map.INSTRUCTION_BYTES])
    return True


@bare_inlined
def note(demand: Ints, resource: int, amount: int) -> None:
    """Keep the least demand by which a resource refused a candidate."""
    if demand[resource] == 0 or amount < demand[resource]:
        demand[resource] = amount

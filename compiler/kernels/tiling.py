"""Tiles of one nest under one split: what fits, what it costs (the mapping stage's inner part)."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apollo.arch.cycles import CHANNEL_GROUP, tile_cycles
from apollo.arch.isa import BYTES_OF, Opcode
from apollo.arch.jit import kernel
from apollo.compiler.tables import Map, Nest, Resource, Split

Ints = npt.NDArray[np.int64]

FITS = -1
PARAMETER_LOAD_BYTES = int(BYTES_OF[Opcode.LOAD_PARAMETERS])
TRANSFER_BYTES = int(BYTES_OF[Opcode.MOVE])  # and of loads and stores of activations
COMPUTE_BYTES = int(BYTES_OF[Opcode.CONVOLVE])
PARTIAL_SUM_BYTES = 4


class Design(NamedTuple):
    """What the compiler needs of an accelerator."""

    pes_x: int
    pes_y: int
    cores: int
    lanes: int
    pe_memory_bytes: int
    core_memory_bytes: int
    instruction_memory_bytes: int
    bus_bytes: int  # activation bus, per cycle
    dram_num: int  # DRAM bytes a cycle, exact
    dram_den: int


@kernel
def ceil_div(a: int, b: int) -> int:
    """Quotient, rounded up."""
    return (a + b - 1) // b


@kernel
def splits_along(d: Design, m: Ints, split: int) -> int:
    """PEs that divide that dimension of the nest."""
    count = 1
    if m[Map.SPLIT_X] == split:
        count *= d.pes_x
    if m[Map.SPLIT_Y] == split:
        count *= d.pes_y
    return count


@kernel
def shape_work(n: Ints, d: Design, m: Ints) -> None:
    """The busiest PE's and core's part of the nest, from the splits in `m`."""
    m[Map.ROW_SPLITS] = splits_along(d, m, Split.ROWS)
    m[Map.PE_ROWS] = ceil_div(n[Nest.ROWS], m[Map.ROW_SPLITS])
    m[Map.PE_COLUMNS] = ceil_div(n[Nest.COLUMNS], splits_along(d, m, Split.COLUMNS))
    sharers = d.cores if m[Map.SPLIT_CORES] == Split.CHANNELS else 1
    owners = splits_along(d, m, Split.CHANNELS) * sharers
    m[Map.CORE_CHANNELS] = ceil_div(n[Nest.CHANNELS], owners)
    m[Map.PE_CHANNELS] = min(n[Nest.CHANNELS], m[Map.CORE_CHANNELS] * sharers)


@kernel
def channel_bytes(n: Ints, inputs: int) -> int:
    """Parameter bytes of one output channel for that many input channels."""
    weights = 0
    if n[Nest.OPCODE] == Opcode.CONVOLVE or n[Nest.OPCODE] == Opcode.DEPTHWISE:
        weights = inputs * n[Nest.TAPS]
    return weights + n[Nest.CHANNEL_BYTES]


@kernel
def tile_parameters(n: Ints, d: Design, m: Ints, share: int) -> int:
    """Choose channel and input tiles of at most that share of core memory; FITS or the demand."""
    channels, inputs = m[Map.CORE_CHANNELS], n[Nest.IN_CHANNELS]
    least_channels = min(d.lanes, channels)
    least_inputs = min(CHANNEL_GROUP, inputs)
    budget = d.core_memory_bytes // share
    if channels * channel_bytes(n, inputs) <= budget:
        return set_tiles(n, m, channels, inputs)
    fitting = budget // channel_bytes(n, inputs) // d.lanes * d.lanes
    if fitting >= least_channels:
        return set_tiles(n, m, fitting, inputs)
    room = budget // least_channels - n[Nest.CHANNEL_BYTES]
    fitting = room // n[Nest.TAPS] // CHANNEL_GROUP * CHANNEL_GROUP
    if n[Nest.MIXES_CHANNELS] and fitting >= least_inputs:
        return set_tiles(n, m, least_channels, fitting)
    return least_channels * channel_bytes(n, least_inputs)


@kernel
def set_tiles(n: Ints, m: Ints, channels: int, inputs: int) -> int:
    """Enter tile sizes and counts."""
    m[Map.TILE_CHANNELS] = min(channels, m[Map.CORE_CHANNELS])
    m[Map.CHANNEL_TILES] = ceil_div(m[Map.CORE_CHANNELS], m[Map.TILE_CHANNELS])
    m[Map.TILE_INPUTS] = min(inputs, n[Nest.IN_CHANNELS])
    m[Map.INPUT_TILES] = ceil_div(n[Nest.IN_CHANNELS], m[Map.TILE_INPUTS])
    m[Map.CORE_BYTES] = (
        n[Nest.GROUPS] * m[Map.CORE_CHANNELS] * channel_bytes(n, n[Nest.IN_CHANNELS])
    )
    return FITS


@kernel
def source_rows(n: Ints, rows: int, limit: int) -> int:
    """Input rows that so many output rows read, at most."""
    more, skip = rows - 1, n[Nest.SKIP_ROWS]
    # Rows that go on in the next image skip what the last window of an image leaves, or repeat
    # its padding; the worst case starts at the end of an image, or at its beginning.
    images = more // n[Nest.IMAGE_ROWS] if skip < 0 else ceil_div(more, n[Nest.IMAGE_ROWS])
    return min(limit, more * n[Nest.STRIDE_ROWS] + images * skip + n[Nest.EXTENT_ROWS])


@kernel
def first_source_row(n: Ints, row: int) -> int:
    """The first input row that an output row reads, padding included."""
    images = row // n[Nest.IMAGE_ROWS]
    return row * n[Nest.STRIDE_ROWS] + images * n[Nest.SKIP_ROWS] - n[Nest.PAD_ROWS]


@kernel
def source_columns(n: Ints, columns: int, limit: int) -> int:
    """Input columns that so many output columns read."""
    return min(limit, (columns - 1) * n[Nest.STRIDE_COLUMNS] + n[Nest.EXTENT_COLUMNS])


@kernel
def core_positions(d: Design, m: Ints, rows: int) -> int:
    """Output positions of the busiest core in a tile of so many rows."""
    positions = rows * m[Map.PE_COLUMNS]
    if m[Map.SPLIT_CORES] == Split.ROWS:
        return ceil_div(positions, d.cores)
    return positions


@kernel
def parameter_loads(n: Ints, m: Ints) -> int:
    """Parameter loads of the nest: again for each row tile, unless one tile holds everything."""
    tiles = n[Nest.GROUPS] * m[Map.CHANNEL_TILES] * m[Map.INPUT_TILES]
    if channel_bytes(n, n[Nest.IN_CHANNELS]) == 0:
        return 0
    return tiles if tiles == 1 else tiles * m[Map.ROW_TILES]


@kernel
def instruction_bytes(n: Ints, m: Ints) -> int:
    """Encoded size of the nest's instructions."""
    tiles = n[Nest.GROUPS] * m[Map.CHANNEL_TILES] * m[Map.INPUT_TILES]
    transfers = m[Map.SOURCE_FROM_DRAM] + m[Map.SECOND_FROM_DRAM] + m[Map.TO_DRAM]
    moves = min(1, m[Map.MOVE_BYTES]) + min(1, m[Map.SECOND_MOVE_BYTES])
    return (
        m[Map.ROW_TILES] * (tiles * COMPUTE_BYTES + transfers * TRANSFER_BYTES)
        + moves * TRANSFER_BYTES
        + parameter_loads(n, m) * PARAMETER_LOAD_BYTES
    )


@kernel
def compute_cycles(n: Ints, d: Design, m: Ints) -> int:
    """Cycles of all tiles, the last as long as the others: an upper estimate."""
    flags = 0 if m[Map.INPUT_TILES] == 1 else 3
    cycles = tile_cycles(
        n[Nest.OPCODE],
        core_positions(d, m, m[Map.TILE_ROWS]),
        m[Map.TILE_INPUTS],
        m[Map.TILE_CHANNELS],
        n[Nest.TAPS],
        flags,
        0,
        d.lanes,
    )
    tiles = n[Nest.GROUPS] * m[Map.CHANNEL_TILES] * m[Map.INPUT_TILES]
    return cycles * tiles * m[Map.ROW_TILES]


@kernel
def over_instruction_memory(n: Ints, d: Design, m: Ints, demand: Ints) -> bool:
    """Whether the nest's program is too long; notes the least demand seen."""
    m[Map.INSTRUCTION_BYTES] = instruction_bytes(n, m)
    if m[Map.INSTRUCTION_BYTES] <= d.instruction_memory_bytes:
        return False
    note(demand, Resource.INSTRUCTION_MEMORY, m[Map.INSTRUCTION_BYTES])
    return True


@kernel
def note(demand: Ints, resource: int, amount: int) -> None:
    """Keep the least demand by which a resource refused a candidate."""
    if demand[resource] == 0 or amount < demand[resource]:
        demand[resource] = amount

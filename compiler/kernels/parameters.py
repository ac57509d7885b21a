"""Parameters of a nest: what a core takes of them, and in which tiles they are loaded.

A load brings a block to every core: block `p * sharers + c` has the channels of core `c` of the
`p`-th PE along the channels, as many bytes in each, so that some end in bytes that nobody reads.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.cycles import CHANNEL_GROUP
from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.arch.operands import RECORD_BYTES
from apollo.compiler.kernels.parts import blocks_along, ceil_div, sharers
from apollo.compiler.tables import Map, Nest, Split, Unit

Ints = npt.NDArray[np.int64]

FITS = -1
FREE = -1  # of a forced column: the compiler decides


@bare_inlined
def channel_bytes(n: Ints, inputs: int, last: bool) -> int:
    """Parameter bytes of an output channel for so many inputs; its record comes with the last."""
    if n[Nest.DYNAMIC]:
        return inputs * n[Nest.TAPS]
    if not n[Nest.WEIGHTS]:
        return 0
    return inputs * n[Nest.TAPS] + (RECORD_BYTES if last else 0)


@bare_inlined
def has_parameters(n: Ints) -> bool:
    """Whether anything is to be loaded to the cores."""
    return n[Nest.WEIGHTS] + n[Nest.TABLE_BYTES] > 0


@bare_inlined
def tile_bytes(n: Ints, channels: int, inputs: int, last: bool) -> int:
    """Bytes of a core's tile of parameters."""
    return channels * channel_bytes(n, inputs, last) + n[Nest.TABLE_BYTES]


@bare_inlined
def ring_bytes(n: Ints, m: Ints) -> int:
    """Bytes of a core's largest tile."""
    if m[Map.SPARSE]:
        return m[Map.TILE_BYTES]
    return tile_bytes(n, m[Map.TILE_CHANNELS], m[Map.TILE_INPUTS], True)


@bare_inlined
def tiles_of(m: Ints) -> int:
    """Tiles of parameters, in all groups."""
    return m[Map.PE_GROUPS] * m[Map.CHANNEL_TILES] * m[Map.INPUT_TILES]


@bare_kernel
def tile_parameters(n: Ints, d: Ints, m: Ints, share: int) -> int:
    """Choose channel and input tiles of at most that share of core memory; FITS or the demand."""
    channels, inputs = m[Map.CORE_CHANNELS], n[Nest.IN_CHANNELS]
    lanes = d[Unit.LANES]
    # As even as possible, for as many passes over the lanes.
    least_channels = ceil_div(channels, ceil_div(channels, lanes))
    least_inputs = min(CHANNEL_GROUP, inputs)
    budget = d[Unit.CORE_MEMORY_BYTES] // share - n[Nest.TABLE_BYTES]
    whole = channel_bytes(n, inputs, True)
    if channels * whole <= budget:
        return _set_tiles(n, m, channels, inputs)
    if whole == 0:
        return n[Nest.TABLE_BYTES]
    fitting = budget // whole // lanes * lanes
    if fitting > lanes:
        return _set_tiles(n, m, fitting, inputs)
    if budget >= least_channels * whole:
        return _set_tiles(n, m, least_channels, inputs)
    room = budget // least_channels - RECORD_BYTES
    fitting = room // n[Nest.TAPS] // CHANNEL_GROUP * CHANNEL_GROUP
    if n[Nest.MIXES_CHANNELS] and not n[Nest.DYNAMIC] and fitting >= least_inputs:
        return _set_tiles(n, m, least_channels, fitting)
    if n[Nest.DYNAMIC]:
        least_inputs = inputs
    return least_channels * channel_bytes(n, least_inputs, True) + n[Nest.TABLE_BYTES]


@bare_inlined
def force_tiles(n: Ints, d: Ints, m: Ints, forced: Ints) -> int:
    """Enter tiles that are forced, the others as large as there is; FITS or the demand."""
    channels, inputs = m[Map.CORE_CHANNELS], n[Nest.IN_CHANNELS]
    if forced[Map.TILE_CHANNELS] != FREE:
        channels = forced[Map.TILE_CHANNELS]
    if forced[Map.TILE_INPUTS] != FREE:
        inputs = forced[Map.TILE_INPUTS]
    _set_tiles(n, m, channels, inputs)
    demanded = tile_bytes(n, m[Map.TILE_CHANNELS], m[Map.TILE_INPUTS], True)
    return FITS if demanded <= d[Unit.CORE_MEMORY_BYTES] else demanded


@bare_inlined
def _set_tiles(n: Ints, m: Ints, channels: int, inputs: int) -> int:
    """Enter tile sizes and counts."""
    m[Map.TILE_CHANNELS] = min(channels, m[Map.CORE_CHANNELS])
    m[Map.CHANNEL_TILES] = ceil_div(m[Map.CORE_CHANNELS], m[Map.TILE_CHANNELS])
    m[Map.TILE_INPUTS] = min(inputs, n[Nest.IN_CHANNELS])
    m[Map.INPUT_TILES] = ceil_div(n[Nest.IN_CHANNELS], m[Map.TILE_INPUTS])
    each = channel_bytes(n, n[Nest.IN_CHANNELS], True)
    m[Map.CORE_BYTES] = m[Map.PE_GROUPS] * m[Map.CORE_CHANNELS] * each + n[Nest.TABLE_BYTES]
    if n[Nest.DYNAMIC]:
        m[Map.CORE_BYTES] = 0  # nothing of it can stay
    return FITS


@bare_kernel
def load_bytes(n: Ints, d: Ints, m: Ints, group: int, first: int, channels: int, each: int) -> int:
    """Bytes of the load that brings channels `first` onwards of a local group to every core."""
    if not n[Nest.WEIGHTS]:
        return n[Nest.TABLE_BYTES]
    sharing = sharers(d, m)
    of_core = m[Map.CORE_CHANNELS]
    if n[Nest.GROUPS] > 1:
        owners = 1
        if blocks_along(d, m, Split.CHANNELS) > 1:
            owners = ceil_div(n[Nest.GROUPS] - group, m[Map.PE_GROUPS])
        used = ceil_div(n[Nest.CHANNELS], of_core)
        return ((owners - 1) * sharing + used) * channels * each
    part = m[Map.PE_CHANNELS]
    # Blocks from the last one back, until one has channels of this tile.
    pe = (n[Nest.CHANNELS] - 1) // part
    core = (n[Nest.CHANNELS] - pe * part - 1) // of_core
    while True:
        end = min((core + 1) * of_core, part, n[Nest.CHANNELS] - pe * part)
        has = min(channels, end - core * of_core - first)
        if has > 0:
            return ((pe * sharing + core) * channels + has) * each
        core -= 1
        if core < 0:
            pe -= 1
            core = (part - 1) // of_core


@bare_kernel
def nest_bytes(n: Ints, d: Ints, m: Ints) -> int:
    """Bytes of all loads of a nest, each counted once: what its parameters take in DRAM."""
    if m[Map.RESIDENT] or not n[Nest.WEIGHTS]:
        return resident_bytes(n, d, m)
    total = 0
    for group in range(m[Map.PE_GROUPS]):
        for first in range(0, m[Map.CORE_CHANNELS], m[Map.TILE_CHANNELS]):
            channels = min(m[Map.TILE_CHANNELS], m[Map.CORE_CHANNELS] - first)
            for begin in range(0, n[Nest.IN_CHANNELS], m[Map.TILE_INPUTS]):
                inputs = min(m[Map.TILE_INPUTS], n[Nest.IN_CHANNELS] - begin)
                last = begin + inputs == n[Nest.IN_CHANNELS]
                total += load_bytes(n, d, m, group, first, channels, channel_bytes(n, inputs, last))
    return total


@bare_kernel
def resident_bytes(n: Ints, d: Ints, m: Ints) -> int:
    """Bytes of the one load of a nest whose parameters stay, or that has a table only."""
    each = channel_bytes(n, n[Nest.IN_CHANNELS], True)
    channels = m[Map.CORE_CHANNELS] * m[Map.PE_GROUPS]
    return load_bytes(n, d, m, 0, 0, channels, each)

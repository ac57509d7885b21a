"""When a nest's work is done: the times by which mappings are compared.

A nest is a few totals (`Work`): cycles of computing, of moves, and of its transfers on the DRAM
channel. From them and from the times of the nests before it follow its own (`Time`), by the rules
of the machine as far as they bind a whole nest: moves follow the computes before them; parameters
stream through a ring in core memory, so that their loads run ahead of computing by as much as the
ring holds; all transfers share one channel, in the order of the nests.
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from apollo.arch.cycles import tile_cycles
from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.compiler.kernels.cost import (
    compute_cycles,
    loaded_bytes,
    moved_bytes,
    parameter_bytes,
    stored_bytes,
)
from apollo.compiler.kernels.parameters import (
    channel_bytes,
    has_parameters,
    ring_bytes,
    tiles_of,
)
from apollo.compiler.kernels.tiling import holds_parameters, parameter_passes, streams, time_tiles
from apollo.compiler.tables import Map, Nest, Unit

Ints = npt.NDArray[np.int64]


class Work(IntEnum):
    """What a mapped nest has to do, in cycles unless it says otherwise."""

    COMPUTE = 0
    COMPUTE_TILE = 1  # between one tile of parameters and the next
    MOVE = 2
    PARAMETERS = 3  # on the channel
    PARAMETER_TILE = 4
    RING = 5  # bytes of a core's ring that pass
    RING_TILE = 6
    LOADS = 7  # of activations, on the channel
    ARRIVAL = 8  # of activations: more, where their staging memory is small
    ARRIVAL_TILE = 9
    COMPUTE_ROWS = 10  # computing of one tile of rows
    STORES = 11
    STORE_TILE = 12


class Time(IntEnum):
    """Of a nest that has been mapped."""

    START = 0  # of its first compute
    END = 1  # of its last one
    CHANNEL = 2  # the channel has moved all that it and earlier nests ask for
    STORED = 3  # results of it and earlier nests are in DRAM
    RING = 4  # bytes of a core's ring that have passed, up to its last


WORK = len(Work)
TIMES = len(Time)
_BURST = 256
PRICE_BITS = 8
_SCORE = 16  # of a cycle
_SHARED = 5  # halves: how many times a byte of parameters is stored, as a rule


@bare_inlined
def _on_channel(size: int, d: Ints) -> int:
    """Cycles of the channel for so many bytes."""
    return size * d[Unit.DRAM_DEN] // d[Unit.DRAM_NUM]


@bare_kernel
def enter_core_work(n: Ints, d: Ints, m: Ints, w: Ints) -> None:
    """Add up a nest's computing and parameters into `w`, for the tiles of rows that `m` has."""
    w[Work.COMPUTE] = compute_cycles(n, d, m)
    w[Work.PARAMETERS] = w[Work.PARAMETER_TILE] = w[Work.RING] = w[Work.RING_TILE] = 0
    tiles = 1
    if has_parameters(n) and not m[Map.RESIDENT]:
        passes = parameter_passes(n, m)
        tiles = passes * tiles_of(m)
        size = passes * parameter_bytes(n, d, m) + tiles * _BURST // 2
        w[Work.PARAMETERS] = _on_channel(size, d)
        w[Work.PARAMETER_TILE] = w[Work.PARAMETERS] // tiles
        w[Work.RING_TILE] = ring_bytes(n, m)
        w[Work.RING] = passes * m[Map.CORE_BYTES]
        if m[Map.CORE_BYTES] == 0:
            w[Work.RING] = tiles * w[Work.RING_TILE]
    # While a tile of parameters stays for all rows, nothing else waits for the next one.
    w[Work.COMPUTE_TILE] = w[Work.COMPUTE] // (tiles_of(m) if holds_parameters(n, m) else tiles)


@bare_kernel
def enter_transfers(n: Ints, d: Ints, m: Ints, tensors: Ints, w: Ints) -> None:
    """Add up what a nest moves, loads and stores of activations into `w`."""
    moved = moved_bytes(n, m)
    w[Work.MOVE] = moved // d[Unit.BUS_BYTES] if moved > 0 else 0
    w[Work.LOADS] = w[Work.STORES] = 0
    if not streams(m):
        return
    rows = time_tiles(n, m)
    loaded = loaded_bytes(n, d, m, tensors)
    w[Work.LOADS] = _on_channel(loaded, d)
    w[Work.ARRIVAL] = max(w[Work.LOADS], loaded * d[Unit.LATENCY] // d[Unit.STAGING_BYTES])
    w[Work.ARRIVAL_TILE] = w[Work.ARRIVAL] // rows
    w[Work.COMPUTE_ROWS] = w[Work.COMPUTE] // rows
    w[Work.STORES] = _on_channel(stored_bytes(n, m, tensors), d)
    w[Work.STORE_TILE] = w[Work.STORES] // rows


@bare_inlined
def _passed(x: int, times: Ints, parents: Ints, nest: int, state: int) -> int:
    """When computing has passed so many bytes of the ring: from then on they may be overwritten.

    `times` [nests, states, TIMES] of the nests before; `state` is the last one's.
    """
    if x <= 0:
        return 0
    while nest >= 0:
        t = times[nest, state]
        before = 0
        if nest > 0:
            before = times[nest - 1, parents[nest, state], Time.RING]
        if x > before:
            if x >= t[Time.RING]:
                return t[Time.END]
            share = (t[Time.END] - t[Time.START]) * (x - before) // (t[Time.RING] - before)
            return t[Time.START] + share
        state = parents[nest, state]
        nest -= 1
    return 0


@bare_kernel
def advance(
    w: Ints, d: Ints, room: int, times: Ints, parents: Ints, nest: int, state: int, t: Ints
) -> None:
    """The times `t` of nest `nest` whose work is `w`, after `state` of the nest before it.

    `room`: bytes of the ring in a core.
    """
    end = channel = stored = ring = 0
    if nest > 0:
        last = times[nest - 1, state]
        end, channel = last[Time.END], last[Time.CHANNEL]
        stored, ring = last[Time.STORED], last[Time.RING]
    latency = d[Unit.LATENCY]
    start = end + w[Work.MOVE]
    done = start + w[Work.COMPUTE]
    if w[Work.LOADS] > 0:
        # Buffers are free when the nests before have been computed.
        begin = max(end, stored)
        channel = max(channel, begin) + w[Work.LOADS]
        start = max(start, begin + latency + w[Work.ARRIVAL_TILE])
        arrived = max(channel, begin + w[Work.ARRIVAL]) + latency
        done = max(start + w[Work.COMPUTE], arrived + w[Work.COMPUTE_ROWS])
    t[Time.RING] = ring + w[Work.RING]
    if w[Work.PARAMETERS] > 0:
        if w[Work.RING] > w[Work.RING_TILE]:
            room -= room % w[Work.RING_TILE]  # a part of a tile has no use
        free = _passed(ring + w[Work.RING_TILE] - room, times, parents, nest - 1, state)
        first = max(channel, free)
        start = max(start, first + w[Work.PARAMETER_TILE] + latency)
        behind = ring + w[Work.RING] - room
        channel = first + w[Work.PARAMETERS]
        if behind > ring:
            own = w[Work.COMPUTE] * (behind - ring) // w[Work.RING]
            channel = max(channel, start + own + w[Work.PARAMETER_TILE])
        else:
            free = _passed(behind, times, parents, nest - 1, state)
            channel = max(channel, free + w[Work.PARAMETER_TILE])
        if w[Work.RING] > w[Work.RING_TILE] > room - w[Work.RING_TILE]:
            # No room for two tiles: each is loaded when the one before has been computed.
            waits = w[Work.PARAMETERS] - w[Work.PARAMETER_TILE]
            waits += latency * (w[Work.RING] // w[Work.RING_TILE])
            channel = max(channel, start + w[Work.COMPUTE] + waits - w[Work.COMPUTE_TILE])
        done = max(done, start + w[Work.COMPUTE], channel + latency + w[Work.COMPUTE_TILE])
    if w[Work.STORES] > 0:
        channel = max(channel, start) + w[Work.STORES]
        stored = max(channel, done + w[Work.STORE_TILE])
    t[Time.START], t[Time.END] = start, done
    t[Time.CHANNEL], t[Time.STORED] = channel, stored


@bare_kernel
def look_ahead(nests: Ints, d: Ints, ahead_out: Ints) -> int:
    """What the nests behind each take at least; the price of a byte of a core's memory, in score.

    `ahead_out` [L, 2]: cycles without loads that run ahead, and of the channel alone. A network
    whose cores take `Q` bytes each of parameters, `P` cycles to load, keeps a share `M / Q` of
    them in core memories of `M` bytes: a byte less in `Q` saves `P * M / Q^2` cycles of every
    following inference. `Q` is taken as a few times what cores take that share nothing.
    """
    units = d[Unit.PES_X] * d[Unit.PES_Y] * d[Unit.CORES]
    done = channel = sizes = 0
    for i in range(len(nests) - 1, -1, -1):
        ahead_out[i, 0], ahead_out[i, 1] = done, channel
        n = nests[i]
        positions = n[Nest.IMAGES] * n[Nest.ROWS] * n[Nest.COLUMNS] * n[Nest.GROUPS]
        inputs = n[Nest.IN_CHANNELS]
        work = tile_cycles(
            n[Nest.OPCODE],
            positions,
            inputs,
            n[Nest.CHANNELS],
            n[Nest.TAPS],
            n[Nest.FLAGS],
            0,
            d[Unit.LANES],
        )
        size = n[Nest.GROUPS] * n[Nest.CHANNELS] * channel_bytes(n, inputs, True)
        load = (size + n[Nest.TABLE_BYTES]) * d[Unit.DRAM_DEN] // d[Unit.DRAM_NUM]
        done += max(work // units, load)
        channel += load
        sizes += size
    each = max(1, sizes // units)
    if each * _SHARED < 2 * d[Unit.CORE_MEMORY_BYTES]:
        return 0  # all of them stay
    kept = min(d[Unit.CORE_MEMORY_BYTES], each)
    return (channel << PRICE_BITS) // each * _SCORE * kept * 4 // (each * _SHARED**2)

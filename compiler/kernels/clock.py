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
    BURST,
    compute_cycles,
    least_cycles,
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
from apollo.compiler.kernels.tiling import (
    holds_parameters,
    parameter_passes,
    streams,
    time_tiles,
)
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
    LEAST = 13  # computing with the best tiles there may be
    LEAST_PARAMETERS = 14
    LEAST_RING = 15
    TURNS = 16  # tiles of rows that are streamed
    FETCH = 17  # of instructions, on the channel


class Time(IntEnum):
    """Of a nest that has been mapped."""

    START = 0  # of its first compute
    END = 1  # of its last one
    CHANNEL = 2  # the channel has moved all that it and earlier nests ask for
    STORED = 3  # results of it and earlier nests are in DRAM
    RING = 4  # bytes of a core's ring that have passed, up to its last
    BUSY = 5  # computing and moves of it and earlier nests


WORK = len(Work)
TIMES = len(Time)
PRICE_BITS = 8
# What `look_ahead` finds of the parameters as a whole.
PASSED, BUSY = range(2)
PRICES = 2
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
        size = passes * parameter_bytes(n, d, m) + tiles * BURST // 2
        w[Work.PARAMETERS] = _on_channel(size, d)
        w[Work.PARAMETER_TILE] = w[Work.PARAMETERS] // tiles
        w[Work.RING_TILE] = ring_bytes(n, m)
        w[Work.RING] = passes * m[Map.CORE_BYTES]
        if m[Map.CORE_BYTES] == 0:
            w[Work.RING] = tiles * w[Work.RING_TILE]
    # While a tile of parameters stays for all rows, nothing else waits for the next one.
    w[Work.COMPUTE_TILE] = w[Work.COMPUTE] // (tiles_of(m) if holds_parameters(n, m) else tiles)


@bare_inlined
def moved_cycles(n: Ints, d: Ints, m: Ints) -> int:
    """Cycles of the activation bus before a nest can begin."""
    return moved_bytes(n, m) // d[Unit.BUS_BYTES]


@bare_kernel
def enter_transfers(n: Ints, d: Ints, m: Ints, tensors: Ints, w: Ints) -> None:
    """Add up what a nest moves, loads and stores of activations into `w`."""
    w[Work.FETCH] = _on_channel(n[Nest.IMAGES] * m[Map.INSTRUCTION_BYTES], d)
    w[Work.MOVE] = moved_cycles(n, d, m)
    w[Work.LOADS] = w[Work.STORES] = w[Work.TURNS] = 0
    if not streams(m):
        return
    rows = time_tiles(n, m)
    w[Work.TURNS] = rows
    loaded = loaded_bytes(n, d, m, tensors)
    w[Work.LOADS] = _on_channel(loaded, d)
    w[Work.ARRIVAL] = max(w[Work.LOADS], loaded * d[Unit.LATENCY] // d[Unit.STAGING_BYTES])
    w[Work.ARRIVAL_TILE] = w[Work.ARRIVAL] // rows
    w[Work.COMPUTE_ROWS] = w[Work.COMPUTE] // rows
    w[Work.STORES] = _on_channel(stored_bytes(n, d, m, tensors), d)
    w[Work.STORE_TILE] = w[Work.STORES] // rows


@bare_kernel
def enter_least(n: Ints, d: Ints, m: Ints, w: Ints) -> None:
    """Enter what a nest has to do at least, by what it has to do with some tiles of parameters."""
    w[Work.LEAST], w[Work.LEAST_PARAMETERS] = w[Work.COMPUTE], w[Work.PARAMETERS]
    w[Work.LEAST_RING] = min(w[Work.RING], m[Map.CORE_BYTES])
    if tiles_of(m) == 1:
        return
    w[Work.LEAST_PARAMETERS] = _on_channel(parameter_bytes(n, d, m), d)
    w[Work.LEAST] = w[Work.COMPUTE] // 2 if m[Map.SPARSE] else least_cycles(n, d, m)


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


@bare_inlined
def _last_load(
    w: Ints,
    latency: int,
    room: int,
    times: Ints,
    parents: Ints,
    nest: int,
    state: int,
    ring: int,
    start: int,
) -> int:
    """When a nest's last tile of parameters may be in core memory, as its ring of `room` has it."""
    size, tile = w[Work.PARAMETERS], w[Work.PARAMETER_TILE]
    behind = ring + w[Work.RING] - room
    if behind > ring:
        # What the ring has no room for in the beginning is loaded as the rest is used.
        last = start + max(w[Work.COMPUTE], size) * (behind - ring) // w[Work.RING] + tile
    else:
        last = _passed(behind, times, parents, nest - 1, state) + tile
    if w[Work.RING] > w[Work.RING_TILE] > room - w[Work.RING_TILE]:
        # No room for two tiles: each is loaded when the one before has been computed.
        waits = size - tile + latency * (w[Work.RING] // w[Work.RING_TILE])
        last = max(last, start + w[Work.COMPUTE] + waits - w[Work.COMPUTE_TILE])
    return last


@bare_inlined
def _turns(w: Ints, latency: int) -> int:
    """Cycles of all row tiles with two buffers: one is loaded when that before the last is done."""
    turn = w[Work.COMPUTE_ROWS]
    if w[Work.LOADS] > 0:
        turn = max(turn, (w[Work.COMPUTE_ROWS] + w[Work.ARRIVAL_TILE] + latency) // 2)
    if w[Work.STORES] > 0:
        turn = max(turn, (w[Work.COMPUTE_ROWS] + w[Work.STORE_TILE]) // 2)
    return turn * w[Work.TURNS] if w[Work.TURNS] > 1 else 0


@bare_kernel
def advance(
    w: Ints, d: Ints, room: int, times: Ints, parents: Ints, nest: int, state: int, t: Ints
) -> None:
    """The times `t` of nest `nest` whose work is `w`, after `state` of the nest before it.

    `room`: bytes of the ring in a core.
    """
    end = channel = stored = ring = busy = 0
    if nest > 0:
        last = times[nest - 1, state]
        end, channel = last[Time.END], last[Time.CHANNEL]
        stored, ring, busy = last[Time.STORED], last[Time.RING], last[Time.BUSY]
    latency = d[Unit.LATENCY]
    loads, size = w[Work.LOADS], w[Work.PARAMETERS]
    start = end + w[Work.MOVE]
    # Buffers are free when the nests before have been computed.
    begin = max(end, stored)
    first = channel
    if size > 0:
        if w[Work.RING] > w[Work.RING_TILE]:
            room -= room % w[Work.RING_TILE]  # a part of a tile has no use
        free = _passed(ring + w[Work.RING_TILE] - room, times, parents, nest - 1, state)
        first = max(channel, free)
    # Loads of activations and of parameters take turns on the channel while there are both.
    loaded = max(channel, begin) + loads + min(loads, max(0, first + size - begin)) + w[Work.FETCH]
    done = start + w[Work.COMPUTE]
    if loads > 0:
        start = max(start, begin + latency + w[Work.ARRIVAL_TILE])
        arrived = max(loaded, begin + w[Work.ARRIVAL]) + latency
        done = max(start + w[Work.COMPUTE], arrived + w[Work.COMPUTE_ROWS])
    t[Time.RING], t[Time.BUSY] = ring + w[Work.RING], busy + w[Work.COMPUTE] + w[Work.MOVE]
    if size > 0:
        shared = min(w[Work.PARAMETER_TILE], loads) if begin <= first else 0
        start = max(start, first + w[Work.PARAMETER_TILE] + shared + latency)
        last_load = first + size + min(size, max(0, min(loads, first + size - begin)))
        last_load += w[Work.FETCH]
        channel = (max(begin, first + size) + loads if loads > 0 else first + size) + w[Work.FETCH]
        in_ring = _last_load(w, latency, room, times, parents, nest, state, ring, start)
        last_load = max(last_load, in_ring)
        done = max(done, start + w[Work.COMPUTE], last_load + latency + w[Work.COMPUTE_TILE])
        channel = max(channel, last_load)
    elif loads > 0:
        channel = loaded
    done = max(done, start + _turns(w, latency))
    if w[Work.STORES] > 0:
        channel = max(channel, start) + w[Work.STORES]
        stored = max(channel, done + w[Work.STORE_TILE])
    t[Time.START], t[Time.END] = start, done
    t[Time.CHANNEL], t[Time.STORED] = channel, stored


@bare_kernel
def look_ahead(nests: Ints, d: Ints, forced: Ints, ahead_out: Ints, price_out: Ints) -> None:
    """What the nests behind each take at least; prices, in score.

    `ahead_out` [L, 2]: cycles without loads that run ahead, and of the channel alone.
    `price_out` [PRICES]: of a byte that passes through core memory and of a cycle of computing.

    A network whose cores take `Q` bytes each of parameters, `P` cycles to load, keeps a share
    `M / Q` of them in core memories of `M` bytes: a byte less in `Q` saves `P * M / Q^2` cycles of
    every following inference, and computing is what such a share of it takes. `Q` is taken as a few
    times what cores take that share nothing.
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
        if forced[i, Map.RESIDENT] != 0:
            sizes += size
    each = max(1, sizes // units)
    room = d[Unit.CORE_MEMORY_BYTES]
    price_out[PASSED] = price_out[BUSY] = 0
    if sizes == 0:
        return  # nothing may stay
    stays = min(1 << PRICE_BITS, (2 * room << PRICE_BITS) // (each * _SHARED))
    price_out[BUSY] = stays * _SCORE
    if each * _SHARED < 2 * room:
        return  # all of them stay
    kept = min(room, each)
    of_byte = (channel << PRICE_BITS) // each * _SCORE
    price_out[PASSED] = of_byte * kept * 4 // (each * _SHARED**2)

"""Emission: nests and their mapping become instructions with retire counters.

Parameters stream through a ring in core memory, so that loads run ahead across layers: a load
waits for the last compute that reads what it overwrites. Streams of several tiles have two buffers
each, one behind the other, which the tiles take in turn.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import Engine
from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.arch.operands import ComputeFlag
from apollo.compiler.kernels.computes import (
    CHANNEL,
    CHANNELS,
    FLAGS,
    GROUP,
    INPUT,
    INPUTS,
    STEPS,
    compute,
)
from apollo.compiler.kernels.dynamic import bring_weights
from apollo.compiler.kernels.loads import load_all, load_tile
from apollo.compiler.kernels.parameters import channel_bytes, has_parameters, tiles_of
from apollo.compiler.kernels.sparse import sparse_load
from apollo.compiler.kernels.stream import (
    DRAM,
    ISSUED,
    PARAM_WAIT,
    PARAMETERS,
    TOTAL,
    Stream,
    ring_used,
)
from apollo.compiler.kernels.tiling import (
    holds_parameters,
    image_by_image,
    parameter_passes,
    time_tiles,
)
from apollo.compiler.kernels.transfers import (
    load_second,
    load_source,
    move_operands,
    rows_of_tile,
    store_tile,
)
from apollo.compiler.kernels.views import view_result, view_second, view_source
from apollo.compiler.tables import From, Map, Nest, Unit

Ints = npt.NDArray[np.int64]
Column = npt.NDArray[np.int32]

_ACCUMULATE, _PARTIAL = int(ComputeFlag.ACCUMULATE), int(ComputeFlag.PARTIAL)
_COMPUTE, _MOVE, _STORE = int(Engine.COMPUTE), int(Engine.MOVE), int(Engine.STORE)
# What a nest's emission knows: where its parameters lie, and what had been issued before it.
RING_FIRST, RING_BYTES, COLD, STORES, MOVES, BEHIND, COMPUTES = range(7)
PLAN = 7


@bare_inlined
def _moves_needed(n: Ints, m: Ints, plan: Ints, image: int) -> int:
    """Moves that have retired before an image is computed."""
    if n[Nest.DYNAMIC]:
        return -1
    source = m[Map.SOURCE_FROM] == From.HALO or m[Map.SOURCE_FROM] == From.COPY
    second = m[Map.SECOND_FROM] == From.COPY
    if source and second:
        return -1  # all of them: they come one after the other
    return plan[MOVES] + image + 1 if source or second else 0


@bare_inlined
def _put_compute(
    s: Stream,
    n: Ints,
    d: Ints,
    m: Ints,
    v: Ints,
    layer: int,
    work: Ints,
    plan: Ints,
    image: int,
    tile: int,
    count: int,
) -> None:
    """A compute instruction with all its waits."""
    rows = rows_of_tile(n, d, m, tile)
    number = compute(s, n, d, m, v, layer, work, rows, image, tile, count)
    wait = s.wait[number]
    moves = _moves_needed(n, m, plan, image)
    issued = s.number[ISSUED + _MOVE]
    wait[_MOVE] = issued if moves < 0 else min(moves, issued)
    wait[_STORE] = plan[BEHIND]
    if has_parameters(n) and not m[Map.RESIDENT]:
        ring_used(s)


@bare_inlined
def _serve(
    s: Stream,
    n: Ints,
    d: Ints,
    m: Ints,
    v: Ints,
    layer: int,
    work: Ints,
    plan: Ints,
    now: int,
    count: int,
) -> None:
    """The computes of a tile of parameters: of one time tile, or of all where `now` is below 0."""
    if now >= 0:
        image, tile = now // m[Map.ROW_TILES], now % m[Map.ROW_TILES]
        _put_compute(s, n, d, m, v, layer, work, plan, image, tile, count)
        return
    for image in range(n[Nest.IMAGES]):
        _put_compute(s, n, d, m, v, layer, work, plan, image, 0, 0)


@bare_kernel
def _parameter_tiles(
    s: Stream,
    n: Ints,
    d: Ints,
    m: Ints,
    v: Ints,
    layer: int,
    work: Ints,
    plan: Ints,
    tensors: Ints,
    places: Ints,
    loads: bool,
    now: int,
    count: int,
) -> None:
    """Every tile of parameters, and with each of them its computes."""
    resident = m[Map.RESIDENT] > 0
    tile_channels = m[Map.CORE_CHANNELS] if resident else m[Map.TILE_CHANNELS]
    tile_inputs = n[Nest.IN_CHANNELS] if resident else m[Map.TILE_INPUTS]
    each = channel_bytes(n, n[Nest.IN_CHANNELS], True)
    for group in range(m[Map.PE_GROUPS]):
        if resident:
            s.number[PARAMETERS] = m[Map.RESIDENT_ADDRESS] + group * m[Map.CORE_CHANNELS] * each
        for channel in range(0, m[Map.CORE_CHANNELS], tile_channels):
            channels = min(tile_channels, m[Map.CORE_CHANNELS] - channel)
            for begin in range(0, n[Nest.IN_CHANNELS], tile_inputs):
                inputs = min(tile_inputs, n[Nest.IN_CHANNELS] - begin)
                last = begin + inputs == n[Nest.IN_CHANNELS]
                if loads:
                    load_tile(
                        s, n, d, m, layer, plan[RING_FIRST], plan[RING_BYTES],
                        group, channel, channels, inputs, last,
                    )  # fmt: skip
                if loads and n[Nest.DYNAMIC]:
                    second = n[Nest.SECOND]
                    bring_weights(
                        s, n, d, m, v[1], tensors[second], places[second], layer,
                        plan[COMPUTES], group, channel, channels, count,
                    )  # fmt: skip
                work[GROUP], work[CHANNEL], work[INPUT] = group, channel, begin
                work[CHANNELS], work[INPUTS] = channels, inputs
                if m[Map.SPARSE]:
                    work[STEPS] = sparse_load(n, d, m, s.pairs, channel, channels)[2]
                work[FLAGS] = (_ACCUMULATE if begin > 0 else 0) | (0 if last else _PARTIAL)
                _serve(s, n, d, m, v, layer, work, plan, now, count)


@bare_kernel
def _time_tiles(
    s: Stream,
    n: Ints,
    d: Ints,
    m: Ints,
    v: Ints,
    tensors: Ints,
    places: Ints,
    dram: Ints,
    layer: int,
    work: Ints,
    plan: Ints,
    b: Ints,
) -> None:
    """Tile after tile of the positions: loads, all parameters, stores."""
    parameters = s.number[DRAM]
    holds = holds_parameters(n, m)
    # Computes after which a buffer is free: those of two tiles ago; stores likewise.
    before = last = s.number[ISSUED + _COMPUTE]
    stored = s.number[ISSUED + _STORE]
    source, second = n[Nest.SOURCE], n[Nest.SECOND]
    count = 0
    for step in range(time_tiles(n, m)):
        image, tile = step // m[Map.ROW_TILES], step % m[Map.ROW_TILES]
        if rows_of_tile(n, d, m, tile) == 0:
            continue
        if m[Map.SOURCE_FROM] == From.DRAM:
            t, base = tensors[source], dram[source]
            load = load_source(s, n, d, m, t, v[0], layer, base, image, tile, count, b)
            s.wait[load, _COMPUTE], s.wait[load, _STORE] = before, plan[STORES]
        if m[Map.SECOND_FROM] == From.DRAM:
            t, base = tensors[second], dram[second]
            load = load_second(s, n, d, m, t, v[1], layer, base, image, tile, count, b)
            s.wait[load, _COMPUTE], s.wait[load, _STORE] = before, plan[STORES]
        is_loading = has_parameters(n) and not m[Map.RESIDENT] and (count == 0 or not holds)
        s.number[DRAM] = parameters
        _parameter_tiles(s, n, d, m, v, layer, work, plan, tensors, places, is_loading, step, count)
        before, last = last, s.number[ISSUED + _COMPUTE]
        if m[Map.TO_DRAM]:
            t, base = tensors[n[Nest.DESTINATION]], dram[n[Nest.DESTINATION]]
            store_tile(s, n, d, m, t, v[2], layer, base, image, tile, count, b)
            plan[BEHIND], stored = stored, s.number[ISSUED + _STORE]
        count += 1


@bare_kernel
def _nest(
    s: Stream,
    n: Ints,
    d: Ints,
    m: Ints,
    tensors: Ints,
    places: Ints,
    dram: Ints,
    layer: int,
    v: Ints,
    b: Ints,
    work: Ints,
    plan: Ints,
) -> None:
    """All instructions of a nest."""
    s.number[PARAM_WAIT] = 0
    s.number[PARAMETERS] = 0
    plan[STORES] = plan[BEHIND] = s.number[ISSUED + _STORE]
    plan[MOVES] = s.number[ISSUED + _MOVE]
    plan[COMPUTES] = s.number[ISSUED + _COMPUTE]
    view_source(n, m, tensors[n[Nest.SOURCE]], places[n[Nest.SOURCE]], v[0])
    if m[Map.SECOND_FROM] != From.NOWHERE:
        view_second(n, m, tensors[n[Nest.SECOND]], places[n[Nest.SECOND]], v[1])
    view_result(n, m, tensors[n[Nest.DESTINATION]], places[n[Nest.DESTINATION]], v[2])
    move_operands(s, n, d, m, tensors, places, v, layer, b)
    if m[Map.RESIDENT] and plan[COLD] and m[Map.OWNER] == layer:
        s.number[PARAMETERS] = m[Map.RESIDENT_ADDRESS]
        load_all(s, n, d, m, layer)
    if n[Nest.IMAGES] > 1 and image_by_image(m):
        loads = has_parameters(n) and not m[Map.RESIDENT]
        _parameter_tiles(s, n, d, m, v, layer, work, plan, tensors, places, loads, -1, 0)
    else:
        _time_tiles(s, n, d, m, v, tensors, places, dram, layer, work, plan, b)


@bare_kernel
def count_instructions(nests: Ints, mapping: Ints) -> tuple[int, int]:
    """No fewer than the program has, and than it has loads of parameters."""
    total = loads = 0
    for i in range(len(nests)):
        n, m = nests[i], mapping[i]
        passes = parameter_passes(n, m) * tiles_of(m) + 1
        loads += passes
        if n[Nest.DYNAMIC]:
            total += passes
        total += time_tiles(n, m) * (tiles_of(m) + 4) + 2 * n[Nest.IMAGES] + 1
    return total + loads, loads


@bare_kernel
def emit(
    # Network:
    nests: Ints,
    tensors: Ints,
    # Machine:
    d: Ints,
    ring_bytes: int,
    cold: bool,
    # Mapping:
    mapping: Ints,
    places: Ints,
    parameters: Ints,
    dram: Ints,
    # Scratch:
    v: Ints,
    b: Ints,
    work: Ints,
    plan: Ints,
    # Out:
    s: Stream,
) -> int:
    """Write the program's columns; how many instructions.

    A cold program loads resident parameters, a warm one finds them in core memory, below the
    ring.
    """
    kept = d[Unit.CORE_MEMORY_BYTES] - ring_bytes
    plan[RING_FIRST], plan[RING_BYTES], plan[COLD] = kept, ring_bytes, 1 if cold else 0
    for i in range(len(nests)):
        s.number[DRAM] = parameters[i]
        _nest(s, nests[i], d, mapping[i], tensors, places, dram, i, v, b, work, plan)
    return s.number[TOTAL]

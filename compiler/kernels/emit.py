"""Emission: nests and their mapping become instructions with retire counters.

Parameters stream through a ring in core memory, so that loads run ahead across layers: a load
waits for the last compute that reads what it overwrites. Streams tiled over rows have two buffers
each, one behind the other, which the tiles take in turn.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import ENGINES, USUAL, Engine, Opcode
from apollo.arch.jit import kernel
from apollo.arch.operands import OPERANDS, ComputeFlag, Load, Move, Transfer, Vector, Window
from apollo.compiler.kernels.describe import describe_tile
from apollo.compiler.kernels.tiling import (
    Design,
    ceil_div,
    channel_bytes,
    first_source_row,
    parameter_loads,
    source_rows,
)
from apollo.compiler.tables import Map, Nest, Split, TensorColumn

Ints = npt.NDArray[np.int64]
Column = npt.NDArray[np.int32]

_ACCUMULATE = int(ComputeFlag.ACCUMULATE)
_PARTIAL = int(ComputeFlag.PARTIAL)
_DEPTHWISE = int(Opcode.DEPTHWISE)
_TOTAL, _RING_FREE, _RING_HEAD, _RING_TAIL, _PARAM_WAIT, _ADDRESS = range(6)


class Stream(NamedTuple):
    """The program so far and what emission must remember."""

    opcode: Column  # [I]
    layer: Column  # [I]
    wait: Column  # [I, E]
    operand: Column  # [I, F]
    issued: Ints  # [E] instructions of each engine
    scalar: Ints
    ring: Ints  # [loads, 3] first byte, end, computes after which it is free
    home: Ints  # [tensors] address in PE memory


@kernel
def _put(s: Stream, engine: int, opcode: int, layer: int) -> int:
    """Append an instruction with its usual operands; its number."""
    number = s.scalar[_TOTAL]
    s.opcode[number] = opcode
    s.layer[number] = layer
    s.operand[number] = USUAL[opcode]
    s.scalar[_TOTAL] += 1
    s.issued[engine] += 1
    return number


@kernel
def _ring_place(s: Stream, size: int, ring_bytes: int) -> tuple[int, int]:
    """Room for a tile in the ring: its address and the computes to wait for."""
    x = s.scalar
    wait = 0
    first = x[_RING_FREE]
    if first + size > ring_bytes:
        # Wrap: what lies behind the free pointer belongs to the last lap and is passed over.
        while x[_RING_HEAD] < x[_RING_TAIL] and s.ring[x[_RING_HEAD], 0] >= first:
            wait = max(wait, s.ring[x[_RING_HEAD], 2])
            x[_RING_HEAD] += 1
        first = 0
    while x[_RING_HEAD] < x[_RING_TAIL]:
        oldest = s.ring[x[_RING_HEAD]]
        if not (oldest[0] < first + size and first < oldest[1]):
            break
        wait = max(wait, oldest[2])
        x[_RING_HEAD] += 1
    x[_RING_FREE] = first + size
    s.ring[x[_RING_TAIL], 0] = first
    s.ring[x[_RING_TAIL], 1] = first + size
    s.ring[x[_RING_TAIL], 2] = s.issued[Engine.COMPUTE] + 1
    x[_RING_TAIL] += 1
    return first, wait


@kernel
def _distinct_channels(n: Ints, m: Ints, first: int, channels: int) -> int:
    """Channels that a tile covers over all cores: each has its own, the last one fewer."""
    owners = n[Nest.CHANNELS] // m[Map.CORE_CHANNELS]
    rest = n[Nest.CHANNELS] % m[Map.CORE_CHANNELS]
    return owners * channels + min(channels, max(0, rest - first))


@kernel
def _load_parameters(
    s: Stream,
    d: Design,
    m: Ints,
    layer: int,
    loaded: int,
    dram: int,
    address: int,
    block: int,
    wait: int,
) -> None:
    """Load a block for every core; those of the same channels share one."""
    number = _put(s, Engine.PARAM, Opcode.LOAD_PARAMETERS, layer)
    s.operand[number, Load.SEGMENT_BYTES] = loaded
    s.operand[number, Load.DRAM_ADDRESS] = dram
    s.operand[number, Load.DESTINATION] = address
    s.operand[number, Load.BLOCK_BYTES] = block
    step = 1
    if m[Map.SPLIT_CORES] == Split.CHANNELS:
        s.operand[number, Load.STEP_CORE] = step
        step *= d.cores
    if m[Map.SPLIT_X] == Split.CHANNELS:
        s.operand[number, Load.STEP_X] = step
        step *= d.pes_x
    if m[Map.SPLIT_Y] == Split.CHANNELS:
        s.operand[number, Load.STEP_Y] = step
    s.wait[number, Engine.COMPUTE] = wait
    s.scalar[_PARAM_WAIT] = s.issued[Engine.PARAM]


@kernel
def _buffer(m: Ints, streams: bool, address: int, size: int, tile: int) -> int:
    """Where the row tile of an operand is: a stream has two buffers, if there are several tiles."""
    return m[address] + (tile % 2) * m[size] if streams else m[address]


@kernel
def _compute(
    s: Stream, n: Ints, m: Ints, layer: int, row_tile: int, rows: int, tile: Ints, stores: int
) -> None:
    """One compute instruction; `tile` is (channels, inputs, flags, address of the parameters)."""
    opcode = n[Nest.OPCODE]
    if (opcode == Opcode.ADD or opcode == Opcode.MULTIPLY) and n[Nest.SECOND] < 0:
        opcode = _DEPTHWISE  # by a constant: a kernel of one element
    number = _put(s, Engine.COMPUTE, opcode, layer)
    operand, wait = s.operand[number], s.wait[number]
    describe_tile(n, m, rows, tile, operand)
    source = _buffer(m, m[Map.SOURCE_FROM_DRAM] > 0, Map.SOURCE_ADDRESS, Map.SOURCE_BYTES, row_tile)
    operand[Window.SOURCE] = source
    operand[Window.PARAMETERS] = tile[3]
    if n[Nest.SECOND] >= 0:
        operand[Vector.SECOND] = _buffer(
            m, m[Map.SECOND_FROM_DRAM] > 0, Map.SECOND_ADDRESS, Map.SECOND_BYTES, row_tile
        )
    elif tile[2] & (_PARTIAL | _ACCUMULATE):
        operand[Window.PARTIAL] = m[Map.PARTIAL_ADDRESS]
    operand[Window.DESTINATION] = _destination(n, m, row_tile)
    wait[Engine.PARAM] = s.scalar[_PARAM_WAIT]
    if m[Map.SOURCE_FROM_DRAM] + m[Map.SECOND_FROM_DRAM] > 0:
        wait[Engine.ACT] = s.issued[Engine.ACT]
    if m[Map.MOVE_BYTES] + m[Map.SECOND_MOVE_BYTES] > 0:
        wait[Engine.MOVE] = s.issued[Engine.MOVE]
    wait[Engine.STORE] = stores


@kernel
def _destination(n: Ints, m: Ints, tile: int) -> int:
    """Where a row tile of the result begins: its buffer, or its part of the tensor's slice."""
    if m[Map.TO_DRAM]:
        return _buffer(m, True, Map.DESTINATION_ADDRESS, Map.DESTINATION_BYTES, tile)
    row = m[Map.DESTINATION_BYTES] // m[Map.PE_ROWS]
    return m[Map.DESTINATION_ADDRESS] + n[Nest.FIRST] + tile * m[Map.TILE_ROWS] * row


@kernel
def _moves(s: Stream, n: Ints, m: Ints, layer: int) -> None:
    """Bring operands that are in other PEs."""
    for size, tensor, address in (
        (m[Map.MOVE_BYTES], n[Nest.SOURCE], m[Map.SOURCE_ADDRESS]),
        (m[Map.SECOND_MOVE_BYTES], n[Nest.SECOND], m[Map.SECOND_ADDRESS]),
    ):
        if size == 0:
            continue
        number = _put(s, Engine.MOVE, Opcode.MOVE, layer)
        s.operand[number, Move.BYTES] = size
        s.operand[number, Move.SOURCE] = s.home[tensor]
        s.operand[number, Move.ADDRESS] = address
        # The copy may take the place of anything that an earlier layer read or stored.
        s.wait[number, Engine.COMPUTE] = s.issued[Engine.COMPUTE]
        s.wait[number, Engine.STORE] = s.issued[Engine.STORE]


@kernel
def _row_splits(n: Ints, m: Ints) -> int:
    """PEs along the rows that have any."""
    return min(m[Map.ROW_SPLITS], ceil_div(n[Nest.ROWS], m[Map.PE_ROWS]))


@kernel
def _load_rows(
    s: Stream,
    n: Ints,
    m: Ints,
    tensors: Ints,
    dram: Ints,
    layer: int,
    tile: int,
    computes: int,
    stores: int,
) -> None:
    """Load the operands of a row tile that are in DRAM."""
    rows = min(m[Map.TILE_ROWS], m[Map.PE_ROWS] - tile * m[Map.TILE_ROWS])
    for from_dram, tensor, address, size in (
        (m[Map.SOURCE_FROM_DRAM], n[Nest.SOURCE], Map.SOURCE_ADDRESS, Map.SOURCE_BYTES),
        (m[Map.SECOND_FROM_DRAM], n[Nest.SECOND], Map.SECOND_ADDRESS, Map.SECOND_BYTES),
    ):
        if not from_dram:
            continue
        t = tensors[tensor]
        width = t[TensorColumn.COLUMNS] * t[TensorColumn.CHANNELS]
        read = source_rows(n, rows, t[TensorColumn.ROWS])
        segments = min(_row_splits(n, m), ceil_div(t[TensorColumn.ROWS], read))
        first = max(0, first_source_row(n, tile * m[Map.TILE_ROWS]))
        first = min(first, t[TensorColumn.ROWS] - read)
        number = _put(s, Engine.ACT, Opcode.LOAD_ACTIVATIONS, layer)
        operand = s.operand[number]
        operand[Transfer.SEGMENTS] = segments
        operand[Transfer.SEGMENT_BYTES] = read * width
        operand[Transfer.DRAM_ADDRESS] = dram[tensor] + first * width
        operand[Transfer.ADDRESS] = _buffer(m, True, address, size, tile)
        # Stored before this nest: the operand, and what was where the buffers are now.
        s.wait[number, Engine.STORE] = stores
        s.wait[number, Engine.COMPUTE] = computes


@kernel
def _store_rows(
    s: Stream, n: Ints, m: Ints, tensors: Ints, dram: Ints, layer: int, tile: int
) -> None:
    """Store a row tile of the result; a part of a tensor goes in pieces that lie together."""
    rows = min(m[Map.TILE_ROWS], m[Map.PE_ROWS] - tile * m[Map.TILE_ROWS])
    tensor = n[Nest.DESTINATION]
    t = tensors[tensor]
    channels = n[Nest.CHANNELS] * n[Nest.GROUPS]
    segments, size = _row_splits(n, m), rows * n[Nest.COLUMNS] * channels
    if channels < t[TensorColumn.CHANNELS]:
        segments, size = segments * rows * n[Nest.COLUMNS], channels
    elif n[Nest.COLUMNS] < t[TensorColumn.COLUMNS]:
        segments, size = segments * rows, n[Nest.COLUMNS] * channels
    width = t[TensorColumn.COLUMNS] * t[TensorColumn.CHANNELS]
    address = dram[tensor] + n[Nest.FIRST] + tile * m[Map.TILE_ROWS] * width
    number = _put(s, Engine.STORE, Opcode.STORE, layer)
    s.operand[number, Transfer.SEGMENTS] = segments
    s.operand[number, Transfer.SEGMENT_BYTES] = size
    s.operand[number, Transfer.DRAM_ADDRESS] = address
    s.operand[number, Transfer.ADDRESS] = _destination(n, m, tile)
    s.wait[number, Engine.COMPUTE] = s.issued[Engine.COMPUTE]


@kernel
def _row_tile(
    s: Stream, n: Ints, d: Design, m: Ints, layer: int, tile: int, plan: Ints, stores: int
) -> None:
    """Parameter loads and computes of a row tile.

    `plan` is (DRAM address of the parameters, ring bytes, load resident ones, their address).
    """
    rows = min(m[Map.TILE_ROWS], m[Map.PE_ROWS] - tile * m[Map.TILE_ROWS])
    resident = m[Map.RESIDENT] == 1
    tile_channels = m[Map.CORE_CHANNELS] if resident else m[Map.TILE_CHANNELS]
    tile_inputs = n[Nest.IN_CHANNELS] if resident else m[Map.TILE_INPUTS]
    once = m[Map.CHANNEL_TILES] * m[Map.INPUT_TILES] * n[Nest.GROUPS] == 1
    loads = not resident and parameter_loads(n, m) > 0 and (tile == 0 or not once)
    dram = plan[0]
    if resident and tile == 0 and plan[2]:
        size = n[Nest.GROUPS] * n[Nest.CHANNELS] * channel_bytes(n, n[Nest.IN_CHANNELS])
        _load_parameters(s, d, m, layer, size, dram, plan[3], m[Map.CORE_BYTES], 0)
    work = np.empty(4, np.int64)
    work[3] = s.scalar[_ADDRESS]
    group_bytes = m[Map.CORE_BYTES] // n[Nest.GROUPS]
    for group in range(n[Nest.GROUPS]):
        if resident:
            work[3] = plan[3] + group * group_bytes
        for channel in range(0, m[Map.CORE_CHANNELS], tile_channels):
            channels = min(tile_channels, m[Map.CORE_CHANNELS] - channel)
            for first in range(0, n[Nest.IN_CHANNELS], tile_inputs):
                inputs = min(tile_inputs, n[Nest.IN_CHANNELS] - first)
                is_last = first + inputs == n[Nest.IN_CHANNELS]
                if loads:
                    # Biases and scales come with the last inputs, which need them.
                    each = channel_bytes(n, inputs)
                    each -= 0 if is_last else n[Nest.CHANNEL_BYTES]
                    address, wait = _ring_place(s, channels * each, plan[1])
                    size = _distinct_channels(n, m, channel, channels) * each
                    work[3] = plan[3] + address
                    block = channels * each
                    _load_parameters(s, d, m, layer, size, dram, work[3], block, wait)
                    s.scalar[_ADDRESS] = work[3]
                    dram += size
                work[0], work[1] = channels, inputs
                work[2] = _ACCUMULATE if first > 0 else 0
                if not is_last:
                    work[2] |= _PARTIAL
                _compute(s, n, m, layer, tile, rows, work, stores)


@kernel
def _nest(
    s: Stream, n: Ints, d: Design, m: Ints, tensors: Ints, dram: Ints, layer: int, plan: Ints
) -> None:
    """All instructions of a nest."""
    s.scalar[_PARAM_WAIT] = 0
    s.scalar[_ADDRESS] = 0
    stores = s.issued[Engine.STORE]
    before = s.issued[Engine.COMPUTE]  # computes after which a row buffer is free: two tiles ago
    last = before
    loaded_once = m[Map.RESIDENT] == 0 and parameter_loads(n, m) == 1
    _moves(s, n, m, layer)
    for tile in range(m[Map.ROW_TILES]):
        _load_rows(s, n, m, tensors, dram, layer, tile, before, stores)
        behind = stores + max(0, tile - 1) if m[Map.TO_DRAM] else stores
        _row_tile(s, n, d, m, layer, tile, plan, behind)
        before, last = last, s.issued[Engine.COMPUTE]
        if loaded_once:
            # Parameters that serve several row tiles are free after the last of them.
            s.ring[s.scalar[_RING_TAIL] - 1, 2] = last
        if m[Map.TO_DRAM]:
            _store_rows(s, n, m, tensors, dram, layer, tile)
    s.home[n[Nest.DESTINATION]] = m[Map.DESTINATION_ADDRESS]


@kernel
def _stream(nests: Ints, mapping: Ints, tensors: int) -> Stream:
    """An empty program with room for every instruction."""
    total = 0
    loads = 0
    for n, m in zip(nests, mapping):  # noqa: B905 - Numba knows no `strict`
        tiles = n[Nest.GROUPS] * m[Map.CHANNEL_TILES] * m[Map.INPUT_TILES]
        loads += parameter_loads(n, m) + 1
        total += m[Map.ROW_TILES] * (tiles + 3) + 2
    total += loads
    return Stream(
        np.empty(total, np.int32),
        np.empty(total, np.int32),
        np.zeros((total, ENGINES), np.int32),
        np.empty((total, OPERANDS), np.int32),
        np.zeros(ENGINES, np.int64),
        np.zeros(6, np.int64),
        np.zeros((loads, 3), np.int64),
        np.zeros(tensors, np.int64),
    )


@kernel
def emit(
    nests: Ints, tensors: Ints, d: Design, ring_bytes: int, cold: bool, mapping: Ints
) -> tuple[Column, Column, Column, Column]:
    """The program's columns: opcode [I], layer [I], wait [I, E], operand [I, F].

    A cold program loads resident parameters, a warm one finds them in core memory, below the
    ring. In DRAM the parameters lie in the order of the nests, then every tensor.
    """
    s = _stream(nests, mapping, len(tensors))
    parameters = np.zeros(len(nests) + 1, np.int64)
    for i in range(len(nests)):
        size = nests[i, Nest.GROUPS] * nests[i, Nest.CHANNELS]
        parameters[i + 1] = parameters[i] + size * channel_bytes(
            nests[i], nests[i, Nest.IN_CHANNELS]
        )
    dram = np.empty(len(tensors), np.int64)
    end = parameters[-1]
    for i in range(len(tensors)):
        dram[i] = end
        t = tensors[i]
        end += t[TensorColumn.ROWS] * t[TensorColumn.COLUMNS] * t[TensorColumn.CHANNELS]
    plan = np.zeros(4, np.int64)
    plan[1] = ring_bytes
    plan[2] = 1 if cold else 0
    resident_end = 0
    kept = d.core_memory_bytes - ring_bytes
    for i in range(len(nests)):
        plan[0] = parameters[i]
        plan[3] = kept
        if mapping[i, Map.RESIDENT]:
            plan[3] = resident_end
            resident_end += mapping[i, Map.CORE_BYTES]
        _nest(s, nests[i], d, mapping[i], tensors, dram, i, plan)
    total = s.scalar[_TOTAL]
    return s.opcode[:total], s.layer[:total], s.wait[:total], s.operand[:total]

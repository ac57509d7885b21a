"""Emission of loads of parameters (M23)."""

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import Engine, Opcode
from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.arch.operands import Load
from apollo.compiler.kernels.parameters import channel_bytes, load_bytes, resident_bytes, tiles_of
from apollo.compiler.kernels.sparse import sparse_load
from apollo.compiler.kernels.stream import (
    DRAM,
    FREE_AT,
    ISSUED,
    PARAM_WAIT,
    PARAMETERS,
    RING_FREE,
    RING_HEAD,
    TILE,
    Stream,
    put,
    ring_place,
)
from apollo.compiler.tables import Map, Nest, Split, Unit

Ints = npt.NDArray[np.int64]

_PARAM, _COMPUTE = int(Engine.PARAM), int(Engine.COMPUTE)
_LOAD = int(Opcode.LOAD_PARAMETERS)


@bare_inlined
def _load(
    s: Stream, n: Ints, d: Ints, m: Ints, layer: int, size: int, block: int, wait: int
) -> None:
    """Load a block for every core to PARAMETERS, from DRAM on; those of the same channels share."""
    number = put(s, _PARAM, _LOAD, layer)
    operand = s.operand[number]
    operand[Load.SEGMENT_BYTES] = size
    operand[Load.DRAM_ADDRESS] = s.number[DRAM]
    operand[Load.DESTINATION] = s.number[PARAMETERS]
    operand[Load.BLOCK_BYTES] = block
    if n[Nest.WEIGHTS]:
        step = 1
        if m[Map.SPLIT_CORES] == Split.CHANNELS:
            operand[Load.STEP_CORE] = step
            step *= d[Unit.CORES]
        if m[Map.SPLIT_X] == Split.CHANNELS:
            operand[Load.STEP_X] = step
            step *= d[Unit.PES_X]
        if m[Map.SPLIT_Y] == Split.CHANNELS:
            operand[Load.STEP_Y] = step
    s.wait[number, _COMPUTE] = wait
    s.number[PARAM_WAIT] = s.number[ISSUED + _PARAM]
    s.number[DRAM] += size


@bare_kernel
def load_all(s: Stream, n: Ints, d: Ints, m: Ints, layer: int) -> None:
    """Load everything that stays, to PARAMETERS."""
    if m[Map.SPARSE]:
        size = sparse_load(n, d, m, s.pairs, 0, m[Map.CORE_CHANNELS])[1]
    else:
        size = resident_bytes(n, d, m)
    _load(s, n, d, m, layer, size, m[Map.CORE_BYTES], 0)


@bare_kernel
def load_tile(
    s: Stream,
    n: Ints,
    d: Ints,
    m: Ints,
    layer: int,
    ring_first: int,
    ring_bytes: int,
    group: int,
    first: int,
    channels: int,
    inputs: int,
    last: bool,
) -> None:
    """Load a tile into the ring, which begins at `ring_first`, unless it is there already."""
    home = s.homes[m[Map.OWNER]]
    single = tiles_of(m) == 1 and not n[Nest.DYNAMIC]
    if single and home[0] > s.number[RING_HEAD]:
        # An earlier nest has loaded the same, and nothing has taken its place.
        s.number[TILE] = home[0] - 1
        s.number[PARAMETERS] = ring_first + s.ring[home[0] - 1, 0]
        s.number[PARAM_WAIT] = home[1]
        return
    if m[Map.SPARSE]:
        block, size, _ = sparse_load(n, d, m, s.pairs, first, channels)
    else:
        each = channel_bytes(n, inputs, last)
        block = channels * each + n[Nest.TABLE_BYTES]
        size = load_bytes(n, d, m, group, first, channels, each)
    wait = ring_place(s.number, s.ring, block, ring_bytes)
    s.number[PARAMETERS] = ring_first + s.number[RING_FREE] - block
    _load(s, n, d, m, layer, size, block, wait)
    s.number[FREE_AT] = wait
    if single:
        home[0], home[1] = 1 + s.number[TILE], s.number[PARAM_WAIT]
    if not n[Nest.WEIGHTS]:
        s.number[DRAM] -= size  # the same table or record for every tile

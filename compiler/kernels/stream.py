"""The program while it is emitted: columns that grow, and the ring of parameters."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import USUAL, Engine
from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.compiler.tables import Ints

Column = npt.NDArray[np.int32]

# Numbers of a stream.
# FREE_AT: computes after which the newest tile's place in the ring is free; TILE: the one in use.
TOTAL, RING_FREE, RING_HEAD, RING_TAIL, PARAM_WAIT, PARAMETERS = range(6)
DRAM, FREE_AT, TILE, ISSUED = range(6, 10)
NUMBERS = ISSUED + len(Engine)
_USUAL = USUAL.astype(np.int32)
_COMPUTE = int(Engine.COMPUTE)


class Stream(NamedTuple):
    """The program so far and what emission must remember."""

    opcode: Column  # [I]
    layer: Column  # [I]
    wait: Column  # [I, E]
    operand: Column  # [I, F]
    number: Ints  # [NUMBERS] of them ISSUED: instructions of each engine
    ring: Ints  # [loads, 3] first byte, end, computes after which it is free
    pairs: Ints  # [P, PAIR_COLUMNS] of the network's weights
    homes: Ints  # [L, 2] of parameters in one tile: 1 + where in `ring`; loads up to theirs


@bare_inlined
def put(s: Stream, engine: int, opcode: int, layer: int) -> int:
    """Append an instruction with its usual operands and no waits; its number."""
    number = s.number[TOTAL]
    s.opcode[number] = opcode
    s.layer[number] = layer
    operand, usual = s.operand[number], _USUAL[opcode]
    for slot in range(len(operand)):
        operand[slot] = usual[slot]
    wait = s.wait[number]
    for other in range(len(wait)):
        wait[other] = 0
    s.number[TOTAL] += 1
    s.number[ISSUED + engine] += 1
    return number


@bare_kernel
def ring_place(x: Ints, ring: Ints, size: int, ring_bytes: int) -> int:
    """Room for a tile in the ring, at RING_FREE less its size; the computes to wait for."""
    wait = 0
    first = x[RING_FREE]
    if first + size > ring_bytes:
        # Wrap: what lies behind the free pointer belongs to the last lap and is passed over.
        while x[RING_HEAD] < x[RING_TAIL] and ring[x[RING_HEAD], 0] >= first:
            wait = max(wait, ring[x[RING_HEAD], 2])
            x[RING_HEAD] += 1
        first = 0
    while x[RING_HEAD] < x[RING_TAIL]:
        oldest = ring[x[RING_HEAD]]
        if not (oldest[0] < first + size and first < oldest[1]):
            break
        wait = max(wait, oldest[2])
        x[RING_HEAD] += 1
    x[RING_FREE] = first + size
    ring[x[RING_TAIL], 0] = first
    ring[x[RING_TAIL], 1] = first + size
    ring[x[RING_TAIL], 2] = x[ISSUED + _COMPUTE]
    x[TILE] = x[RING_TAIL]
    x[RING_TAIL] += 1
    return wait


@bare_inlined
def ring_used(s: Stream) -> None:
    """The last instruction, a compute, is the latest that reads the tile in use."""
    s.ring[s.number[TILE], 2] = s.number[ISSUED + _COMPUTE]

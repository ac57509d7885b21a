"""What the simulation needs of a program, as columns: queues, fetch bursts, durations."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apollo.arch.cycles import tile_cycles
from apollo.arch.isa import BYTES_OF, ENGINE_OF, ENGINES, Compute, Engine, Transfer
from apollo.arch.jit import kernel

Ints = npt.NDArray[np.int64]

_COMPUTE = int(Engine.COMPUTE)
_SEGMENTS = int(Transfer.SEGMENTS)
_SEGMENT_BYTES = int(Transfer.SEGMENT_BYTES)
_POSITIONS = int(Compute.POSITIONS)
_IN_CHANNELS = int(Compute.IN_CHANNELS)
_OUT_CHANNELS = int(Compute.OUT_CHANNELS)
_TAPS = int(Compute.TAPS)
_FLAGS = int(Compute.FLAGS)


class Columns(NamedTuple):
    """`I` instructions, `E` engines."""

    wait: Ints  # [I, E]
    queue: Ints  # [I] instructions, grouped by engine, in program order
    first: Ints  # [E + 1] where each engine's group begins in the queue
    last_burst: Ints  # [I] fetch burst that holds the instruction's last byte
    encoded_bytes: Ints  # [I]
    segments: Ints  # [I] transfers
    segment_bytes: Ints  # [I] transfers
    duration: Ints  # [I] cycles of compute instructions


@kernel
def columns(opcode: Ints, wait: Ints, operand: Ints, lanes: int, burst_bytes: int) -> Columns:
    """Derive the simulation's columns from a program's."""
    count = len(opcode)
    first = np.zeros(ENGINES + 1, np.int64)
    for i in range(count):
        first[ENGINE_OF[opcode[i]] + 1] += 1
    first[:] = np.cumsum(first)
    free = first.copy()
    queue = np.empty(count, np.int64)
    last_burst = np.empty(count, np.int64)
    encoded_bytes = np.empty(count, np.int64)
    segments = np.zeros(count, np.int64)
    segment_bytes = np.zeros(count, np.int64)
    duration = np.zeros(count, np.int64)
    end = 0
    for i in range(count):
        engine = ENGINE_OF[opcode[i]]
        queue[free[engine]] = i
        free[engine] += 1
        encoded_bytes[i] = BYTES_OF[opcode[i]]
        end += encoded_bytes[i]
        last_burst[i] = (end - 1) // burst_bytes
        if engine == _COMPUTE:
            duration[i] = tile_cycles(
                opcode[i],
                operand[i, _POSITIONS],
                operand[i, _IN_CHANNELS],
                operand[i, _OUT_CHANNELS],
                operand[i, _TAPS],
                operand[i, _FLAGS],
                lanes,
            )
        else:
            segments[i] = operand[i, _SEGMENTS]
            segment_bytes[i] = operand[i, _SEGMENT_BYTES]
    return Columns(
        wait, queue, first, last_burst, encoded_bytes, segments, segment_bytes, duration
    )

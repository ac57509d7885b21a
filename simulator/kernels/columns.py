"""What the simulation needs of a program, as columns: queues, fetch bursts, durations."""

import numpy as np
import numpy.typing as npt

from apollo.arch.cycles import tile_cycles
from apollo.arch.isa import BYTES_OF, ENGINE_OF, ENGINES, Compute, Engine, Transfer
from apollo.arch.jit import kernel

Ints = npt.NDArray[np.int64]

# Rows of the table of a program.
QUEUE = 0  # instructions grouped by engine, in program order
LAST_BURST = 1  # fetch burst that holds the instruction's last byte
ENCODED_BYTES = 2
SEGMENTS = 3  # of a transfer
SEGMENT_BYTES = 4
DURATION = 5  # cycles of a compute instruction
COLUMNS = 6


@kernel
def columns(opcode: Ints, operand: Ints, lanes: int, burst_bytes: int) -> tuple[Ints, Ints]:
    """The table [COLUMNS, I], and where each engine's group begins in the queue [E + 1]."""
    count = len(opcode)
    first = np.zeros(ENGINES + 1, np.int64)
    for i in range(count):
        first[ENGINE_OF[opcode[i]] + 1] += 1
    first[:] = np.cumsum(first)
    free = first.copy()
    table = np.zeros((COLUMNS, count), np.int64)
    end = 0
    for i in range(count):
        engine = ENGINE_OF[opcode[i]]
        table[QUEUE, free[engine]] = i
        free[engine] += 1
        table[ENCODED_BYTES, i] = BYTES_OF[opcode[i]]
        end += BYTES_OF[opcode[i]]
        table[LAST_BURST, i] = (end - 1) // burst_bytes
        if engine == Engine.COMPUTE:
            table[DURATION, i] = tile_cycles(
                opcode[i],
                operand[i, Compute.POSITIONS],
                operand[i, Compute.IN_CHANNELS],
                operand[i, Compute.OUT_CHANNELS],
                operand[i, Compute.TAPS],
                operand[i, Compute.FLAGS],
                lanes,
            )
        else:
            table[SEGMENTS, i] = operand[i, Transfer.SEGMENTS]
            table[SEGMENT_BYTES, i] = operand[i, Transfer.SEGMENT_BYTES]
    return table, first

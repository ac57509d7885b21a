"""The instructions of each engine, in program order."""

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import ENGINE_OF, ENGINES
from apollo.arch.jit import kernel

Ints = npt.NDArray[np.int64]
Column = npt.NDArray[np.int32]


@kernel
def queues(opcode: Column) -> tuple[Column, Ints]:
    """Instructions grouped by engine [I], and where each group begins [E + 1]."""
    first = np.zeros(ENGINES + 1, np.int64)
    for i in range(len(opcode)):
        first[ENGINE_OF[opcode[i]] + 1] += 1
    for e in range(ENGINES):
        first[e + 1] += first[e]
    free = first.copy()
    queue = np.empty(len(opcode), np.int32)
    for i in range(len(opcode)):
        engine = ENGINE_OF[opcode[i]]
        queue[free[engine]] = i
        free[engine] += 1
    return queue, first

"""Whether columns are a valid program (docs/machine.md, M3): one pass, for every compilation."""

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import ENGINE_OF, ENGINES, FLAGS_OF, LEAST, MOST
from apollo.arch.jit import kernel
from apollo.arch.operands import OPERANDS, Window

Column = npt.NDArray[np.int32]

NOTHING, KNOWN, BELONGS, OWN, NEGATIVE, FORWARD, OPERAND, FLAG = range(8)
_FLAGS = int(Window.FLAGS)  # the same slot in every format
_OPCODES = len(ENGINE_OF)


@kernel
def first_fault(
    opcode: Column, layer: Column, wait: Column, operand: Column, layers: int
) -> tuple[int, int, int, int]:
    """The first instruction that breaks a rule: its number, the fault, its place, what is allowed.

    The place is the engine of a wait or the slot of an operand. Without a fault it is NOTHING.
    """
    earlier = np.zeros(ENGINES, np.int64)
    for i in range(len(opcode)):
        code = opcode[i]
        if code < 0 or code >= _OPCODES:
            return i, KNOWN, 0, _OPCODES - 1
        if layer[i] < 0 or layer[i] >= layers:
            return i, BELONGS, 0, layers - 1
        engine = ENGINE_OF[code]
        if wait[i, engine] != 0:
            return i, OWN, engine, 0
        for e in range(ENGINES):
            if wait[i, e] < 0 or wait[i, e] > earlier[e]:
                return i, NEGATIVE if wait[i, e] < 0 else FORWARD, e, earlier[e]
        for slot in range(OPERANDS):
            if operand[i, slot] < LEAST[code, slot] or operand[i, slot] > MOST[code, slot]:
                return i, OPERAND, slot, MOST[code, slot]
        if operand[i, _FLAGS] & ~FLAGS_OF[code]:
            return i, FLAG, _FLAGS, FLAGS_OF[code]
        earlier[engine] += 1
    return 0, NOTHING, 0, 0

"""Instructions in the order in which they were made, and the order in which they are emitted.

`R` instructions, `F` operand slots, `U` uses of memory. A deferred instruction, a drain as a rule,
waits in a queue until something depends on it or its time has come.
"""

from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import USUAL
from apollo.arch.jit import bare_inlined, bare_kernel

Ints = npt.NDArray[np.int64]
Column = npt.NDArray[np.int32]

AT_ONCE, NO_STRIP = -1, -1
_USUAL = USUAL.astype(np.int32)


class Use(IntEnum):
    """Columns of a use: bytes, rows or buffers [START, END) of a memory."""

    MEMORY = 0
    START = 1
    END = 2
    WRITES = 3
    TENSOR = 4  # of which it uses only a strip, or NO_STRIP
    FIRST = 5  # byte of every position
    LAST = 6  # the byte behind the strip


class Count(IntEnum):
    """How many there are."""

    MADE = 0
    USES = 1
    EMITTED = 2
    RELEASED = 3  # of the deferred
    DEFERRED = 4


class Lines(NamedTuple):
    """Instructions without their waits."""

    opcode: Column  # [R]
    layer: Column  # [R]
    operand: Column  # [R, F]
    first_use: Ints  # [R + 1]
    use: Ints  # [U, Use]
    ready: Ints  # [R] estimated cycle from which a deferred one could run, or AT_ONCE
    cycles: Ints  # [R] that a deferred one takes
    queue: Ints  # [R] numbers of the deferred
    order: Ints  # [R] numbers of the emitted
    number: Ints  # [Count]


@bare_inlined
def make(s: Lines, opcode: int, layer: int) -> int:
    """A further instruction with its usual operands; its number."""
    number = s.number[Count.MADE]
    s.opcode[number], s.layer[number] = opcode, layer
    operand, usual = s.operand[number], _USUAL[opcode]
    for slot in range(len(operand)):
        operand[slot] = usual[slot]
    s.ready[number] = AT_ONCE
    s.number[Count.MADE] += 1
    s.first_use[number + 1] = s.number[Count.USES]
    return number


@bare_inlined
def touch(s: Lines, memory: int, start: int, end: int, writes: int) -> None:
    """A use by the newest instruction."""
    use = s.use[s.number[Count.USES]]
    use[Use.MEMORY], use[Use.START], use[Use.END], use[Use.WRITES] = memory, start, end, writes
    use[Use.TENSOR], use[Use.FIRST], use[Use.LAST] = NO_STRIP, 0, 0
    s.number[Count.USES] += 1
    s.first_use[s.number[Count.MADE]] = s.number[Count.USES]


@bare_inlined
def conflict(one: Ints, other: Ints) -> bool:
    """Whether the order of two uses of a memory matters."""
    if one[Use.MEMORY] != other[Use.MEMORY] or not (one[Use.WRITES] or other[Use.WRITES]):
        return False
    if one[Use.START] >= other[Use.END] or other[Use.START] >= one[Use.END]:
        return False
    if one[Use.TENSOR] == NO_STRIP or one[Use.TENSOR] != other[Use.TENSOR]:
        return True
    return bool(one[Use.FIRST] < other[Use.LAST] and other[Use.FIRST] < one[Use.LAST])


@bare_kernel
def _depends(s: Lines, later: int, earlier: int) -> bool:
    for one in range(s.first_use[later], s.first_use[later + 1]):
        for other in range(s.first_use[earlier], s.first_use[earlier + 1]):
            if conflict(s.use[one], s.use[other]):
                return True
    return False


@bare_kernel
def release(s: Lines, end: int) -> None:
    """Emit deferred instructions up to a place in the queue."""
    for place in range(s.number[Count.RELEASED], end):
        s.order[s.number[Count.EMITTED]] = s.queue[place]
        s.number[Count.EMITTED] += 1
    s.number[Count.RELEASED] = max(end, s.number[Count.RELEASED])


@bare_kernel
def append(s: Lines, number: int) -> None:
    """Emit an instruction; deferred ones that it depends on come first."""
    needed = 0
    for place in range(s.number[Count.RELEASED], s.number[Count.DEFERRED]):
        if _depends(s, number, s.queue[place]):
            needed = place + 1
    release(s, needed)
    s.order[s.number[Count.EMITTED]] = number
    s.number[Count.EMITTED] += 1


@bare_kernel
def take(s: Lines, first: int) -> None:
    """Emit or defer the instructions that were made from that number on."""
    for number in range(first, s.number[Count.MADE]):
        if s.ready[number] == AT_ONCE:
            append(s, number)
        else:
            s.queue[s.number[Count.DEFERRED]] = number
            s.number[Count.DEFERRED] += 1


@bare_kernel
def release_until(s: Lines, start: int, end: int) -> int:
    """Emit deferred drains that, one after the other from `start`, are done by `end`.

    Returns the estimated end of the last one. Stores that follow them go with them.
    """
    while s.number[Count.RELEASED] < s.number[Count.DEFERRED]:
        number = s.queue[s.number[Count.RELEASED]]
        cycles = s.cycles[number]
        done = max(start, s.ready[number]) + cycles
        if cycles and done > end:
            break
        release(s, s.number[Count.RELEASED] + 1)
        if cycles:
            start = max(start, done)
    return start

"""What instructions touch, and which earlier ones they must not overtake (M32)."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from apollo.arch.isa import ENGINES
from apollo.compiler.systolic.kernels.lines import NO_STRIP, Column, Count, Ints, Lines, Use
from apollo.compiler.systolic.kernels.waits import HEADS, NOTHING, SHORT, Pages, find_waits


class Memory(IntEnum):
    """What instructions touch."""

    PE = 0  # bytes
    CORE = 1  # bytes
    ACCUMULATORS = 2  # rows
    BUFFERS = 3  # of weights, 0 and 1
    DRAM = 4  # bytes that are written and read again


_PAGE_BITS = {
    Memory.PE: 14,
    Memory.CORE: 10,
    Memory.ACCUMULATORS: 8,
    Memory.BUFFERS: 0,
    Memory.DRAM: 16,
}
_NO_STRIP = (NO_STRIP, 0, 0)


class Strip(NamedTuple):
    """Channels of a tensor: bytes [start, end) of every position; `tensor` says of which one."""

    tensor: int
    start: int
    end: int


class Access(NamedTuple):
    """Use of [start, end) of a memory; of nothing else but the strip in it, if there is one."""

    memory: Memory
    start: int
    end: int
    writes: bool = False
    strip: Strip | None = None

    def conflicts(self, other: "Access") -> bool:
        """Whether the order of the two matters."""
        return (
            self.memory == other.memory
            and (self.writes or other.writes)
            and self.start < other.end
            and other.start < self.end
            and not self._beside(other)
        )

    def _beside(self, other: "Access") -> bool:
        """Whether both are strips of one tensor that have nothing in common."""
        mine, theirs = self.strip, other.strip
        if mine is None or theirs is None or mine.tensor != theirs.tensor:
            return False
        return mine.end <= theirs.start or theirs.end <= mine.start


def use_of(access: Access) -> tuple[int, ...]:
    """A row of `kernels.lines.Use`."""
    memory, start, end, writes, strip = access
    return (memory, start, end, writes, *(strip or _NO_STRIP))


def waits_of(lines: Lines, engine: Ints) -> Column:
    """Of every emitted instruction, how many of each engine must have retired before it [I, E].

    `engine` is by opcode.
    """
    use = lines.use[: lines.number[Count.USES]]
    memory = use[:, Use.MEMORY]
    bits = np.array([_PAGE_BITS[each] for each in Memory], np.int64)
    first, last = use[:, Use.START] >> bits[memory], use[:, Use.END] - 1 >> bits[memory]
    pages = np.zeros(len(Memory), np.int64)
    np.maximum.at(pages, memory, last + 1)
    entries = int((last - first + 1).sum())
    following = np.arange(1, entries + 1, dtype=np.int32)
    head = np.full((pages.sum(), 2, HEADS), NOTHING, np.int32)
    head[..., SHORT] = 0
    lists = Pages(
        bits=bits,
        base=np.cumsum(pages) - pages,
        head=head,
        use=np.zeros(entries, np.int32),
        engine=np.zeros(entries, np.int8),
        newest=np.zeros(entries, np.int32),
        next=following,
        free=np.zeros(1, np.int64),
    )
    wait = np.zeros((lines.number[Count.EMITTED], ENGINES), np.int32)
    find_waits(lines, engine, lists, np.zeros(ENGINES, np.int64), wait)
    return wait

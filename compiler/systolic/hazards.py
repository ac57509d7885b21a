"""Which earlier instructions a use of memory must not overtake (M32), page by page.

What every engine did to a page last is kept until a write covers it: whoever comes after that write
comes after what it has waited for.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from apollo.arch.isa import ENGINES


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

    def covers(self, other: "Access") -> bool:
        """Whether all that the other uses is used by this one, in the same memory."""
        mine, theirs = self.strip, other.strip
        if mine is not None:
            if theirs is None or mine.tensor != theirs.tensor:
                return False
            if theirs.start < mine.start or mine.end < theirs.end:
                return False
        return self.start <= other.start and other.end <= self.end

    @property
    def pages(self) -> list[tuple[Memory, int]]:
        """Keys under which it is found."""
        memory, bits = self.memory, _PAGE_BITS[self.memory]
        return [(memory, page) for page in range(self.start >> bits, (self.end - 1 >> bits) + 1)]

    def within(self, page: int) -> "Access":
        """The part of it that is in a page."""
        bits = _PAGE_BITS[self.memory]
        start, end = max(self.start, page << bits), min(self.end, page + 1 << bits)
        return Access(self.memory, start, end, self.writes, self.strip)


_ALL = 1 << 60
_Uses = dict[tuple[Access, int], int]  # of an engine: its last instruction with that use


@dataclass
class _Page:
    written: _Uses = field(default_factory=dict)
    read: _Uses = field(default_factory=dict)
    # What each engine wrote last that a read meets: many read the same between two writes.
    answers: dict[Access, list[int]] = field(default_factory=dict)

    def writers(self, access: Access) -> list[int]:
        """Of each engine the last instruction that wrote what is read."""
        found = self.answers.get(access)
        if found is None:
            found = self.answers[access] = [0] * ENGINES
            _raise(found, self.written, access)
        return found


def _raise(waits: list[int], uses: _Uses, access: Access) -> None:
    """Raise the waits to the uses that the access must not overtake."""
    for (other, engine), count in uses.items():
        if count > waits[engine] and access.conflicts(other):
            waits[engine] = count


def _forget(uses: _Uses, access: Access) -> None:
    """Drop what a write covers."""
    for key in [key for key in uses if access.covers(key[0])]:
        del uses[key]


@dataclass
class Hazards:
    """The uses so far."""

    _pages: dict[tuple[Memory, int], _Page] = field(default_factory=dict)

    def waits(self, accesses: tuple[Access, ...], engine: int) -> list[int]:
        """How many instructions of each other engine must have retired before these uses."""
        waits = [0] * ENGINES
        waits[engine] = _ALL  # nothing of its own engine needs a look
        for access in accesses:
            for key in access.pages:
                page = self._pages.get(key)
                if page is None:
                    continue
                if access.writes:
                    _raise(waits, page.written, access)
                    _raise(waits, page.read, access)
                else:
                    waits = list(map(max, waits, page.writers(access)))
        waits[engine] = 0
        return waits

    def note(self, access: Access, engine: int, number: int) -> None:
        """Instruction `number` of an engine, from 1, uses that."""
        keys = access.pages
        for key in keys:
            page = self._pages.setdefault(key, _Page())
            part = access if len(keys) == 1 else access.within(key[1])
            if access.writes:
                _forget(page.written, part)
                _forget(page.read, part)
                page.answers.clear()
            (page.written if access.writes else page.read)[part, engine] = number

"""Where elements of a tensor are in PE memory: all of them, or a box of them in a buffer."""

from typing import NamedTuple

from apollo.compiler.systolic.boxes import Box
from apollo.compiler.systolic.hazards import Access, Memory, Strip

Four = tuple[int, int, int, int]  # image, row, column, channel
NO_MARGINS: Four = (0, 0, 0, 0)


class Site(NamedTuple):
    """Address and pitches in bytes; `origin` is where element (0, 0, 0, 0) is, or would be."""

    origin: int
    pitches: Four
    width: int  # bytes of an element
    tensor: int  # its number
    whole: bool  # all of the tensor, and in one place as long as it lives

    @property
    def deep(self) -> int:
        """Channels of a position."""
        return self.pitches[2] // self.width

    def at(self, place: Four) -> int:
        """The address of an element."""
        return self.origin + sum(a * b for a, b in zip(place, self.pitches, strict=True))

    def access(self, box: Box, *, writes: bool = False) -> Access:
        """Use of the elements of a box."""
        start, end = self.at(box.first), self.at(box.last) + self.width
        strip = None
        first, size = box.channels
        if self.whole and first + size <= self.deep:
            strip = Strip(self.tensor, first * self.width, (first + size) * self.width)
        return Access(Memory.PE, start, end, writes, strip)


def site_of(address: int, box: Box, width: int, tensor: int, margins: Four = NO_MARGINS) -> Site:
    """Elements of a box from `address` on, channels innermost; margins: top, bottom, left, right.

    A box that begins at element 0 of all coordinates counts as a whole tensor where `margins` are
    given.
    """
    top, bottom, left, right = margins
    channel = width
    column = box.channels[1] * channel
    row = (left + box.columns[1] + right) * column
    image = (top + box.rows[1] + bottom) * row
    pitches = (image, row, column, channel)
    before = sum(first * pitch for first, pitch in zip(box.first, pitches, strict=True))
    return Site(address + top * row + left * column - before, pitches, width, tensor, False)


def bytes_of(box: Box, width: int, margins: Four = NO_MARGINS) -> int:
    """Bytes of a site."""
    top, bottom, left, right = margins
    positions = (top + box.rows[1] + bottom) * (left + box.columns[1] + right)
    return box.images[1] * positions * box.channels[1] * width

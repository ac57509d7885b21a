"""Boxes of elements between DRAM and PE memory, and what windows read around a tensor."""

from collections.abc import Iterator
from typing import NamedTuple

from apollo.arch.isa import Opcode
from apollo.arch.operands import TransferFlag
from apollo.compiler.systolic.boxes import Box, Span
from apollo.compiler.systolic.builder import Builder
from apollo.compiler.systolic.hazards import Access, Memory, Strip
from apollo.compiler.systolic.sites import Four, Site


class Stored(NamedTuple):
    """A tensor in DRAM, or a part of one, by its pitches: a position's channels are together."""

    address: int
    dims: Four
    pitches: Four  # bytes from image to image, row to row, column to column, channel to channel
    width: int
    tensor: int
    changes: bool  # the program writes it
    deep: int  # channels of the whole tensor
    channel: int = 0  # of the tensor, that the part begins with

    def part(self, first: Four, dims: Four, steps: tuple[int, int]) -> "Stored":
        """What begins at an element, with every so manyeth row and column."""
        start = sum(at * pitch for at, pitch in zip(first, self.pitches, strict=True))
        images, rows, columns, channels = self.pitches
        pitches = (images, rows * steps[0], columns * steps[1], channels)
        channel = self.channel + first[3]
        return self._replace(
            address=self.address + start, dims=dims, pitches=pitches, channel=channel
        )


def dense(dims: Four, width: int) -> Four:
    """Pitches of a tensor whose elements lie together, channels innermost."""
    _, rows, columns, channels = dims
    column = channels * width
    return rows * columns * column, columns * column, column, width


class _Stream(NamedTuple):
    """A part of a tensor in DRAM: rows x columns x channels behind a first element."""

    first: Four
    size: tuple[int, int, int]  # rows, columns, channels
    segments: int
    segment_bytes: int
    pitch: int
    padding: bool = False  # the box has nothing of the tensor

    def start(self, stored: Stored) -> int:
        """Where it begins in DRAM."""
        if self.padding:
            return stored.address
        pairs = zip(self.first, stored.pitches, strict=True)
        return stored.address + sum(at * pitch for at, pitch in pairs)


def _inside(span: Span, size: int) -> Span:
    low, high = max(0, span[0]), min(size, sum(span))
    return low, max(0, high - low)


def _streams(stored: Stored, box: Box) -> Iterator[tuple[_Stream, Box]]:
    """What a box takes of a tensor, a stream for an image or, in pieces, for a row of it.

    Beside each the part of the box that it fills, in coordinates of the stream.
    """
    _, rows, columns, channels = stored.dims
    down, across = _inside(box.rows, rows), _inside(box.columns, columns)
    deep = _inside(box.channels, channels)
    by_row = _stream(stored, 0, down, across, deep) is None
    parts = [(down[0] + row, 1) for row in range(down[1])] if by_row else [down]
    for image in range(box.images[0], sum(box.images)):
        for number, part in enumerate(parts):
            # The margins above go with the first row, those below with the last.
            top = box.rows[0] if number == 0 else part[0]
            end = sum(box.rows) if number == len(parts) - 1 else sum(part)
            stream = _stream(stored, image, part, across, deep)
            assert stream is not None  # a row is always one
            inner = Box(
                (image, 1),
                (top - stream.first[1], end - top),
                (box.columns[0] - stream.first[2], box.columns[1]),
                (box.channels[0] - stream.first[3], box.channels[1]),
            )
            yield stream, inner


def _stream(stored: Stored, image: int, down: Span, across: Span, deep: Span) -> _Stream | None:
    """Equal segments one pitch apart, if the elements are that."""
    if min(down[1], across[1], deep[1]) == 0:
        # Nothing but padding: a stream of one element, which the box does not have.
        before = (image, down[0] - 1, across[0] - 1, deep[0] - 1)
        return _Stream(before, (1, 1, 1), 1, stored.width, 0, padding=True)
    first, size = (image, down[0], across[0], deep[0]), (down[1], across[1], deep[1])
    _, row, column, _ = stored.pitches
    run = deep[1] * stored.width
    if across[1] == 1 or column == run:
        run *= across[1]
        if down[1] == 1 or row == run:
            return _Stream(first, size, 1, run * down[1], 0)
        return _Stream(first, size, down[1], run, row)
    if down[1] == 1 or row == across[1] * column:
        return _Stream(first, size, down[1] * across[1], run, column)
    return None


def _flattened(stored: Stored, site: Site, box: Box) -> tuple[Stored, Site, Box]:
    """A batch of whole images as one image with all of their rows, where both lie so."""
    images, rows, columns, channels = stored.dims
    whole = box.rows == (0, rows) and box.columns == (0, columns)
    together = all(each.pitches[0] == rows * each.pitches[1] for each in (stored, site))
    if box.images[1] == 1 or not whole or not together:
        return stored, site, box
    tall = stored._replace(dims=(1, images * rows, columns, channels))
    span = (box.images[0] * rows, box.images[1] * rows)
    return tall, site, box._replace(images=(0, 1), rows=span)


def _operands(
    stored: Stored, site: Site, stream: _Stream, inner: Box, place: Four
) -> dict[str, int]:
    wide = TransferFlag.WIDE if stored.width == 2 else TransferFlag.NONE
    return {
        "segments": stream.segments,
        "segment_bytes": stream.segment_bytes,
        "dram_address": stream.start(stored),
        "dram_pitch": stream.pitch,
        "columns": stream.size[1],
        "channels": stream.size[2],
        "flags": int(wide),
        "address": site.at(place),
        "row_pitch": site.pitches[1],
        "column_pitch": site.pitches[2],
        "channel_pitch": site.pitches[3],
        "box_rows": inner.rows[1],
        "box_columns": inner.columns[1],
        "box_channels": inner.channels[1],
        "first_row": inner.rows[0],
        "first_column": inner.columns[0],
        "first_channel": inner.channels[0],
    }


def _places(stream: _Stream, inner: Box) -> Four:
    """The first element of the box, as an element of the tensor."""
    _, row, column, channel = stream.first
    return (
        stream.first[0],
        row + inner.rows[0],
        column + inner.columns[0],
        channel + inner.channels[0],
    )


def _memory(stored: Stored, stream: _Stream, *, writes: bool) -> list[Access]:
    """Use of DRAM, where it matters."""
    if not stored.changes:
        return []
    start = stream.start(stored)
    end = start + (stream.segments - 1) * stream.pitch + stream.segment_bytes
    if stream.padding:
        return [Access(Memory.DRAM, start, end, writes)]
    first = (stored.channel + stream.first[3]) * stored.width
    end_of_strip = first + stream.size[2] * stored.width
    # Results of several columns may lie in the channels of one position: no strip then.
    inside = end_of_strip <= stored.deep * stored.width
    strip = Strip(stored.tensor, first, end_of_strip) if inside else None
    return [Access(Memory.DRAM, start, end, writes, strip)]


def _covered(site: Site, stream: _Stream, inner: Box, *, writes: bool) -> Access:
    row, column, channel = _places(stream, inner)[1:]
    spans = ((row, inner.rows[1]), (column, inner.columns[1]), (channel, inner.channels[1]))
    return site.access(Box((stream.first[0], 1), *spans), writes=writes)


def load(builder: Builder, heading: int, stored: Stored, site: Site, box: Box, fill: int) -> None:
    """Load a box of a tensor; `fill` goes where the tensor has no element."""
    stored, site, box = _flattened(stored, site, box)
    for stream, inner in _streams(stored, box):
        place = _places(stream, inner)
        builder.add(
            Opcode.LOAD_ACTIVATIONS,
            heading,
            [
                _covered(site, stream, inner, writes=True),
                *_memory(stored, stream, writes=False),
            ],
            fill=fill,
            **_operands(stored, site, stream, inner, place),
        )


def store(builder: Builder, heading: int, stored: Stored, site: Site, box: Box) -> None:
    """Store a box of a tensor, all of it inside, behind the drains that write it."""
    stored, site, box = _flattened(stored, site, box)
    for stream, inner in _streams(stored, box):
        place = _places(stream, inner)
        builder.defer(
            Opcode.STORE,
            heading,
            [_covered(site, stream, inner, writes=False), *_memory(stored, stream, writes=True)],
            **_operands(stored, site, stream, inner, place),
        )


def fill_margins(
    builder: Builder, heading: int, site: Site, dims: Four, margins: Four, fill: int
) -> None:
    """Write `fill` around every image of a tensor: a move that brings nothing (M25)."""
    images, rows, columns, channels = dims
    top, bottom, left, right = margins
    for image in range(images):
        around = Box(
            (image, 1), (-top, top + rows + bottom), (-left, left + columns + right), (0, channels)
        )
        wide = TransferFlag.WIDE if site.width == 2 else TransferFlag.NONE
        source = site.at((image, 0, 0, 0))
        builder.add(
            Opcode.MOVE,
            heading,
            [site.access(around, writes=True)],
            bytes=0,
            rows=rows,
            columns=columns,
            channels=channels,
            source=source,
            source_row_pitch=site.pitches[1],
            source_column_pitch=site.pitches[2],
            source_channel_pitch=site.pitches[3],
            flags=int(TransferFlag.HALO | wide),
            address=site.at(around.first),
            row_pitch=site.pitches[1],
            column_pitch=site.pitches[2],
            channel_pitch=site.pitches[3],
            box_rows=around.rows[1],
            box_columns=around.columns[1],
            box_channels=channels,
            first_row=-top,
            first_column=-left,
            fill=fill,
        )

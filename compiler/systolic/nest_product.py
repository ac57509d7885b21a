"""A tile of a nest that multiplies, as a product for the stream."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from apollo.arch.operands import ComputeFlag
from apollo.compiler.systolic.axes import MOST_COLUMNS, MOST_ROWS, Axis, Folded, fold
from apollo.compiler.systolic.boxes import Box, Numbers, source_box
from apollo.compiler.systolic.builder import Builder
from apollo.compiler.systolic.computed import Computed
from apollo.compiler.systolic.geometry import Piece, even
from apollo.compiler.systolic.hazards import Access
from apollo.compiler.systolic.layers import Range
from apollo.compiler.systolic.nest_vector import result_start, window_operands
from apollo.compiler.systolic.sites import Site
from apollo.compiler.systolic.stream import Column, Operands, Part
from apollo.compiler.systolic.weights import Results, Tile, Weights
from apollo.compiler.tables import Nest


@dataclass
class NestProduct:
    """Positions of a tile by the columns whose channels are in it."""

    name: str
    nest: Numbers
    tile: Box
    source: Site
    destination: Site
    weights: Weights
    builder: Builder
    capacity: int  # bytes of instructions of a section
    computed: Computed | None = None

    @property
    def flat(self) -> bool:
        """Whether a window is a run of memory."""
        return self.weights.taps < self.nest[Nest.TAPS]

    @property
    def columns(self) -> Sequence[Column]:
        """Those with a channel of the tile; a tile has all channels of a column or none."""
        if self.nest[Nest.MIXES_CHANNELS] or self.tile.channels[1] == self.nest[Nest.CHANNELS]:
            return self.weights.columns
        low, size = self.tile.channels
        pitch = self.nest[Nest.RESULT_PITCH]
        inside = range(low * pitch, (low + size) * pitch)
        return [c for c in self.weights.columns if self.weights.results[c.number].first in inside]

    @property
    def flags(self) -> ComputeFlag:
        """Element widths and rounding."""
        return ComputeFlag(self.nest[Nest.FLAGS])

    @property
    def bounds(self) -> Range:
        """What requantisation adds and where it clamps."""
        return Range(self.nest[Nest.ZERO_POINT], self.nest[Nest.LOW], self.nest[Nest.HIGH])

    def heading(self, size: int) -> int:
        """Of the layer, or of its next section where that is full."""
        return self.builder.section(self.name, size, self.capacity)

    @cached_property
    def _folded(self) -> Folded:
        nest, (images, rows, columns, _) = self.nest, self.tile
        source, result = self.source.pitches, self.destination.pitches
        if self.flat:
            source = (source[0], 0, 0, source[3])  # a window is an image
        steps = (nest[Nest.STRIDE_ROWS], nest[Nest.STRIDE_COLUMNS])
        apart = (nest[Nest.RESULT_ROWS], nest[Nest.RESULT_COLUMNS])
        kernel = self.weights.kernel
        return fold(
            [
                Axis(columns[1], (steps[1] * source[2], apart[1] * result[2]), kernel[1] > 1),
                Axis(rows[1], (steps[0] * source[1], apart[0] * result[1]), kernel[0] > 1),
                Axis(images[1], (source[0], result[0])),
            ],
            (MOST_COLUMNS, MOST_ROWS),
        )

    def pieces(self, most: int) -> list[Piece]:
        """All positions in pieces of at most `most`; a piece's image counts the loops outside."""
        columns, rows = (axis.size for axis in self._folded.inside)
        across = even(columns, -(-columns // most))
        down = most // max(size for _, size in across)
        return [
            Piece(image, row, height, column, width)
            for image in range(len(self._offsets))
            for row, height in even(rows, -(-rows // down))
            for column, width in across
        ]

    @cached_property
    def _offsets(self) -> list[tuple[int, ...]]:
        return list(self._folded.offsets())

    def _start(self, piece: Piece, operand: int) -> int:
        """How far a piece is from the tile's first position in an operand."""
        columns, rows = self._folded.inside
        offset = self._offsets[piece.image][operand]
        return offset + piece.row * rows.pitches[operand] + piece.column * columns.pitches[operand]

    def operand(self, piece: Piece, column: Column, part: Part) -> tuple[Operands, Access]:
        """Where a piece finds the elements of a part of K."""
        nest, source = self.nest, self.source
        tile: Tile = self.weights.tiles[column.number][part.number]
        results: Results = self.weights.results[column.number]
        taps, (columns, rows) = tile.taps, self._folded.inside
        start = source.at((self.tile.images[0], *self._corner, 0)) + self._start(piece, 0)
        tap = (taps.row * nest[Nest.DILATION_ROWS], taps.column * nest[Nest.DILATION_COLUMNS])
        start += tap[0] * source.pitches[1] + tap[1] * source.pitches[2]
        channel = results.source + tile.first
        inputs = tile.units * tile.inputs
        operands = window_operands(nest, rows, columns) | {
            "in_channels": inputs,
            "kernel_rows": taps.height,
            "kernel_columns": taps.width,
            "source": start + channel * source.width,
            "source_channel_pitch": source.width,
        }
        last = start + (piece.rows - 1) * rows.pitches[0] + (piece.columns - 1) * columns.pitches[0]
        last += (taps.height - 1) * nest[Nest.DILATION_ROWS] * source.pitches[1]
        last += (taps.width - 1) * nest[Nest.DILATION_COLUMNS] * source.pitches[2]
        return operands, self._use(source, start, last, range(channel, channel + inputs))

    @cached_property
    def _corner(self) -> tuple[int, int]:
        box = source_box(self.nest, self.tile)
        return box.rows[0], box.columns[0]

    def _use(
        self, site: Site, first: int, last: int, channels: range, *, writes: bool = False
    ) -> Access:
        """Use of channels from a position to another, given by the addresses of their channel 0."""
        image = Box((0, 1), (0, 1), (0, 1), (channels.start, len(channels)))
        found = site._replace(origin=first).access(image, writes=writes)
        strip = found.strip
        if self.flat and strip is not None:
            strip = None  # channels of a flat window are those of many positions
        return found._replace(end=found.end + last - first, strip=strip)

    def result(self, piece: Piece, column: Column) -> tuple[Operands, Access]:
        """Where a piece's results of a column go."""
        nest, site, channel = self.nest, self.destination, self.nest[Nest.FIRST_CHANNEL]
        results, (columns, rows) = self.weights.results[column.number], self._folded.inside
        # Of the first channel of the nest's part: columns know their channels in it.
        every = self.tile._replace(channels=(0, nest[Nest.CHANNELS]))
        start = result_start(nest, every, site) + self._start(piece, 1)
        last = start + (piece.rows - 1) * rows.pitches[1] + (piece.columns - 1) * columns.pitches[1]
        operands = {
            "destination": start + results.first * site.width,
            "row_pitch": rows.pitches[1],
            "column_pitch": columns.pitches[1],
            "channel_pitch": results.pitch * site.width,
        }
        channels = results.channels
        used = range(channel + channels[0], channel + channels[-1] + 1)
        before = channel * site.width
        return operands, self._use(site, start - before, last - before, used, writes=True)

"""A tile of a nest that multiplies, as a product for the stream."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from apollo.arch.isa import USUAL, Opcode
from apollo.arch.operands import OPERANDS, ComputeFlag, Matmul
from apollo.compiler.systolic.axes import MOST_COLUMNS, MOST_ROWS, Axis, Folded, fold
from apollo.compiler.systolic.boxes import Box, Numbers, source_box
from apollo.compiler.systolic.builder import Builder
from apollo.compiler.systolic.computed import Computed
from apollo.compiler.systolic.geometry import Piece, even
from apollo.compiler.systolic.hazards import Access, Memory
from apollo.compiler.systolic.kernels.lines import NO_STRIP, Use
from apollo.compiler.systolic.layers import Range
from apollo.compiler.systolic.nest_vector import result_start, window_operands
from apollo.compiler.systolic.sites import Site
from apollo.compiler.systolic.stream import Column, Operands, Windows
from apollo.compiler.systolic.weights import Taps, Weights
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

    def windows(self, block: Sequence[Piece], column: Column) -> Windows:
        """Where the pieces find the elements of the parts of K."""
        source, (columns, rows) = self.source, self._folded.inside
        taps, (down, across) = self.weights.windows[column.number], self._apart
        first = self._first + taps[:, Taps.ROW] * down + taps[:, Taps.COLUMN] * across
        start = first[:, None] + np.array([self._start(piece, 0) for piece in block])
        span = (taps[:, Taps.HEIGHT] - 1) * down + (taps[:, Taps.WIDTH] - 1) * across
        long = [
            (piece.rows - 1) * rows.pitches[0] + (piece.columns - 1) * columns.pitches[0]
            for piece in block
        ]
        inputs = taps[:, Taps.INPUTS]
        channel = self.weights.results[column.number].source + taps[:, Taps.FIRST]
        operands = np.empty((*start.shape, OPERANDS), np.int32)
        operands[:] = self._multiplication
        operands[..., Matmul.SOURCE] = start + (channel * source.width)[:, None]
        for slot, values in (
            (Matmul.IN_CHANNELS, inputs),
            (Matmul.KERNEL_ROWS, taps[:, Taps.HEIGHT]),
            (Matmul.KERNEL_COLUMNS, taps[:, Taps.WIDTH]),
        ):
            operands[..., slot] = values[:, None]
        uses = np.zeros((*start.shape, len(Use)), np.int64)
        pitch, end = source.pitches[3], channel + inputs
        uses[..., Use.MEMORY] = Memory.PE
        uses[..., Use.START] = start + (channel * pitch)[:, None]
        behind = (end - 1) * pitch + source.width + span
        uses[..., Use.END] = start + behind[:, None] + np.array(long)
        uses[..., Use.TENSOR] = NO_STRIP
        strips = (end <= source.deep) & source.whole & (not self.flat)
        of_strip = np.stack([np.full_like(end, source.tensor), *(channel, end)], 1)
        of_strip[:, 1:] *= source.width
        uses[strips, :, Use.TENSOR :] = of_strip[strips, None]
        return Windows(operands, uses)

    @cached_property
    def _multiplication(self) -> Any:
        """The operands that all of its multiplications have."""
        columns, rows = self._folded.inside
        row = USUAL[Opcode.MATMUL].astype(np.int32)
        for name, value in window_operands(self.nest, rows, columns).items():
            row[Matmul[name.upper()]] = value
        row[Matmul.SOURCE_CHANNEL_PITCH] = self.source.width
        return row

    @cached_property
    def _apart(self) -> tuple[int, int]:
        """Bytes from tap to tap."""
        down, across = self.source.pitches[1:3]
        return self.nest[Nest.DILATION_ROWS] * down, self.nest[Nest.DILATION_COLUMNS] * across

    @cached_property
    def _first(self) -> int:
        """Where channel 0 of the first position's window is."""
        return self.source.at((self.tile.images[0], *self._corner, 0))

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

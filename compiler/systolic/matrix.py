"""Matrix layers of a stack as products: their weight tiles, positions and places."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from apollo.arch.isa import USUAL, Opcode
from apollo.arch.operands import RECORD_BYTES, ComputeFlag, Matmul
from apollo.compiler.systolic.geometry import (
    Piece,
    Reduction,
    cut,
    pieces,
    reduction_rows,
    reductions,
)
from apollo.compiler.systolic.hazards import Access, use_of
from apollo.compiler.systolic.kernels.lines import Use
from apollo.compiler.systolic.layers import Convolution, FullyConnected
from apollo.compiler.systolic.layout import Layout, WeightTile
from apollo.compiler.systolic.machine import Array
from apollo.compiler.systolic.stream import Column, Operands, Part, Windows
from apollo.compiler.systolic.tensors import Placed


@dataclass
class LayerProduct:
    """A fully connected layer or a convolution; its weights are entered in the layout."""

    array: Array
    layout: Layout
    layer: FullyConnected | Convolution
    sources: tuple[Placed, ...]
    output: Placed
    number: int  # heading
    computed: None = None  # its weights are in DRAM

    def __post_init__(self) -> None:
        """Cut K and N, and lay out the weights.

        Raises `ValueError` for tensors of different tiles.
        """
        if any(source.tile_channels != self.output.tile_channels for source in self.sources):
            raise ValueError(f"Layer '{self.layer.name}' must read and write tiles of one width.")
        shapes = tuple(source.shape for source in self.sources)
        self.name, self.bounds = self.layer.name, self.layer.range
        width = self.output.tile_channels
        self.parts = reductions(self.layer, shapes, self.array.tile_rows, width)
        rows = [tuple(reduction_rows(part, self.layer, shapes, width)) for part in self.parts]
        tiles = self.layout.weights[self.name] = list[WeightTile]()
        self._columns: list[tuple[int, int]] = cut(self.layer.out_channels, self.array.columns)
        self.columns = [self._column(number, rows, tiles) for number in range(len(self._columns))]
        base = self.layout.reserve(RECORD_BYTES * self.layer.out_channels)
        self.layout.records[self.name] = base
        self.columns = [
            column._replace(records=base + RECORD_BYTES * self._columns[column.number][0])
            for column in self.columns
        ]
        self.flags = ComputeFlag.WIDE_SOURCE if shapes[0].wide else ComputeFlag.NONE
        if self.output.shape.wide:
            self.flags |= ComputeFlag.WIDE_DESTINATION

    def _column(self, number: int, rows: list[tuple[int, ...]], tiles: list[WeightTile]) -> Column:
        first, count = self._columns[number]
        pitch, found = self.array.columns, list[Part]()
        for index, (part, of_part) in enumerate(zip(self.parts, rows, strict=True)):
            size = self._tile_bytes(part)
            tile = WeightTile(self.layout.reserve(size), of_part, first, count, pitch)
            tiles.append(tile)
            found.append(Part(index, part.size, tile.address, size, pitch))
        return Column(number, count, 0, found)

    def _tile_bytes(self, part: Reduction) -> int:
        """Weight-stationary, whole tiles lie in DRAM, as the FIFO takes them."""
        rows = part.size if self.array.output_stationary else self.array.rows
        return rows * self.array.columns

    def heading(self, size: int) -> int:
        """The layer's."""
        return self.number

    def pieces(self, most: int) -> list[Piece]:
        """All positions in pieces of at most `most`."""
        return pieces(self.output.shape, most)

    def windows(self, block: Sequence[Piece], column: Column) -> Windows:
        """Where the pieces find the elements of the parts of K."""
        shape = (len(column.parts), len(block))
        operands = np.tile(USUAL[Opcode.MATMUL].astype(np.int32), (*shape, 1))
        uses = np.zeros((*shape, len(Use)), np.int64)
        for part in column.parts:
            for number, piece in enumerate(block):
                found, access = self._operand(piece, part)
                for name, value in found.items():
                    operands[part.number, number, Matmul[name.upper()]] = value
                uses[part.number, number] = use_of(access)
        return Windows(operands, uses)

    def _operand(self, piece: Piece, part: Part) -> tuple[Operands, Access]:
        """Where a piece finds the elements of a part of K."""
        reduction = self.parts[part.number]
        source, tile = self.sources[reduction.source], reduction.tile
        if isinstance(self.layer, FullyConnected):
            operands = {
                "in_channels": reduction.channels,
                "source": source.at(tile, piece.row) + reduction.first * source.width,
                "source_row_pitch": source.image_pitch(tile),
                "source_channel_pitch": source.width,
            }
            return operands, source.images(tile, piece.row, piece.rows)
        window, taps = self.layer.window, reduction.taps
        row = piece.row * window.stride[0] + taps.row * window.dilation[0] - window.padding[0]
        across = piece.column * window.stride[1] + taps.column * window.dilation[1]
        across -= window.padding[1]
        height = (piece.rows - 1) * window.stride[0] + (taps.height - 1) * window.dilation[0] + 1
        operands = {
            "in_channels": reduction.channels,
            "kernel_rows": taps.height,
            "kernel_columns": taps.width,
            "stride_rows": window.stride[0],
            "stride_columns": window.stride[1],
            "dilation_rows": window.dilation[0],
            "dilation_columns": window.dilation[1],
            "source": source.at(tile, piece.image, row, across) + reduction.first * source.width,
            "source_row_pitch": source.row_pitch(tile),
            "source_column_pitch": source.column_pitch(tile),
            "source_channel_pitch": source.width,
        }
        return operands, source.row_span(tile, piece.image, row, height, writes=False)

    def result(self, piece: Piece, column: Column) -> tuple[Operands, Access]:
        """Where a piece's results of a column go."""
        output, first = self.output, self._columns[column.number][0]
        tile, offset = divmod(first, output.tile_channels)
        if output.shape.positions == 1:
            at, pitch = output.at(tile, piece.row), output.image_pitch(tile)
            place = output.images(tile, piece.row, piece.rows, writes=True)
        else:
            at = output.at(tile, piece.image, piece.row, piece.column)
            pitch = output.row_pitch(tile)
            place = output.row_span(tile, piece.image, piece.row, piece.rows, writes=True)
        operands = {
            "destination": at + offset * output.width,
            "row_pitch": pitch,
            "column_pitch": output.column_pitch(tile),
            "channel_pitch": output.width,
        }
        return operands, place

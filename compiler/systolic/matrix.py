"""Emission of matrix layers: weight tiles through the FIFO, multiplications, drains.

For every block of positions, column tile by column tile, the parts of K follow each other and add
up in the accumulators, a ring, so that a column is drained while the next one is computed. Program
order on the MOVE engine is decided by estimated times: a drain goes before the next shift of
weights if that shift is still in time for the array.
"""

from dataclasses import dataclass, field

from apollo.arch.cycles import matmul_cycles
from apollo.arch.isa import Opcode
from apollo.arch.operands import RECORD_BYTES, ComputeFlag
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.systolic.builder import Access, Builder, Deferred, Instruction, Memory
from apollo.compiler.systolic.geometry import (
    Piece,
    Reduction,
    blocks,
    cut,
    pieces,
    reduction_rows,
    reductions,
)
from apollo.compiler.systolic.layers import Convolution, FullyConnected
from apollo.compiler.systolic.layout import Layout, WeightTile
from apollo.compiler.systolic.machine import Array
from apollo.compiler.systolic.tensors import Placed


@dataclass
class Clock:
    """Estimated cycles at which engines are free; only the order of MOVE depends on it."""

    load: int = 0
    move: int = 0
    compute: int = 0
    before: int = 0  # end of the multiplications of the last tile but one


@dataclass
class Stream:
    """Emits matrix layers one after the other, the FIFO running ahead over all of them."""

    builder: Builder
    array: Array
    layout: Layout
    clock: Clock = field(default_factory=Clock)
    tiles: int = 0  # loaded so far
    columns: int = 0  # drained so far
    accumulator: int = 0  # next free row

    def layer(
        self,
        layer: FullyConnected | Convolution,
        sources: tuple[Placed, ...],
        output: Placed,
        heading: int,
    ) -> None:
        """Emit a layer.

        Raises `DoesNotFit` when the accumulators do not hold the positions of one piece.
        """
        _Layer(self, layer, sources, output, heading).emit()

    def allocate(self, rows: int) -> int:
        """The first of so many accumulator rows in a run, round the ring."""
        if self.accumulator + rows > self.array.accelerator.accumulator_rows:
            self.accumulator = 0
        first = self.accumulator
        self.accumulator += rows
        return first


@dataclass
class _Layer:
    stream: Stream
    layer: FullyConnected | Convolution
    sources: tuple[Placed, ...]
    output: Placed
    heading: int

    def __post_init__(self) -> None:
        array, layout = self.stream.array, self.stream.layout
        self.builder, self.array = self.stream.builder, array
        shapes = tuple(source.shape for source in self.sources)
        if any(source.tile_channels != self.output.tile_channels for source in self.sources):
            raise ValueError(f"Layer '{self.layer.name}' must read and write tiles of one width.")
        width = self.output.tile_channels
        self.parts = reductions(self.layer, shapes, array.tile_rows, width)
        self.column_tiles = cut(self.layer.out_channels, array.columns)
        rows = [tuple(reduction_rows(part, self.layer, shapes, width)) for part in self.parts]
        layout.weights[self.layer.name] = self.weights = [
            WeightTile(layout.reserve(self._tile_bytes(part)), of_part, *columns, array.columns)
            for columns in self.column_tiles
            for part, of_part in zip(self.parts, rows, strict=True)
        ]
        layout.records[self.layer.name] = layout.reserve(RECORD_BYTES * self.layer.out_channels)
        self.rate = 2 if shapes[0].wide else 1
        self.flags = array.dataflow_flag
        if shapes[0].wide:
            self.flags |= ComputeFlag.WIDE_SOURCE

    def _tile_bytes(self, part: Reduction) -> int:
        """Weight-stationary, whole tiles lie in DRAM, as the FIFO takes them."""
        rows = part.size if self.array.output_stationary else self.array.rows
        return rows * self.array.columns

    def blocks(self) -> list[list[Piece]]:
        """Positions that go through the array with one visit of the weights, in pieces."""
        rows = self.array.accelerator.accumulator_rows
        most = min(rows, self.array.rows) if self.array.output_stationary else max(1, rows // 2)
        found = pieces(self.output.shape, most)
        largest = max(piece.positions for piece in found)
        if largest > rows:
            raise DoesNotFit("accumulator_rows", self.layer.name, largest, rows, "rows")
        # A ring of pieces may waste less than one of them where it wraps.
        whole = rows if len(found) == 1 else max(largest, rows - largest + 1)
        half = max(largest, rows // 2)
        return min((blocks(found, most) for most in (whole, half)), key=self._estimate)

    def _estimate(self, candidate: list[list[Piece]]) -> int:
        """Cycles: the array or the weights, and drains for which the accumulators leave no room."""
        cycles = 0
        rows = self.array.accelerator.accumulator_rows
        for block in candidate:
            count = sum(piece.positions for piece in block)
            busy = max(count * self.rate, self.array.tile_load_cycles, self.array.shift_cycles)
            cycles += busy * len(self.parts)
            drains = sum(self._drain_cycles(p, self.array.columns) for p in block)
            exposed = max(0, 2 * count - rows) * drains // count
            cycles += exposed if len(self.column_tiles) * len(candidate) > 1 else 0
        return cycles * len(self.column_tiles)

    def _drain_cycles(self, piece: Piece, columns: int) -> int:
        return self.array.drain_cycles(piece.positions * columns * self.output.width)

    def emit(self) -> None:
        """Every block, column tile by column tile."""
        for block in self.blocks():
            for column in range(len(self.column_tiles)):
                self._column(block, column)

    def _column(self, block: list[Piece], column: int) -> None:
        first = [self.stream.allocate(piece.positions) for piece in block]
        records = self._load_records(column)
        for number, part in enumerate(self.parts):
            tile = self._load(self.weights[column * len(self.parts) + number], part)
            if not self.array.output_stationary:
                self._shift(tile, part, column)
            ends = self._multiply(block, first, part, tile, column, accumulate=number > 0)
        for piece, rows, ready in zip(block, first, ends, strict=True):
            self._drain(piece, rows, column, records, ready)

    def _load_records(self, column: int) -> Access:
        first, count = self.column_tiles[column]
        address = self.array.record_address(self.stream.columns)
        self.stream.columns += 1
        place = Access(Memory.CORE, address, address + count * RECORD_BYTES, writes=True)
        self.builder.add(
            Opcode.LOAD_PARAMETERS,
            self.heading,
            [place],
            segments=1,
            segment_bytes=count * RECORD_BYTES,
            dram_address=self.stream.layout.records[self.layer.name] + first * RECORD_BYTES,
            destination=address,
            block_bytes=count * RECORD_BYTES,
        )
        self.stream.clock.load += self.array.load_cycles(count * RECORD_BYTES)
        return Access(Memory.CORE, place.start, place.end)

    def _load(self, weights: WeightTile, part: Reduction) -> Access:
        """Bring a weight tile into the FIFO; where it lies."""
        address = self.array.slot_address(self.stream.tiles)
        size = self._tile_bytes(part)
        place = Access(Memory.CORE, address, address + size, writes=True)
        self.builder.add(
            Opcode.LOAD_PARAMETERS,
            self.heading,
            [place],
            segments=1,
            segment_bytes=size,
            dram_address=weights.address,
            destination=address,
            block_bytes=size,
        )
        self.stream.tiles += 1
        self.stream.clock.load += self.array.load_cycles(size)
        return Access(Memory.CORE, address, address + size)

    def _shift(self, tile: Access, part: Reduction, column: int) -> None:
        clock, shift = self.stream.clock, self.array.shift_cycles
        possible = max(clock.load, clock.before)
        in_time = max(possible, clock.compute - shift)
        clock.move = self.builder.release_until(clock.move, in_time)
        clock.move = max(clock.move, possible) + shift
        buffer = self._buffer(writes=True)
        self.builder.add(
            Opcode.SHIFT_WEIGHTS,
            self.heading,
            [tile, buffer],
            buffer=buffer.start,
            in_channels=part.size,
            out_channels=self.column_tiles[column][1],
            parameters=tile.start,
            parameter_pitch=self.array.columns,
        )

    def _buffer(self, *, writes: bool = False) -> Access:
        """The weight buffer of the newest tile."""
        number = (self.stream.tiles - 1) % 2
        return Access(Memory.BUFFERS, number, number + 1, writes)

    def _multiply(
        self,
        block: list[Piece],
        first: list[int],
        part: Reduction,
        tile: Access,
        column: int,
        *,
        accumulate: bool,
    ) -> list[int]:
        """Emit a multiplication for every piece; the estimated ends."""
        clock, ends = self.stream.clock, []
        clock.before, clock.compute = clock.compute, max(clock.compute, clock.move)
        flags = self.flags | (ComputeFlag.ACCUMULATE if accumulate else ComputeFlag.NONE)
        for piece, rows in zip(block, first, strict=True):
            sums = Access(Memory.ACCUMULATORS, rows, rows + piece.positions, writes=True)
            operands, source = self._operand(piece, part)
            if self.array.output_stationary:
                operands |= {"parameters": tile.start, "parameter_pitch": self.array.columns}
                weights = tile
            else:
                weights = self._buffer()
                operands["buffer"] = weights.start
            self.builder.add(
                Opcode.MATMUL,
                self.heading,
                [weights, sums, source],
                rows=piece.rows,
                columns=piece.columns,
                out_channels=self.column_tiles[column][1],
                accumulator=rows,
                flags=flags,
                **operands,
            )
            size = (piece.positions, part.size, int(flags), self.array.rows)
            clock.compute += int(matmul_cycles(*size))
            ends.append(clock.compute)
        return ends

    def _operand(self, piece: Piece, part: Reduction) -> tuple[dict[str, int], Access]:
        """Where a piece finds the elements of a part of K."""
        source, tile = self.sources[part.source], part.tile
        if isinstance(self.layer, FullyConnected):
            operands = {
                "in_channels": part.channels,
                "source": source.at(tile, piece.row) + part.first * source.width,
                "source_row_pitch": source.image_pitch(tile),
                "source_channel_pitch": source.width,
            }
            return operands, source.images(tile, piece.row, piece.rows)
        window, taps = self.layer.window, part.taps
        row = piece.row * window.stride[0] + taps.row * window.dilation[0] - window.padding[0]
        column = piece.column * window.stride[1] + taps.column * window.dilation[1]
        column -= window.padding[1]
        height = (piece.rows - 1) * window.stride[0] + (taps.height - 1) * window.dilation[0] + 1
        operands = {
            "in_channels": part.channels,
            "kernel_rows": taps.height,
            "kernel_columns": taps.width,
            "stride_rows": window.stride[0],
            "stride_columns": window.stride[1],
            "dilation_rows": window.dilation[0],
            "dilation_columns": window.dilation[1],
            "source": source.at(tile, piece.image, row, column) + part.first * source.width,
            "source_row_pitch": source.row_pitch(tile),
            "source_column_pitch": source.column_pitch(tile),
            "source_channel_pitch": source.width,
        }
        return operands, source.row_span(tile, piece.image, row, height, writes=False)

    def _drain(self, piece: Piece, first: int, column: int, records: Access, ready: int) -> None:
        """Defer the drain of a piece."""
        output, (channel, count) = self.output, self.column_tiles[column]
        tile, offset = divmod(channel, output.tile_channels)
        flags = self.array.dataflow_flag
        if output.shape.wide:
            flags |= ComputeFlag.WIDE_DESTINATION
        if output.shape.positions == 1:
            at, pitch = output.at(tile, piece.row), output.image_pitch(tile)
            place = output.images(tile, piece.row, piece.rows, writes=True)
        else:
            at, pitch = (
                output.at(tile, piece.image, piece.row, piece.column),
                output.row_pitch(tile),
            )
            place = output.row_span(tile, piece.image, piece.row, piece.rows, writes=True)
        operands = {
            "rows": piece.rows,
            "columns": piece.columns,
            "out_channels": count,
            "accumulator": first,
            "flags": int(flags),
            "destination": at + offset * output.width,
            "row_pitch": pitch,
            "column_pitch": output.column_pitch(tile),
            "channel_pitch": output.width,
            "parameters": records.start,
            "zero_point": self.layer.range.zero_point,
            "low": self.layer.range.low,
            "high": self.layer.range.high,
        }
        sums = Access(Memory.ACCUMULATORS, first, first + piece.positions)
        drain = Instruction(Opcode.DRAIN, self.heading, (sums, records, place), operands)
        cycles = self._drain_cycles(piece, count)
        self.builder.deferred.append(Deferred(drain, ready, cycles))

"""Emission of a convolution block by block (`blocking_convolution`), weight-stationary.

What Gemmini's loop over convolutions does, as facts: blocks in the order image, row, column, output
channel, kernel row, kernel column, channel; a tile of weights is one tap of at most R channels; it
is shifted in once for all positions of its block, in the order output channel, tap, channel.
"""

from dataclasses import dataclass, field

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import Opcode
from apollo.arch.operands import ComputeFlag
from apollo.compiler.systolic.blocked import REQUEST_BYTES, Span, group_of, inside
from apollo.compiler.systolic.blocking import Halves, halve
from apollo.compiler.systolic.blocking_convolution import (
    ConvolutionBlock,
    convolution_block,
    room_of,
)
from apollo.compiler.systolic.builder import Access, Builder, Deferred, Instruction, Memory
from apollo.compiler.systolic.geometry import cut
from apollo.compiler.systolic.layers import Convolution, Range, Shape, Window, reduction
from apollo.compiler.systolic.layout import RECORD_BYTES, Layout, Stored, WeightTile
from apollo.compiler.systolic.machine import Array
from apollo.compiler.systolic.matrix import Clock
from apollo.compiler.systolic.network import Compiled


def compile_blocked_convolution(
    source: Shape,
    out_channels: int,
    window: Window,
    accelerator: Accelerator,
    *,
    clamp: Range | None = None,
    fill: int = 0,
) -> Compiled:
    """A convolution, channels-last in DRAM: tensors "x" and "y", layer "convolution".

    Raises `DoesNotFit` when no block fits.
    """
    layer = Convolution("convolution", "x", "y", out_channels, window, clamp or Range(), fill)
    output = layer.shape((source,))
    depth = reduction(layer, {"x": source})
    layout = Layout()
    layout.tensors["x"] = Stored(layout.reserve(source.elements), source, source.channels)
    layout.tensors["y"] = Stored(layout.reserve(output.elements), output, out_channels)
    address = layout.reserve(depth * out_channels)
    tile = WeightTile(address, tuple(range(depth)), 0, out_channels, out_channels)
    layout.weights["convolution"] = [tile]
    layout.records["convolution"] = layout.reserve(RECORD_BYTES * out_channels)
    halves = halve(accelerator)
    whole = ConvolutionBlock(
        source.images, output.rows, output.columns, out_channels, *window.kernel, source.channels
    )
    block = convolution_block(whole, room_of(halves, window, accelerator.array_rows))
    array = Array(accelerator, False, 0, accelerator.array_rows, 1)
    run = _Blocks(Builder(), array, halves, layout, layer, source, output)
    for images in cut(source.images, block.images):
        for rows in cut(output.rows, block.rows):
            for columns in cut(output.columns, block.columns):
                for channels in cut(out_channels, block.out_channels):
                    run.output(_Outputs(images, rows, columns, channels), block)
    program = run.builder.program(accelerator.instruction_memory_bytes)
    macs = depth * out_channels * output.images * output.positions
    return Compiled(program, layout, macs, depth * out_channels)


@dataclass(frozen=True)
class _Outputs:
    """The results of a block."""

    images: Span
    rows: Span
    columns: Span
    channels: Span

    @property
    def positions(self) -> int:
        """Of all images."""
        return self.images[1] * self.rows[1] * self.columns[1]


@dataclass(frozen=True)
class _Block:
    """A part of the reduction of results, and where its operands and sums begin."""

    heading: int
    outputs: _Outputs
    kernel_rows: Span
    kernel_columns: Span
    channels: Span
    first: int  # in PE memory: [image][row][column][channel]
    second: int  # in core memory
    sums: int  # accumulator row: [output channel tile][image][row][column]
    height: int  # rows of inputs
    width: int

    def first_place(self, image: int, row: int = 0, column: int = 0) -> int:
        """Address of an input; image, row and column from the block's first."""
        return self.first + ((image * self.height + row) * self.width + column) * self.channels[1]

    def second_place(self, tap: tuple[int, int], at: Span, column: int) -> int:
        """[tap][channel tile][column group][channel][column]: a request's data lie together."""
        row = (tap[0] - self.kernel_rows[0]) * self.kernel_columns[1]
        row = (row + tap[1] - self.kernel_columns[0]) * self.channels[1]
        row += at[0] - self.channels[0]
        first, count = self.outputs.channels
        return self.second + row * count + (column - first) * at[1]


@dataclass
class _Blocks:
    builder: Builder
    array: Array
    halves: Halves
    layout: Layout
    layer: Convolution
    source: Shape
    target: Shape
    clock: Clock = field(default_factory=Clock)
    loads: int = 0
    outputs: int = 0
    shifts: int = 0
    ready: dict[int, int] = field(default_factory=dict)

    def output(self, outputs: _Outputs, size: ConvolutionBlock) -> None:
        """All of the reduction of a block of results, and its way out."""
        records = self._load_records(outputs)
        kernel = self.layer.window.kernel
        is_first = True
        for kernel_rows in cut(kernel[0], size.kernel_rows):
            for kernel_columns in cut(kernel[1], size.kernel_columns):
                for channels in cut(self.source.channels, size.channels):
                    block = self._block(outputs, kernel_rows, kernel_columns, channels)
                    self._load_inputs(block)
                    self._load_weights(block)
                    self._compute(block, is_first=is_first)
                    is_first = False
        for tile in inside(outputs.channels, self.array.columns):
            self._drain(block, tile, records)
        for group in inside(outputs.channels, self._group):
            self._store(block, group)
        self.outputs += 1

    @property
    def _group(self) -> int:
        """Output channels that one request spans: whole tiles."""
        return max(1, REQUEST_BYTES // self.array.columns) * self.array.columns

    def _block(
        self, outputs: _Outputs, kernel_rows: Span, kernel_columns: Span, channels: Span
    ) -> _Block:
        window, half = self.layer.window, self.loads % 2
        self.loads += 1
        at = (outputs.images[0], outputs.rows[0], outputs.columns[0], outputs.channels[0])
        name = f"block {at}, taps {kernel_rows[0]}, {kernel_columns[0]}, channels {channels[0]}"
        height = (outputs.rows[1] - 1) * window.stride[0]
        width = (outputs.columns[1] - 1) * window.stride[1]
        return _Block(
            self.builder.layer(name),
            outputs,
            kernel_rows,
            kernel_columns,
            channels,
            half * self.halves.first_bytes,
            half * self.halves.second_bytes,
            self.outputs % 2 * self.halves.sum_rows,
            height + (kernel_rows[1] - 1) * window.dilation[0] + 1,
            width + (kernel_columns[1] - 1) * window.dilation[1] + 1,
        )

    def _load_records(self, outputs: _Outputs) -> int:
        """Bring the requantisation of channels; its address."""
        first, count = outputs.channels
        size = count * RECORD_BYTES
        address = 2 * self.halves.second_bytes + self.outputs % 2 * self.halves.record_bytes
        self.builder.add(
            Opcode.LOAD_PARAMETERS,
            self.builder.layer("requantisation"),
            [Access(Memory.CORE, address, address + size, writes=True)],
            segments=1,
            segment_bytes=size,
            dram_address=self.layout.records["convolution"] + first * RECORD_BYTES,
            destination=address,
            block_bytes=size,
        )
        return address

    def _load_inputs(self, block: _Block) -> None:
        """Row by row; the first and the last one bring the padding beside them."""
        window, outputs = self.layer.window, block.outputs
        top = outputs.rows[0] * window.stride[0] + block.kernel_rows[0] * window.dilation[0]
        top -= window.padding[0]
        left = outputs.columns[0] * window.stride[1] + block.kernel_columns[0] * window.dilation[1]
        left -= window.padding[1]
        low, high = max(0, top), min(self.source.rows, top + block.height)
        for image in range(outputs.images[1]):
            for row in range(low, high):
                above = row - top if row == low else 0
                below = top + block.height - row - 1 if row == high - 1 else 0
                self._load_row(block, image, row, row - top - above, above + 1 + below, above, left)
            if low >= high:  # nothing but padding: a byte that no element of the box is
                self._load_row(block, image, 0, 0, block.height, block.height, left)

    def _load_row(
        self, block: _Block, image: int, row: int, at: int, rows: int, above: int, left: int
    ) -> None:
        """An input row to row `at` of the block, `above` rows of padding before it."""
        stored, shape = self.layout.tensors["x"], self.source
        first, count = block.channels
        low, high = max(0, left), min(shape.columns, left + block.width)
        columns = max(1, high - low)
        start = block.first_place(image, at)
        position = (block.outputs.images[0] + image) * shape.positions + row * shape.columns
        position += min(low, shape.columns - 1)
        whole = count == shape.channels
        self.builder.add(
            Opcode.LOAD_ACTIVATIONS,
            block.heading,
            [Access(Memory.PE, start, start + rows * block.width * count, writes=True)],
            segments=1 if whole else columns,
            segment_bytes=columns * count if whole else count,
            dram_address=stored.address + position * shape.channels + first,
            dram_pitch=0 if whole else shape.channels,
            columns=columns,
            channels=count,
            address=start,
            row_pitch=block.width * count,
            column_pitch=count,
            channel_pitch=1,
            box_rows=rows,
            box_columns=block.width,
            box_channels=count,
            first_row=-above,
            first_column=left - low if high > low else columns,
            fill=self.layer.fill,
        )

    def _load_weights(self, block: _Block) -> None:
        weights = self.layout.weights["convolution"][0]
        kernel_columns = self.layer.window.kernel[1]
        for column in inside(block.outputs.channels, self._group):
            for tap in self._taps(block):
                for at in inside(block.channels, self.array.rows):
                    start = block.second_place(tap, at, column[0])
                    size = at[1] * column[1]
                    row = (tap[0] * kernel_columns + tap[1]) * self.source.channels + at[0]
                    self.builder.add(
                        Opcode.LOAD_PARAMETERS,
                        block.heading,
                        [Access(Memory.CORE, start, start + size, writes=True)],
                        segments=at[1],
                        segment_bytes=column[1],
                        dram_address=weights.address + row * weights.pitch + column[0],
                        dram_pitch=weights.pitch,
                        destination=start,
                        block_bytes=size,
                    )

    def _taps(self, block: _Block) -> list[tuple[int, int]]:
        (row, rows), (column, columns) = block.kernel_rows, block.kernel_columns
        return [(r, c) for r in range(row, row + rows) for c in range(column, column + columns)]

    def _compute(self, block: _Block, *, is_first: bool) -> None:
        for tile in inside(block.outputs.channels, self.array.columns):
            accumulate = not is_first
            for tap in self._taps(block):
                for at in inside(block.channels, self.array.rows):
                    self._shift(block, tap, at, tile)
                    self._multiply(block, tap, at, tile, accumulate=accumulate)
                    accumulate = True
            self.ready[tile[0]] = self.clock.compute

    def _shift(self, block: _Block, tap: tuple[int, int], at: Span, tile: Span) -> None:
        """Shift a weight tile; drains go before it if it is still in time for the array."""
        clock, shift = self.clock, self.array.shift_cycles
        in_time = max(clock.before, clock.compute - shift)
        clock.move = self.builder.release_until(clock.move, in_time)
        clock.move = max(clock.move, clock.before) + shift
        group = group_of(block.outputs.channels, tile[0], self._group)
        start = block.second_place(tap, at, group[0])
        number = self.shifts % 2
        self.shifts += 1
        self.builder.add(
            Opcode.SHIFT_WEIGHTS,
            block.heading,
            [
                Access(Memory.CORE, start, start + at[1] * group[1]),
                Access(Memory.BUFFERS, number, number + 1, writes=True),
            ],
            buffer=number,
            in_channels=at[1],
            out_channels=tile[1],
            parameters=start + tile[0] - group[0],
            parameter_pitch=group[1],
        )

    def _sums(self, block: _Block, tile: Span) -> int:
        number = (tile[0] - block.outputs.channels[0]) // self.array.columns
        return block.sums + number * block.outputs.positions

    def _multiply(
        self, block: _Block, tap: tuple[int, int], at: Span, tile: Span, *, accumulate: bool
    ) -> None:
        """One multiplication for every image, with the weights that were just shifted."""
        clock, number, window = self.clock, (self.shifts - 1) % 2, self.layer.window
        clock.before, clock.compute = clock.compute, max(clock.compute, clock.move)
        row = (tap[0] - block.kernel_rows[0]) * window.dilation[0]
        column = (tap[1] - block.kernel_columns[0]) * window.dilation[1]
        positions = block.outputs.rows[1] * block.outputs.columns[1]
        for image in range(block.outputs.images[1]):
            start, sums = block.first_place(image), self._sums(block, tile) + image * positions
            self.builder.add(
                Opcode.MATMUL,
                block.heading,
                [
                    Access(Memory.PE, start, block.first_place(image + 1)),
                    Access(Memory.BUFFERS, number, number + 1),
                    Access(Memory.ACCUMULATORS, sums, sums + positions, writes=True),
                ],
                rows=block.outputs.rows[1],
                columns=block.outputs.columns[1],
                in_channels=at[1],
                out_channels=tile[1],
                stride_rows=window.stride[0],
                stride_columns=window.stride[1],
                flags=int(ComputeFlag.ACCUMULATE if accumulate else ComputeFlag.NONE),
                source=block.first_place(image, row, column) + at[0] - block.channels[0],
                source_row_pitch=block.width * block.channels[1],
                source_column_pitch=block.channels[1],
                source_channel_pitch=1,
                accumulator=sums,
                buffer=number,
            )
            clock.compute += positions

    def _result_place(self, block: _Block, group: Span) -> int:
        """[group of channels][image][row][column][channel], a half for every other block."""
        base = 2 * self.halves.first_bytes + self.outputs % 2 * self.halves.result_bytes
        return base + block.outputs.positions * (group[0] - block.outputs.channels[0])

    def _drain(self, block: _Block, tile: Span, records: int) -> None:
        """Defer the drain of a tile of channels."""
        outputs = block.outputs
        group = group_of(outputs.channels, tile[0], self._group)
        start, sums = self._result_place(block, group), self._sums(block, tile)
        of_tile = records + (tile[0] - outputs.channels[0]) * RECORD_BYTES
        accesses = (
            Access(Memory.PE, start, start + outputs.positions * group[1], writes=True),
            Access(Memory.ACCUMULATORS, sums, sums + outputs.positions),
            Access(Memory.CORE, of_tile, of_tile + tile[1] * RECORD_BYTES),
        )
        operands = {
            "rows": outputs.images[1] * outputs.rows[1],
            "columns": outputs.columns[1],
            "out_channels": tile[1],
            "accumulator": sums,
            "destination": start + tile[0] - group[0],
            "row_pitch": outputs.columns[1] * group[1],
            "column_pitch": group[1],
            "channel_pitch": 1,
            "parameters": of_tile,
            "zero_point": self.layer.range.zero_point,
            "low": self.layer.range.low,
            "high": self.layer.range.high,
        }
        drain = Instruction(Opcode.DRAIN, block.heading, accesses, operands)
        cycles = self.array.drain_cycles(outputs.positions * tile[1])
        self.builder.deferred.append(Deferred(drain, self.ready[tile[0]], cycles))

    def _store(self, block: _Block, group: Span) -> None:
        """Row by row of every image."""
        outputs, stored, shape = block.outputs, self.layout.tensors["y"], self.target
        columns = outputs.columns[1]
        for number in range(outputs.images[1] * outputs.rows[1]):
            image, row = divmod(number, outputs.rows[1])
            start = self._result_place(block, group) + number * columns * group[1]
            position = (outputs.images[0] + image) * shape.positions
            position += (outputs.rows[0] + row) * shape.columns + outputs.columns[0]
            self.builder.defer(
                Opcode.STORE,
                block.heading,
                [Access(Memory.PE, start, start + columns * group[1])],
                segments=columns,
                segment_bytes=group[1],
                dram_address=stored.address + position * shape.channels + group[0],
                dram_pitch=shape.channels,
                columns=columns,
                channels=group[1],
                address=start,
                row_pitch=columns * group[1],
                column_pitch=group[1],
                channel_pitch=1,
                box_rows=1,
                box_columns=columns,
                box_channels=group[1],
            )

"""Emission of a convolution block by block (`blocking_convolution`), weight-stationary.

What Gemmini's loop over convolutions does, as facts: blocks in the order image, row, column, output
channel, kernel row, kernel column, channel; a tile of weights is one tap of at most R channels; it
is shifted in once for all positions of its block, in the order output channel, tap, channel.
"""

from dataclasses import dataclass

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import Opcode
from apollo.arch.operands import RECORD_BYTES, ComputeFlag
from apollo.compiler.systolic.block_run import BlockRun, Span, group_of, inside
from apollo.compiler.systolic.blocking import halve
from apollo.compiler.systolic.blocking_convolution import (
    ConvolutionBlock,
    convolution_block,
    room_of,
)
from apollo.compiler.systolic.geometry import cut
from apollo.compiler.systolic.hazards import Access, Memory
from apollo.compiler.systolic.layers import Convolution, Range, Shape, Window, reduction
from apollo.compiler.systolic.layout import Layout, Stored, WeightTile
from apollo.compiler.systolic.machine import Array
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
    run = _Run(
        "convolution",
        array,
        halves,
        layout,
        layer.range,
        window=window,
        source=source,
        target=output,
        fill=fill,
    )
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


@dataclass(kw_only=True)
class _Run(BlockRun):
    window: Window
    source: Shape
    target: Shape
    fill: int

    def output(self, outputs: _Outputs, size: ConvolutionBlock) -> None:
        """All of the reduction of a block of results, and its way out."""
        self.load_records(outputs.channels)
        is_first = True
        for kernel_rows in cut(self.window.kernel[0], size.kernel_rows):
            for kernel_columns in cut(self.window.kernel[1], size.kernel_columns):
                for channels in cut(self.source.channels, size.channels):
                    block = self._block(outputs, kernel_rows, kernel_columns, channels)
                    self._load_inputs(block)
                    self._load_weights(block)
                    self._compute(block, is_first=is_first)
                    is_first = False
        shape = (outputs.images[1] * outputs.rows[1], outputs.columns[1])
        for tile in inside(outputs.channels, self.array.columns):
            start = self._result_place(block, group_of(outputs.channels, tile[0], self.group))
            sums = self._sums(block, tile)
            self.drain(block.heading, sums, shape, outputs.channels, tile, start)
        for group in inside(outputs.channels, self.group):
            self._store(block, group)
        self.outputs += 1

    def _block(
        self, outputs: _Outputs, kernel_rows: Span, kernel_columns: Span, channels: Span
    ) -> _Block:
        window = self.window
        places = (*self.operand_bases, self.sum_base)
        self.blocks += 1
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
            *places,
            height + (kernel_rows[1] - 1) * window.dilation[0] + 1,
            width + (kernel_columns[1] - 1) * window.dilation[1] + 1,
        )

    def _load_inputs(self, block: _Block) -> None:
        """Row by row; the first and the last one bring the padding beside them."""
        window, outputs = self.window, block.outputs
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
            fill=self.fill,
        )

    def _load_weights(self, block: _Block) -> None:
        for column in inside(block.outputs.channels, self.group):
            for tap in self._taps(block):
                row = (tap[0] * self.window.kernel[1] + tap[1]) * self.source.channels
                for at in inside(block.channels, self.array.rows):
                    start = block.second_place(tap, at, column[0])
                    self.load_weights(block.heading, start, (row + at[0], at[1]), column)

    def _taps(self, block: _Block) -> list[tuple[int, int]]:
        (row, rows), (column, columns) = block.kernel_rows, block.kernel_columns
        return [(r, c) for r in range(row, row + rows) for c in range(column, column + columns)]

    def _compute(self, block: _Block, *, is_first: bool) -> None:
        for tile in inside(block.outputs.channels, self.array.columns):
            accumulate = not is_first
            for tap in self._taps(block):
                for at in inside(block.channels, self.array.rows):
                    group = group_of(block.outputs.channels, tile[0], self.group)
                    weights = block.second_place(tap, at, group[0])
                    self.shift(block.heading, weights, at[1], tile, group)
                    self._multiply(block, tap, at, tile, accumulate=accumulate)
                    accumulate = True
            self.ready[tile[0]] = self.clock.compute

    def _sums(self, block: _Block, tile: Span) -> int:
        number = (tile[0] - block.outputs.channels[0]) // self.array.columns
        return block.sums + number * block.outputs.positions

    def _multiply(
        self, block: _Block, tap: tuple[int, int], at: Span, tile: Span, *, accumulate: bool
    ) -> None:
        """One multiplication for every image, with the weights that were just shifted."""
        window = self.window
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
                    Access(Memory.BUFFERS, self.buffer, self.buffer + 1),
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
                buffer=self.buffer,
            )
            self.clock.compute += positions

    def _result_place(self, block: _Block, group: Span) -> int:
        """[group of channels][image][row][column][channel]."""
        before = group[0] - block.outputs.channels[0]
        return self.result_base + block.outputs.positions * before

    def _store(self, block: _Block, group: Span) -> None:
        """Row by row of every image."""
        outputs, shape = block.outputs, self.target
        columns = outputs.columns[1]
        for number in range(outputs.images[1] * outputs.rows[1]):
            image, row = divmod(number, outputs.rows[1])
            start = self._result_place(block, group) + number * columns * group[1]
            position = (outputs.images[0] + image) * shape.positions
            position += (outputs.rows[0] + row) * shape.columns + outputs.columns[0]
            self.store(block.heading, start, columns, group, position)

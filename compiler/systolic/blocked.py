"""Emission of a matrix multiplication block by block (`blocking`), weight-stationary.

What Gemmini's loop unroller does, as facts: blocks in the order rows, columns, reduction; loads as
wide as a request, first operand by (depth, row), second by (depth, column); multiplications in the
order depth, column, row, a weight tile shifted in once for all rows; results go out after the last
depth, a column after the other; memories and accumulators in halves, so that blocks overlap.
"""

from dataclasses import dataclass

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import Opcode
from apollo.arch.operands import RECORD_BYTES, ComputeFlag
from apollo.compiler.systolic.block_run import REQUEST_BYTES, BlockRun, Span, group_of, inside
from apollo.compiler.systolic.blocking import gemm_block, halve
from apollo.compiler.systolic.geometry import cut
from apollo.compiler.systolic.hazards import Access, Memory
from apollo.compiler.systolic.layers import Range, Shape
from apollo.compiler.systolic.layout import Layout, Stored, WeightTile
from apollo.compiler.systolic.machine import Array
from apollo.compiler.systolic.network import Compiled


def compile_blocked_gemm(
    m: int, k: int, n: int, accelerator: Accelerator, *, clamp: Range | None = None
) -> Compiled:
    """[m, k] x [k, n] -> int8 [m, n], row-major in DRAM: tensors "x" and "y", layer "gemm".

    Raises `DoesNotFit` when not even single tiles fit.
    """
    halves = halve(accelerator)
    block = gemm_block(m, k, n, accelerator, halves)
    layout = Layout()
    layout.tensors["x"] = Stored(layout.reserve(m * k), Shape(m, 1, 1, k), k)
    layout.tensors["y"] = Stored(layout.reserve(m * n), Shape(m, 1, 1, n), n)
    layout.weights["gemm"] = [WeightTile(layout.reserve(k * n), tuple(range(k)), 0, n, n)]
    layout.records["gemm"] = layout.reserve(RECORD_BYTES * n)
    height, width = accelerator.array_rows, accelerator.array_columns
    run = _Run("gemm", Array(accelerator, False, 0, height, 1), halves, layout, clamp or Range())
    for rows in cut(m, block.rows * height):
        for columns in cut(n, block.columns * width):
            run.output(rows, columns, cut(k, block.depth * height))
    program = run.builder.program(accelerator.instruction_memory_bytes)
    return Compiled(program, layout, m * k * n, k * n)


@dataclass(frozen=True)
class _Block:
    """A block on the chip: what it covers, and where its operands and sums begin."""

    heading: int
    rows: Span
    columns: Span
    depth: Span
    first: int  # in PE memory
    second: int  # in core memory
    sums: int  # accumulator row

    def first_place(self, row: int, group: Span) -> int:
        """[depth group][row][depth]: what requests of a group bring lies together."""
        before = self.rows[1] * (group[0] - self.depth[0])
        return self.first + before + (row - self.rows[0]) * group[1]

    def second_place(self, depth: Span, column: int) -> int:
        """[depth tile][column group][depth][column]: a request's data lie together."""
        before = self.columns[1] * (depth[0] - self.depth[0])
        return self.second + before + (column - self.columns[0]) * depth[1]

    def sum_row(self, column: Span, row: int, width: int) -> int:
        """[column tile][row] of the accumulators."""
        tile = (column[0] - self.columns[0]) // width
        return self.sums + tile * self.rows[1] + row - self.rows[0]


class _Run(BlockRun):
    @property
    def depth_group(self) -> int:
        """Of the reduction, what one request for the first operand spans: whole tiles."""
        return max(1, REQUEST_BYTES // self.array.rows) * self.array.rows

    def output(self, rows: Span, columns: Span, depths: list[Span]) -> None:
        """All of the reduction of a block of results, and its way out."""
        self.load_records(columns)
        for depth in depths:
            block = self._block(rows, columns, depth)
            self._load(block)
            for at in inside(depth, self.array.rows):
                for column in inside(columns, self.array.columns):
                    self._multiply(block, at, column)
        for column in inside(columns, self.array.columns):
            sums = block.sum_row(column, rows[0], self.array.columns)
            start = self._result_place(block, group_of(columns, column[0], self.group))
            self.drain(block.heading, sums, (rows[1], 1), columns, column, start)
        for group in inside(columns, self.group):
            self.store(block.heading, self._result_place(block, group), rows[1], group, rows[0])
        self.outputs += 1

    def _block(self, rows: Span, columns: Span, depth: Span) -> _Block:
        name = f"rows {rows[0]}, columns {columns[0]}, depth {depth[0]}"
        places = (*self.operand_bases, self.sum_base)
        self.blocks += 1
        return _Block(self.builder.layer(name), rows, columns, depth, *places)

    def _result_place(self, block: _Block, group: Span) -> int:
        """[column group][row][column]."""
        return self.result_base + block.rows[1] * (group[0] - block.columns[0])

    def _load(self, block: _Block) -> None:
        """Bring both operands of a block, in the order in which they are multiplied."""
        for group in inside(block.depth, self.depth_group):
            for row in inside(block.rows, self.array.rows):
                self._load_first(block, row, group)
            for at in inside(group, self.array.rows):
                for column in inside(block.columns, self.group):
                    start = block.second_place(at, column[0])
                    self.load_weights(block.heading, start, at, column)

    def _load_first(self, block: _Block, row: Span, group: Span) -> None:
        start = block.first_place(row[0], group)
        stored = self.layout.tensors["x"]
        pitch = stored.shape.channels
        self.builder.add(
            Opcode.LOAD_ACTIVATIONS,
            block.heading,
            [Access(Memory.PE, start, start + row[1] * group[1], writes=True)],
            segments=row[1],
            segment_bytes=group[1],
            dram_address=stored.address + row[0] * pitch + group[0],
            dram_pitch=pitch,
            columns=1,
            channels=group[1],
            address=start,
            row_pitch=group[1],
            column_pitch=group[1],
            channel_pitch=1,
            box_rows=row[1],
            box_columns=1,
            box_channels=group[1],
        )

    def _multiply(self, block: _Block, at: Span, column: Span) -> None:
        """Shift a weight tile; with it, one multiplication for every tile of rows."""
        columns = group_of(block.columns, column[0], self.group)
        weights = block.second_place(at, columns[0])
        self.shift(block.heading, weights, at[1], column, columns)
        group = group_of(block.depth, at[0], self.depth_group)
        flags = ComputeFlag.ACCUMULATE if at[0] else ComputeFlag.NONE
        for row in inside(block.rows, self.array.rows):
            source = block.first_place(row[0], group)
            sums = block.sum_row(column, row[0], self.array.columns)
            self.builder.add(
                Opcode.MATMUL,
                block.heading,
                [
                    Access(Memory.PE, source, source + row[1] * group[1]),
                    Access(Memory.BUFFERS, self.buffer, self.buffer + 1),
                    Access(Memory.ACCUMULATORS, sums, sums + row[1], writes=True),
                ],
                rows=row[1],
                columns=1,
                in_channels=at[1],
                out_channels=column[1],
                flags=int(flags),
                source=source + at[0] - group[0],
                source_row_pitch=group[1],
                source_channel_pitch=1,
                accumulator=sums,
                buffer=self.buffer,
            )
            self.clock.compute += row[1]
        self.ready[column[0]] = self.clock.compute

"""Emission of a matrix multiplication block by block (`blocking`), weight-stationary.

What Gemmini's loop unroller does, as facts: blocks in the order rows, columns, reduction; loads as
wide as a request, first operand by (depth, row), second by (depth, column); multiplications in the
order depth, column, row, a weight tile shifted in once for all rows; results go out after the last
depth, a column after the other; memories and accumulators in halves, so that blocks overlap.
"""

from dataclasses import dataclass, field

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import Opcode
from apollo.arch.operands import ComputeFlag
from apollo.compiler.systolic.blocking import Halves, gemm_block, halve
from apollo.compiler.systolic.builder import Access, Builder, Deferred, Instruction, Memory
from apollo.compiler.systolic.geometry import cut
from apollo.compiler.systolic.layers import Range, Shape
from apollo.compiler.systolic.layout import RECORD_BYTES, Layout, Stored, WeightTile
from apollo.compiler.systolic.machine import Array
from apollo.compiler.systolic.matrix import Clock
from apollo.compiler.systolic.network import Compiled

REQUEST_BYTES = 64  # the widest access of Gemmini's DMA

Span = tuple[int, int]  # first, length


def inside(outer: Span, size: int) -> list[Span]:
    return [(outer[0] + first, length) for first, length in cut(outer[1], size)]


def group_of(outer: Span, at: int, size: int) -> Span:
    """The piece of `outer`, in pieces of `size`, that holds `at`."""
    first = outer[0] + (at - outer[0]) // size * size
    return first, min(size, sum(outer) - first)


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
        return (
            self.first + self.rows[1] * (group[0] - self.depth[0]) + (row - self.rows[0]) * group[1]
        )

    def second_place(self, depth: Span, column: int) -> int:
        """[depth tile][column group][depth][column]: a request's data lie together."""
        return (
            self.second
            + self.columns[1] * (depth[0] - self.depth[0])
            + (column - self.columns[0]) * depth[1]
        )

    def sum_row(self, column: Span, row: int, width: int) -> int:
        """[column tile][row] of the accumulators."""
        tile = (column[0] - self.columns[0]) // width
        return self.sums + tile * self.rows[1] + row - self.rows[0]


def compile_blocked_gemm(
    m: int, k: int, n: int, accelerator: Accelerator, clamp: Range | None = None
) -> Compiled:
    """[m, k] x [k, n] -> int8 [m, n], row-major in DRAM: tensors "x" and "y", layer "gemm".

    Raises `DoesNotFit` when not even single tiles fit.
    """
    halves = halve(accelerator)
    block = gemm_block(m, k, n, accelerator, halves)
    layout = Layout()
    layout.tensors["x"] = Stored(layout.reserve(m * k), Shape(m, 1, 1, k), k)
    layout.tensors["y"] = Stored(layout.reserve(m * n), Shape(m, 1, 1, n), n)
    weights = WeightTile(layout.reserve(k * n), tuple(range(k)), 0, n, n)
    layout.weights["gemm"] = [weights]
    layout.records["gemm"] = layout.reserve(RECORD_BYTES * n)
    array = Array(accelerator, False, 0, accelerator.array_rows, 1)
    run = _Blocks(Builder(), array, halves, layout, clamp or Range())
    height, width = accelerator.array_rows, accelerator.array_columns
    for rows in cut(m, block.rows * height):
        for columns in cut(n, block.columns * width):
            run.output(rows, columns, cut(k, block.depth * height))
    program = run.builder.program(accelerator.instruction_memory_bytes)
    return Compiled(program, layout, m * k * n, k * n)


@dataclass
class _Blocks:
    builder: Builder
    array: Array
    halves: Halves
    layout: Layout
    range: Range
    clock: Clock = field(default_factory=Clock)
    loads: int = 0  # blocks loaded
    outputs: int = 0  # blocks of results begun
    shifts: int = 0
    ready: dict[int, int] = field(default_factory=dict)  # estimated, of a column's sums

    def output(self, rows: Span, columns: Span, depths: list[Span]) -> None:
        """All of the reduction of a block of results, and its way out."""
        records = self._load_records(columns)
        for depth in depths:
            block = self._block(rows, columns, depth)
            self._load(block)
            for at in inside(depth, self.array.rows):
                for column in inside(columns, self.array.columns):
                    self._shift(block, at, column)
                    self._multiply(block, at, column, accumulate=at[0] > 0)
        for column in inside(columns, self.array.columns):
            self._drain(block, column, records)
        for group in inside(columns, self._group):
            self._store(block, group)
        self.outputs += 1

    def _block(self, rows: Span, columns: Span, depth: Span) -> _Block:
        half = self.loads % 2
        self.loads += 1
        name = f"rows {rows[0]}, columns {columns[0]}, depth {depth[0]}"
        return _Block(
            self.builder.layer(name),
            rows,
            columns,
            depth,
            half * self.halves.first_bytes,
            half * self.halves.second_bytes,
            self.outputs % 2 * self.halves.sum_rows,
        )

    @property
    def _group(self) -> int:
        """Columns that one request spans: whole tiles."""
        return max(1, REQUEST_BYTES // self.array.columns) * self.array.columns

    @property
    def _depth_group(self) -> int:
        return max(1, REQUEST_BYTES // self.array.rows) * self.array.rows

    def _load_records(self, columns: Span) -> int:
        """Bring the requantisation of columns; its address."""
        size = columns[1] * RECORD_BYTES
        address = 2 * self.halves.second_bytes + self.outputs % 2 * self.halves.record_bytes
        self.builder.add(
            Opcode.LOAD_PARAMETERS,
            self.builder.layer("requantisation"),
            [Access(Memory.CORE, address, address + size, writes=True)],
            segments=1,
            segment_bytes=size,
            dram_address=self.layout.records["gemm"] + columns[0] * RECORD_BYTES,
            destination=address,
            block_bytes=size,
        )
        return address

    def _load(self, block: _Block) -> None:
        """Bring both operands of a block, in the order in which they are multiplied."""
        for group in inside(block.depth, self._depth_group):
            for row in inside(block.rows, self.array.rows):
                self._load_first(block, row, group)
            for at in inside(group, self.array.rows):
                for column in inside(block.columns, self._group):
                    self._load_second(block, at, column)

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

    def _load_second(self, block: _Block, at: Span, column: Span) -> None:
        start, size = block.second_place(at, column[0]), at[1] * column[1]
        weights = self.layout.weights["gemm"][0]
        self.builder.add(
            Opcode.LOAD_PARAMETERS,
            block.heading,
            [Access(Memory.CORE, start, start + size, writes=True)],
            segments=at[1],
            segment_bytes=column[1],
            dram_address=weights.address + at[0] * weights.pitch + column[0],
            dram_pitch=weights.pitch,
            destination=start,
            block_bytes=size,
        )

    def _shift(self, block: _Block, at: Span, column: Span) -> None:
        """Shift a weight tile; drains go before it if it is still in time for the array."""
        clock, shift = self.clock, self.array.shift_cycles
        in_time = max(clock.before, clock.compute - shift)
        clock.move = self.builder.release_until(clock.move, in_time)
        clock.move = max(clock.move, clock.before) + shift
        group = group_of(block.columns, column[0], self._group)
        start = block.second_place(at, group[0])
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
            out_channels=column[1],
            parameters=start + column[0] - group[0],
            parameter_pitch=group[1],
        )

    def _multiply(self, block: _Block, at: Span, column: Span, *, accumulate: bool) -> None:
        """One multiplication for every tile of rows, with the weights that were just shifted."""
        clock, number = self.clock, (self.shifts - 1) % 2
        clock.before, clock.compute = clock.compute, max(clock.compute, clock.move)
        group = group_of(block.depth, at[0], self._depth_group)
        flags = ComputeFlag.ACCUMULATE if accumulate else ComputeFlag.NONE
        for row in inside(block.rows, self.array.rows):
            source = block.first_place(row[0], group)
            sums = block.sum_row(column, row[0], self.array.columns)
            self.builder.add(
                Opcode.MATMUL,
                block.heading,
                [
                    Access(Memory.PE, source, source + row[1] * group[1]),
                    Access(Memory.BUFFERS, number, number + 1),
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
                buffer=number,
            )
            clock.compute += row[1]
        self.ready[column[0]] = clock.compute

    def _result_place(self, block: _Block, group: Span) -> int:
        """[column group][row][column] of the results, a half for every other block."""
        base = 2 * self.halves.first_bytes + self.outputs % 2 * self.halves.result_bytes
        return base + block.rows[1] * (group[0] - block.columns[0])

    def _drain(self, block: _Block, column: Span, records: int) -> None:
        """Defer the drain of a column of tiles."""
        group = group_of(block.columns, column[0], self._group)
        start, rows = self._result_place(block, group), block.rows[1]
        sums = block.sum_row(column, block.rows[0], self.array.columns)
        of_column = records + (column[0] - block.columns[0]) * RECORD_BYTES
        accesses = (
            Access(Memory.PE, start, start + rows * group[1], writes=True),
            Access(Memory.ACCUMULATORS, sums, sums + rows),
            Access(Memory.CORE, of_column, of_column + column[1] * RECORD_BYTES),
        )
        operands = {
            "rows": rows,
            "columns": 1,
            "out_channels": column[1],
            "accumulator": sums,
            "destination": start + column[0] - group[0],
            "row_pitch": group[1],
            "column_pitch": group[1],
            "channel_pitch": 1,
            "parameters": of_column,
            "zero_point": self.range.zero_point,
            "low": self.range.low,
            "high": self.range.high,
        }
        drain = Instruction(Opcode.DRAIN, block.heading, accesses, operands)
        cycles = self.array.drain_cycles(rows * column[1])
        self.builder.deferred.append(Deferred(drain, self.ready[column[0]], cycles))

    def _store(self, block: _Block, group: Span) -> None:
        start, rows = self._result_place(block, group), block.rows[1]
        stored = self.layout.tensors["y"]
        pitch = stored.shape.channels
        self.builder.defer(
            Opcode.STORE,
            block.heading,
            [Access(Memory.PE, start, start + rows * group[1])],
            segments=rows,
            segment_bytes=group[1],
            dram_address=stored.address + block.rows[0] * pitch + group[0],
            dram_pitch=pitch,
            columns=1,
            channels=group[1],
            address=start,
            row_pitch=group[1],
            column_pitch=group[1],
            channel_pitch=1,
            box_rows=rows,
            box_columns=1,
            box_channels=group[1],
        )

"""What a run over blocks keeps and emits, whatever the blocks are of.

Memories are used in halves (`blocking.Halves`): operands by the number of the block, records, sums
and results by the number of the block of results.
"""

from dataclasses import dataclass, field

from apollo.arch.isa import Opcode
from apollo.arch.operands import RECORD_BYTES
from apollo.compiler.systolic.blocking import Halves
from apollo.compiler.systolic.builder import Builder
from apollo.compiler.systolic.geometry import cut
from apollo.compiler.systolic.hazards import Access, Memory
from apollo.compiler.systolic.layers import Range
from apollo.compiler.systolic.layout import Layout
from apollo.compiler.systolic.machine import Array
from apollo.compiler.systolic.stream import Clock

REQUEST_BYTES = 64  # the widest access of Gemmini's DMA

Span = tuple[int, int]  # first, length


def inside(outer: Span, size: int) -> list[Span]:
    """A span in pieces of `size`."""
    return [(outer[0] + first, length) for first, length in cut(outer[1], size)]


def group_of(outer: Span, at: int, size: int) -> Span:
    """The piece of `outer`, in pieces of `size`, that holds `at`."""
    first = outer[0] + (at - outer[0]) // size * size
    return first, min(size, sum(outer) - first)


@dataclass
class BlockRun:
    """Program and layout as they grow; `layer` has weights, records and results."""

    layer: str
    array: Array
    halves: Halves
    layout: Layout
    range: Range
    builder: Builder = field(default_factory=Builder)
    clock: Clock = field(default_factory=Clock)
    blocks: int = 0
    outputs: int = 0  # blocks of results
    shifts: int = 0
    ready: dict[int, int] = field(default_factory=dict)  # estimated, of the sums of a tile

    @property
    def group(self) -> int:
        """Columns of weights or results that one request spans: whole tiles."""
        return max(1, REQUEST_BYTES // self.array.columns) * self.array.columns

    @property
    def buffer(self) -> int:
        """The weight buffer that was filled last."""
        return (self.shifts - 1) % 2

    @property
    def operand_bases(self) -> tuple[int, int]:
        """Addresses of both operands of the current block."""
        half = self.blocks % 2
        return half * self.halves.first_bytes, half * self.halves.second_bytes

    @property
    def sum_base(self) -> int:
        """Accumulator row of the current block of results."""
        return self.outputs % 2 * self.halves.sum_rows

    @property
    def result_base(self) -> int:
        """Address of the current block of results."""
        return 2 * self.halves.first_bytes + self.outputs % 2 * self.halves.result_bytes

    @property
    def record_base(self) -> int:
        """Address of the records of the current block of results."""
        return 2 * self.halves.second_bytes + self.outputs % 2 * self.halves.record_bytes

    def load_records(self, columns: Span) -> None:
        """Bring the requantisation of columns."""
        size, address = columns[1] * RECORD_BYTES, self.record_base
        self.builder.add(
            Opcode.LOAD_PARAMETERS,
            self.builder.layer("requantisation"),
            [Access(Memory.CORE, address, address + size, writes=True)],
            segments=1,
            segment_bytes=size,
            dram_address=self.layout.records[self.layer] + columns[0] * RECORD_BYTES,
            destination=address,
            block_bytes=size,
        )

    def load_weights(self, heading: int, start: int, rows: Span, columns: Span) -> None:
        """Bring rows of K by a group of columns."""
        weights, size = self.layout.weights[self.layer][0], rows[1] * columns[1]
        self.builder.add(
            Opcode.LOAD_PARAMETERS,
            heading,
            [Access(Memory.CORE, start, start + size, writes=True)],
            segments=rows[1],
            segment_bytes=columns[1],
            dram_address=weights.address + rows[0] * weights.pitch + columns[0],
            dram_pitch=weights.pitch,
            destination=start,
            block_bytes=size,
        )

    def shift(self, heading: int, start: int, rows: int, tile: Span, group: Span) -> None:
        """Shift a tile of the group at `start`; drains go before it if it is then in time."""
        clock, cycles = self.clock, self.array.shift_cycles
        in_time = max(clock.before, clock.compute - cycles)
        clock.move = self.builder.release_until(clock.move, in_time)
        clock.move = max(clock.move, clock.before) + cycles
        self.shifts += 1
        clock.before, clock.compute = clock.compute, max(clock.compute, clock.move)
        self.builder.add(
            Opcode.SHIFT_WEIGHTS,
            heading,
            [
                Access(Memory.CORE, start, start + rows * group[1]),
                Access(Memory.BUFFERS, self.buffer, self.buffer + 1, writes=True),
            ],
            buffer=self.buffer,
            in_channels=rows,
            out_channels=tile[1],
            parameters=start + tile[0] - group[0],
            parameter_pitch=group[1],
        )

    def drain(
        self, heading: int, sums: int, shape: Span, columns: Span, tile: Span, start: int
    ) -> None:
        """Defer the drain of a tile's sums, of rows x columns positions, into its group."""
        group, positions = group_of(columns, tile[0], self.group), shape[0] * shape[1]
        records = self.record_base + (tile[0] - columns[0]) * RECORD_BYTES
        accesses = (
            Access(Memory.PE, start, start + positions * group[1], writes=True),
            Access(Memory.ACCUMULATORS, sums, sums + positions),
            Access(Memory.CORE, records, records + tile[1] * RECORD_BYTES),
        )
        operands = {
            "rows": shape[0],
            "columns": shape[1],
            "out_channels": tile[1],
            "accumulator": sums,
            "destination": start + tile[0] - group[0],
            "row_pitch": shape[1] * group[1],
            "column_pitch": group[1],
            "channel_pitch": 1,
            "parameters": records,
            "zero_point": self.range.zero_point,
            "low": self.range.low,
            "high": self.range.high,
        }
        cycles = self.array.drain_cycles(positions * tile[1])
        ready = self.ready[tile[0]]
        self.builder.defer(Opcode.DRAIN, heading, accesses, ready=ready, cycles=cycles, **operands)

    def store(self, heading: int, start: int, rows: int, group: Span, position: int) -> None:
        """Store rows of a group to positions of "y" from `position` on, behind their drains."""
        stored = self.layout.tensors["y"]
        pitch = stored.shape.channels
        self.builder.defer(
            Opcode.STORE,
            heading,
            [Access(Memory.PE, start, start + rows * group[1])],
            segments=rows,
            segment_bytes=group[1],
            dram_address=stored.address + position * pitch + group[0],
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

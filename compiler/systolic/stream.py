"""Emission of products: weight tiles into the array, multiplications, drains.

For every block of positions, column tile by column tile, the parts of K follow each other and add
up in the accumulators, a ring, so that a column is drained while the next one is computed. Program
order on the MOVE engine is decided by estimated times: a drain goes before the next shift of
weights if that shift is still in time for the array.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from apollo.arch.cycles import matmul_cycles
from apollo.arch.isa import BYTES_OF, Opcode
from apollo.arch.operands import RECORD_BYTES, ComputeFlag
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.systolic.builder import Builder, Deferred, Instruction
from apollo.compiler.systolic.geometry import Piece, blocks
from apollo.compiler.systolic.hazards import Access, Memory
from apollo.compiler.systolic.layers import Range
from apollo.compiler.systolic.machine import Array

_TILE_BYTES = int(BYTES_OF[[Opcode.LOAD_PARAMETERS, Opcode.SHIFT_WEIGHTS]].sum())
_PIECE_BYTES = int(BYTES_OF[Opcode.MATMUL])
_DRAIN_BYTES = int(BYTES_OF[Opcode.DRAIN])
_RECORDS_BYTES = int(BYTES_OF[Opcode.LOAD_PARAMETERS])

Operands = dict[str, int]


class Part(NamedTuple):
    """Rows of K that are in the array together: a weight tile of a column."""

    number: int
    rows: int
    address: int  # in DRAM
    size: int  # bytes of its load
    pitch: int  # from row to row
    key: object = None  # tiles of one key hold the same, and need not be loaded twice
    macs: int = 0  # a position


class Column(NamedTuple):
    """Output channels that the array computes together."""

    number: int
    width: int
    records: int  # address in DRAM
    parts: Sequence[Part]


class Slot(NamedTuple):
    """Where a weight tile goes in core memory."""

    place: Access
    pitch: int  # bytes from row to row


class Carrier(Protocol):
    """What brings weight tiles that are computed."""

    def size(self, column: int) -> int:
        """Bytes of the instructions that bring the tiles of a column."""

    def bring(self, heading: int, column: int, part: int, slot: Slot) -> None:
        """Emit those of one of its parts."""


class Product(Protocol):
    """A matrix layer as the array sees it."""

    @property
    def name(self) -> str:
        """The layer's."""

    @property
    def columns(self) -> Sequence[Column]:
        """Its columns, in order."""

    @property
    def flags(self) -> ComputeFlag:
        """Element widths and rounding of sources and results."""

    @property
    def bounds(self) -> Range:
        """What requantisation adds and where it clamps."""

    @property
    def computed(self) -> Carrier | None:
        """What brings its weight tiles; none where they are in DRAM."""

    def heading(self, size: int) -> int:
        """Of the next column of one block, whose instructions have `size` bytes."""

    def pieces(self, most: int) -> list[Piece]:
        """All positions in pieces of at most `most`."""

    def operand(self, piece: Piece, column: Column, part: Part) -> tuple[Operands, Access]:
        """Where a piece finds the elements of a part of K."""

    def result(self, piece: Piece, column: Column) -> tuple[Operands, Access]:
        """Where a piece's results of a column go."""


@dataclass
class Clock:
    """Estimated cycles at which engines are free; only the order of MOVE depends on it."""

    load: int = 0
    move: int = 0
    compute: int = 0
    before: int = 0  # end of the multiplications of the last tile but one


@dataclass
class Stream:
    """Emits products one after the other, the FIFO running ahead over all of them."""

    builder: Builder
    array: Array
    clock: Clock = field(default_factory=Clock)
    macs: Counter[int] = field(default_factory=Counter)  # by heading
    tiles: int = 0  # loaded so far
    shifts: int = 0  # so far
    drained: int = 0  # columns so far
    accumulator: int = 0  # next free row
    held: dict[object, int] = field(default_factory=dict)  # number of the tile with a key
    newest: object = None  # key of the tile in the buffer that was filled last

    def emit(self, product: Product) -> None:
        """Emit every block, column tile by column tile.

        Raises `DoesNotFit` when the accumulators do not hold the positions of one piece.
        """
        for block in _blocks(self.array, product):
            for column in product.columns:
                size = len(column.parts) * (_TILE_BYTES + len(block) * _PIECE_BYTES)
                size += _RECORDS_BYTES + len(block) * _DRAIN_BYTES
                size += product.computed.size(column.number) if product.computed else 0
                _Column(self, product, column, block, product.heading(size)).emit()

    def allocate(self, rows: int) -> int:
        """The first of so many accumulator rows in a run, round the ring."""
        if self.accumulator + rows > self.array.accelerator.accumulator_rows:
            self.accumulator = 0
        first = self.accumulator
        self.accumulator += rows
        return first

    def still_held(self, key: object) -> int | None:
        """The number of a tile of that key in a scratchpad, while nothing has replaced it."""
        number = self.held.get(key) if key is not None and self.array.keeps_tiles else None
        return number if number is not None and number > self.tiles - self.array.slots else None


def _rate(product: Product) -> int:
    return 2 if product.flags & ComputeFlag.WIDE_SOURCE else 1


def _drain_cycles(array: Array, product: Product, count: int) -> int:
    width = 2 if product.flags & ComputeFlag.WIDE_DESTINATION else 1
    return array.drain_cycles(count * width)


def _blocks(array: Array, product: Product) -> list[list[Piece]]:
    """Positions that go through the array with one visit of the weights, in pieces."""
    rows = array.accelerator.accumulator_rows
    most = min(rows, array.rows) if array.output_stationary else max(1, rows // 2)
    found = product.pieces(most)
    largest = max(piece.positions for piece in found)
    if largest > rows:
        raise DoesNotFit("accumulator_rows", product.name, largest, rows, "rows")
    # A ring of pieces may waste less than one of them where it wraps.
    whole = rows if len(found) == 1 else max(largest, rows - largest + 1)
    half = max(largest, rows // 2)
    estimate: Callable[[list[list[Piece]]], int] = lambda each: _estimate(array, product, each)  # noqa: E731
    return min((blocks(found, most) for most in (whole, half)), key=estimate)


def _estimate(array: Array, product: Product, candidate: list[list[Piece]]) -> int:
    """Cycles: the array or the weights, and drains for which the accumulators leave no room."""
    cycles, rows = 0, array.accelerator.accumulator_rows
    columns = len(product.columns)
    parts = sum(len(column.parts) for column in product.columns)
    for block in candidate:
        count = sum(piece.positions for piece in block)
        busy = max(count * _rate(product), array.tile_load_cycles, array.shift_cycles)
        cycles += busy * parts
        drains = sum(
            _drain_cycles(array, product, piece.positions * array.columns) for piece in block
        )
        exposed = max(0, 2 * count - rows) * drains // count
        cycles += exposed * columns if columns * len(candidate) > 1 else 0
    return cycles


@dataclass
class _Column:
    """A column of one block of positions."""

    stream: Stream
    product: Product
    column: Column
    block: list[Piece]
    heading: int

    def emit(self) -> None:
        """Every part of K, then the drains."""
        stream = self.stream
        first = [stream.allocate(piece.positions) for piece in self.block]
        records = self._load_records()
        for number, part in enumerate(self.column.parts):
            tile = self._bring(part)
            ends = self._multiply(first, part, tile, accumulate=number > 0)
            positions = sum(piece.positions for piece in self.block)
            stream.macs[self.heading] += positions * part.macs
        for piece, rows, ready in zip(self.block, first, ends, strict=True):
            self._drain(piece, rows, records, ready)

    def _load(self, address: int, source: int, size: int) -> Access:
        place = Access(Memory.CORE, address, address + size, writes=True)
        self.stream.builder.add(
            Opcode.LOAD_PARAMETERS,
            self.heading,
            [place],
            segments=1,
            segment_bytes=size,
            dram_address=source,
            destination=address,
            block_bytes=size,
        )
        self.stream.clock.load += self.stream.array.load_cycles(size)
        return place._replace(writes=False)

    def _load_records(self) -> Access:
        address = self.stream.array.record_address(self.stream.drained)
        self.stream.drained += 1
        count = 1 if self.product.flags & ComputeFlag.UNIFORM else self.column.width
        return self._load(address, self.column.records, count * RECORD_BYTES)

    def _bring(self, part: Part) -> Access:
        """The weights that a part is multiplied by, unless they are where they were used last."""
        stream, array = self.stream, self.stream.array
        if array.output_stationary:
            return self._tile(part)
        if part.key is None or part.key != stream.newest:
            self._shift(self._tile(part), part)
            stream.newest = part.key
        number = (stream.shifts - 1) % 2
        return Access(Memory.BUFFERS, number, number + 1)

    def _tile(self, part: Part) -> Access:
        """A weight tile in core memory."""
        stream = self.stream
        held = stream.still_held(part.key)
        if held is not None:
            address = stream.array.slot_address(held)
            return Access(Memory.CORE, address, address + part.size)
        address = stream.array.slot_address(stream.tiles)
        stream.held[part.key] = stream.tiles
        stream.tiles += 1
        if self.product.computed:
            return self._move(self.product.computed, address, part)
        return self._load(address, part.address, part.size)

    def _move(self, computed: Carrier, address: int, part: Part) -> Access:
        """Have a tile brought that is computed; the MOVE engine is busy with it."""
        place = Access(Memory.CORE, address, address + part.size)
        slot = Slot(place, part.pitch)
        computed.bring(self.heading, self.column.number, part.number, slot)
        clock, bus = self.stream.clock, self.stream.array.accelerator.activation_bus_bytes
        clock.move += -(-part.rows * self.column.width // bus)
        return place

    def _shift(self, tile: Access, part: Part) -> None:
        stream, clock, shift = self.stream, self.stream.clock, self.stream.array.shift_cycles
        possible = max(clock.load, clock.before)
        in_time = max(possible, clock.compute - shift)
        clock.move = stream.builder.release_until(clock.move, in_time)
        clock.move = max(clock.move, possible) + shift
        number = stream.shifts % 2
        stream.shifts += 1
        stream.builder.add(
            Opcode.SHIFT_WEIGHTS,
            self.heading,
            [tile, Access(Memory.BUFFERS, number, number + 1, writes=True)],
            buffer=number,
            in_channels=part.rows,
            out_channels=self.column.width,
            parameters=tile.start,
            parameter_pitch=part.pitch,
        )

    def _multiply(
        self, first: list[int], part: Part, weights: Access, *, accumulate: bool
    ) -> list[int]:
        """Emit a multiplication for every piece; the estimated ends."""
        array, clock, ends = self.stream.array, self.stream.clock, []
        clock.before, clock.compute = clock.compute, max(clock.compute, clock.move)
        flags = array.dataflow_flag | self.product.flags & ComputeFlag.WIDE_SOURCE
        flags |= ComputeFlag.ACCUMULATE if accumulate else ComputeFlag.NONE
        for piece, rows in zip(self.block, first, strict=True):
            operands, source = self.product.operand(piece, self.column, part)
            if array.output_stationary:
                place = {"parameters": weights.start, "parameter_pitch": part.pitch}
            else:
                place = {"buffer": weights.start}
            self.stream.builder.add(
                Opcode.MATMUL,
                self.heading,
                [
                    weights,
                    Access(Memory.ACCUMULATORS, rows, rows + piece.positions, writes=True),
                    source,
                ],
                rows=piece.rows,
                columns=piece.columns,
                out_channels=self.column.width,
                accumulator=rows,
                flags=int(flags),
                **operands,
                **place,
            )
            clock.compute += int(matmul_cycles(piece.positions, part.rows, int(flags), array.rows))
            ends.append(clock.compute)
        return ends

    def _drain(self, piece: Piece, first: int, records: Access, ready: int) -> None:
        """Defer the drain of a piece."""
        product, array = self.product, self.stream.array
        result, place = product.result(piece, self.column)
        results = ComputeFlag.WIDE_DESTINATION | ComputeFlag.TFLITE_ROUNDING | ComputeFlag.UNIFORM
        operands = result | {
            "rows": piece.rows,
            "columns": piece.columns,
            "out_channels": self.column.width,
            "accumulator": first,
            "flags": int(array.dataflow_flag | product.flags & results),
            "parameters": records.start,
            "zero_point": product.bounds.zero_point,
            "low": product.bounds.low,
            "high": product.bounds.high,
        }
        sums = Access(Memory.ACCUMULATORS, first, first + piece.positions)
        drain = Instruction(Opcode.DRAIN, self.heading, (sums, records, place), operands)
        cycles = _drain_cycles(array, product, piece.positions * self.column.width)
        self.stream.builder.deferred.append(Deferred(drain, ready, cycles))

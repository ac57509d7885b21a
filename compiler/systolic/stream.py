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

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import BYTES_OF, Opcode
from apollo.arch.operands import RECORD_BYTES, ComputeFlag, Matmul
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.systolic.builder import Builder
from apollo.compiler.systolic.geometry import Piece, blocks
from apollo.compiler.systolic.hazards import Access, Memory
from apollo.compiler.systolic.kernels.parts import NO_KEY, NO_TILE, Chip, State, emit_parts
from apollo.compiler.systolic.layers import Range
from apollo.compiler.systolic.machine import Array
from apollo.compiler.tables import Ints

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


class Windows(NamedTuple):
    """What `MATMUL`s read: `P` parts of K, `M` pieces of positions, `F` slots, uses."""

    operands: npt.NDArray[np.int32]  # [P, M, F] of the source
    uses: Ints  # [P, M, Use] of it


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

    def windows(self, block: Sequence[Piece], column: Column) -> "Windows":
        """Where the pieces find the elements of the parts of K."""

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
    drained: int = 0  # columns so far
    accumulator: int = 0  # next free row

    def __post_init__(self) -> None:
        """Start with empty memories."""
        self._keys: dict[object, int] = {}
        self._tables: dict[int, tuple[Column, Ints]] = {}  # by identity of the column
        self._state = np.zeros(len(State), np.int64)
        self._state[State.NEWEST] = NO_KEY
        self._held = np.full(0, NO_TILE, np.int64)  # number of the tile with a key
        self._chip = _chip(self.array)

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

    def parts_of(self, column: Column) -> Ints:
        """The parts of K of a column, as a table."""
        found = self._tables.get(id(column))
        if found is None:
            rows = [(*part[1:5], self._key(part.key)) for part in column.parts]
            found = self._tables[id(column)] = column, np.array(rows, np.int64)
        return found[1]

    def _key(self, key: object) -> int:
        return NO_KEY if key is None else self._keys.setdefault(key, len(self._keys))

    def multiply(
        self, heading: int, column: Column, windows: Windows, span: tuple[int, int]
    ) -> Ints:
        """Emit parts `span[0]` up to `span[1]` of a column; the estimated ends of the pieces."""
        rows, x, clock = windows.operands, self._state, self.clock
        pieces, parts = rows.shape[1], span[1] - span[0]
        lines = self.builder.lines(parts * (pieces + 2), parts * (3 * pieces + 3))
        table = self.parts_of(column)
        if len(self._held) < len(self._keys):
            more = np.full(2 * len(self._keys) - len(self._held), NO_TILE, np.int64)
            self._held = np.concatenate([self._held, more])
        ends = np.zeros(pieces, np.int64)
        x[: State.TILES] = clock.load, clock.move, clock.compute, clock.before
        product = (table, rows, windows.uses, heading, column.width, *span)
        emit_parts(*product, self._chip, lines, x, self._held, ends)
        clock.load, clock.move, clock.compute, clock.before = x[: State.TILES].tolist()
        x[State.IS_BROUGHT] = 0
        return ends

    def slot_for(self, column: Column, part: int) -> Access | None:
        """Where the next tile goes, if a part needs one; it counts as brought."""
        _, _, size, _, key = self.parts_of(column)[part].tolist()
        x = self._state
        if key == x[State.NEWEST]:
            return None
        if len(self._held) > key:
            held = self._held[key]
            is_held = held != NO_TILE and held > x[State.TILES] - self.array.slots
            if is_held and self.array.keeps_tiles:
                return None
            self._held[key] = x[State.TILES]
        address = self.array.slot_address(int(x[State.TILES]))
        x[State.TILES] += 1
        x[State.IS_BROUGHT] = 1
        return Access(Memory.CORE, address, address + size)


def _chip(array: Array) -> Ints:
    d, rate = np.zeros(len(Chip), np.int64), array.load_bytes_per_cycle
    d[Chip.ROWS], d[Chip.IS_OUTPUT_STATIONARY] = array.rows, array.output_stationary
    d[Chip.SLOTS], d[Chip.FIRST_SLOT] = array.slots, array.slot_address(0)
    d[Chip.TILE_BYTES], d[Chip.KEEPS_TILES] = array.tile_bytes, array.keeps_tiles
    d[Chip.SHIFT_CYCLES], d[Chip.BURST] = array.shift_cycles, array.accelerator.burst_bytes
    d[Chip.BYTES], d[Chip.CYCLES] = rate.numerator, rate.denominator
    return d


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
        stream, column = self.stream, self.column
        first = [stream.allocate(piece.positions) for piece in self.block]
        records = self._load_records()
        windows = self.product.windows(self.block, column)
        rows, flags = windows.operands, self.product.flags & ComputeFlag.WIDE_SOURCE
        rows[..., Matmul.ROWS] = [piece.rows for piece in self.block]
        rows[..., Matmul.COLUMNS] = [piece.columns for piece in self.block]
        rows[..., Matmul.OUT_CHANNELS] = column.width
        rows[..., Matmul.ACCUMULATOR] = first
        rows[..., Matmul.FLAGS] = int(stream.array.dataflow_flag | flags)
        if self.product.computed:
            for number in range(len(column.parts)):
                self._move(self.product.computed, number)
                ends = stream.multiply(self.heading, column, windows, (number, number + 1))
        else:
            ends = stream.multiply(self.heading, column, windows, (0, len(column.parts)))
        positions = sum(piece.positions for piece in self.block)
        stream.macs[self.heading] += positions * sum(part.macs for part in column.parts)
        for piece, sums, ready in zip(self.block, first, ends.tolist(), strict=True):
            self._drain(piece, sums, records, ready)

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

    def _move(self, computed: Carrier, number: int) -> None:
        """Have a tile brought that is computed; the MOVE engine is busy with it."""
        place, part = self.stream.slot_for(self.column, number), self.column.parts[number]
        if place is None:
            return
        computed.bring(self.heading, self.column.number, number, Slot(place, part.pitch))
        clock, bus = self.stream.clock, self.stream.array.accelerator.activation_bus_bytes
        clock.move += -(-part.rows * self.column.width // bus)

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
        cycles = _drain_cycles(array, product, piece.positions * self.column.width)
        uses = (sums, records, place)
        self.stream.builder.defer(
            Opcode.DRAIN, self.heading, uses, ready=ready, cycles=cycles, **operands
        )

"""Where the tensors of a network are: in PE memory while they live, or in DRAM, taken by tiles.

A place is a run of PE memory from the nest that first touches a tensor to the one that last does.
Where there is no room, the largest tensor in the way is put out to DRAM and placing starts again;
the nests that touch it work on tiles of it, in buffers that live for that nest alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from apollo.arch.isa import Opcode
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.systolic.boxes import (
    Box,
    Numbers,
    alone,
    dims_of,
    part_dims,
    result_box,
    second_box,
    source_box,
    whole_tile,
)
from apollo.compiler.systolic.estimate import Estimate, Tiling
from apollo.compiler.systolic.sites import NO_MARGINS, Four, bytes_of
from apollo.compiler.tables import IN_ORDER, NO_TENSOR, Nest, TensorColumn

_ALIGNMENT = 16
_OPERANDS = (Nest.SOURCE, Nest.SECOND, Nest.DESTINATION)


class Life(NamedTuple):
    """A tensor's bytes in PE memory, and the first and last nest that touch it."""

    size: int
    first: int
    last: int


class Buffers(NamedTuple):
    """How a nest goes over its tiles: extents of one, and the addresses of its buffers."""

    tile: Four  # images, rows, columns, channels
    addresses: dict[Nest, tuple[int, ...]]  # by operand in DRAM: one, or two in turn


@dataclass
class Tables:
    """Nests and tensors as plain numbers, with what can be said about them without a design."""

    nests: list[list[int]]
    tensors: list[list[int]]
    quanta: Sequence[int]  # channels that a nest can be cut into, 0 for none
    # Of computed weights, by nest: what it takes at a time.
    pieces: Mapping[int, Box] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Find margins and lives."""
        self.margins = [NO_MARGINS for _ in self.tensors]
        for nest in self.nests:
            self._enter_margins(nest)
        touched: dict[int, list[int]] = {}
        for number, nest in enumerate(self.nests):
            for operand in _OPERANDS:
                if nest[operand] != NO_TENSOR:
                    touched.setdefault(self.root(nest[operand]), []).append(number)
        self.lives = {root: self._life(root, uses) for root, uses in touched.items()}

    def _life(self, root: int, uses: list[int]) -> Life:
        return Life(self.place_bytes(root), uses[0], uses[-1])

    def root(self, tensor: int) -> int:
        """The tensor whose bytes these are."""
        alias = self.tensors[tensor][TensorColumn.ALIAS]
        return tensor if alias == NO_TENSOR else self.root(alias)

    def whole(self, tensor: int) -> Box:
        """All elements of a tensor."""
        return Box(*((0, size) for size in dims_of(self.tensors[tensor])))

    def width(self, tensor: int) -> int:
        """Bytes of an element."""
        return self.tensors[tensor][TensorColumn.WIDTH]

    def place_bytes(self, tensor: int) -> int:
        """Of a tensor in PE memory, with its margins."""
        return bytes_of(self.whole(tensor), self.width(tensor), self.margins[tensor])

    def _enter_margins(self, nest: Numbers) -> None:
        if nest[Nest.PERMUTATION] != IN_ORDER or nest[Nest.OPCODE] >= Opcode.ADD:
            return
        tensor = nest[Nest.SOURCE]
        found = around(source_box(nest, whole_tile(nest)), dims_of(self.tensors[tensor]))
        top, bottom, left, right = map(max, self.margins[tensor], found)
        self.margins[tensor] = (top, bottom, left, right)

    def box(self, number: int, operand: Nest, tile: Box) -> Box:
        """What a tile of a nest touches of an operand; of a destination as a part by itself."""
        nest = self.nests[number]
        if operand == Nest.SOURCE:
            return source_box(nest, tile)
        if operand == Nest.SECOND and number in self.pieces:
            return self.pieces[number]
        if operand == Nest.SECOND:
            return second_box(nest, tile, self.tensors[nest[Nest.SECOND]])
        return result_box(alone(nest), tile, part_dims(nest)[3])

    def operands(self, number: int) -> Iterator[tuple[Nest, int]]:
        """The operands of a nest, and their tensors."""
        for operand in _OPERANDS:
            if self.nests[number][operand] != NO_TENSOR:
                yield operand, self.nests[number][operand]


def around(box: Box, dims: Four) -> Four:
    """Rows and columns of a box that lie outside a tensor: above, below, left and right."""
    return (
        max(0, -box.rows[0]),
        max(0, sum(box.rows) - dims[1]),
        max(0, -box.columns[0]),
        max(0, sum(box.columns) - dims[2]),
    )


def tiles(nest: Numbers, extents: Four) -> Iterator[Box]:
    """A nest in tiles of these extents."""
    whole = whole_tile(nest)
    spans = []
    for (_, size), extent in zip(whole, extents, strict=True):
        spans.append([(at, min(extent, size - at)) for at in range(0, size, extent)])
    for images in spans[0]:
        for channels in spans[3]:
            for rows in spans[1]:
                for columns in spans[2]:
                    yield Box(images, rows, columns, channels)


def candidates(nest: Numbers, quantum: int) -> Iterator[Four]:
    """Extents of tiles from all of a nest down to the least: images, rows, columns, channels."""
    images, rows, columns, channels = (size for _, size in whole_tile(nest))
    for count in _parts(images, 1):
        yield count, rows, columns, channels
    for count in _parts(rows, 1):
        yield 1, count, columns, channels
    for count in _parts(columns, 1):
        yield 1, 1, count, channels
    if quantum and nest[Nest.GROUPS] == 1:
        for count in _parts(channels, quantum):
            yield 1, 1, 1, count
        # The vector unit takes less than all of its lanes as well.
        while quantum > 1 and not nest[Nest.WEIGHTS]:
            quantum //= 2
            yield 1, 1, 1, min(channels, quantum)


def _parts(size: int, quantum: int) -> Iterator[int]:
    """A size in ever more parts, as even as multiples of a quantum come; each length once."""
    last = 0
    units = -(-size // quantum)
    for parts in range(1, units + 1):
        length = min(size, -(-units // parts) * quantum)
        if length != last:
            yield length
        last = length


@dataclass
class Places:
    """The address of every tensor on the chip, and the buffers of nests that use others."""

    lives: dict[int, Life]  # by root
    addresses: dict[int, int] = field(default_factory=dict)  # by root
    buffers: dict[int, Buffers] = field(default_factory=dict)  # by nest


@dataclass
class _Full(Exception):  # noqa: N818 - not an error: something is put out
    """There is no room for `demand` bytes at a nest."""

    nest: int
    demand: int


def place(tables: Tables, bound: int, names: Sequence[str], estimate: Estimate) -> Places:
    """Place every tensor; `estimate` says what tiles cost.

    Raises `DoesNotFit` when the tiles of some nest do not fit into `bound` bytes.
    """
    out: set[int] = {root for root, life in tables.lives.items() if life.size > bound}
    while True:
        try:
            return _try(tables, bound, out, estimate)
        except _Full as full:
            there = [
                (life.size, root)
                for root, life in tables.lives.items()
                if life.first <= full.nest <= life.last and root not in out
            ]
            if not there:
                demand = full.demand
                raise DoesNotFit("pe_memory", names[full.nest], demand, bound) from None
            out.add(max(there)[1])


def _try(tables: Tables, bound: int, out: set[int], estimate: Estimate) -> Places:
    places = Places(tables.lives)
    active: dict[int, tuple[int, int]] = {}  # by root: [start, end)
    starting: dict[int, list[int]] = {}
    for root, life in tables.lives.items():
        if root not in out:
            starting.setdefault(life.first, []).append(root)
    for number in range(len(tables.nests)):
        for root in starting.get(number, ()):
            start = _room(active.values(), tables.lives[root].size, bound)
            if start is None:
                raise _Full(number, tables.lives[root].size)
            active[root] = (start, start + tables.lives[root].size)
            places.addresses[root] = start
        streamed = [
            operand for operand, tensor in tables.operands(number) if tables.root(tensor) in out
        ]
        places.buffers[number] = _buffers(
            _Nest(tables, number, streamed, bool(active)), list(active.values()), bound, estimate
        )
        active = {root: span for root, span in active.items() if tables.lives[root].last > number}
    return places


def _room(taken: Iterable[tuple[int, int]], size: int, bound: int) -> int | None:
    """The lowest address with so much room."""
    at = 0
    for start, end in sorted(taken):
        if start - at >= size:
            break
        at = max(at, -(-end // _ALIGNMENT) * _ALIGNMENT)
    return at if at + size <= bound else None


class _Nest(NamedTuple):
    """A nest, its operands in DRAM, and whether tensors can still be put out for better tiles."""

    tables: Tables
    number: int
    streamed: list[Nest]
    yields: bool

    @property
    def whole(self) -> Four:
        """All that it computes, as one tile."""
        return next(candidates(self.tables.nests[self.number], 0))

    def sizes(self, extents: Four) -> dict[Nest, int]:
        """Bytes of a buffer for each operand in DRAM."""
        tables, nest = self.tables, self.tables.nests[self.number]
        tile = Box(*((0, extent) for extent in extents))
        return {
            operand: bytes_of(tables.box(self.number, operand, tile), tables.width(nest[operand]))
            for operand in self.streamed
        }

    def extents(self, least: int) -> Iterator[Four]:
        """Of tiles of that many positions, from all of the nest down."""
        nest = self.tables.nests[self.number]
        quantum = self.tables.quanta[self.number] if self.streamed else 0
        for extents in candidates(nest, quantum):
            if self.yields and extents[0] * extents[1] * extents[2] < least:
                return
            yield extents
            if not self.streamed:
                return


def _buffers(nest: _Nest, taken: list[tuple[int, int]], bound: int, estimate: Estimate) -> Buffers:
    """Of the largest tiles with two buffers of each, and of those with one, the better.

    As long as tensors can be put out instead, two it is.
    """
    found: list[tuple[int, Buffers]] = []
    demand = 0
    for count in (2,) if nest.yields else (2, 1):
        for extents in nest.extents(estimate.least(nest.number)):
            sizes = nest.sizes(extents)
            demand = sum(sizes.values())
            # A single tile needs no second buffer.
            copies = 1 if extents == nest.whole else count
            addresses = _fit(sizes, copies, list(taken), bound)
            if addresses is not None:
                cycles = estimate.cycles(nest.number, Tiling(extents, count, demand))
                found.append((cycles, Buffers(extents, addresses)))
                break
    if not found:
        raise _Full(nest.number, demand)
    return min(found, key=lambda entry: entry[0])[1]


def _fit(
    sizes: dict[Nest, int], copies: int, taken: list[tuple[int, int]], bound: int
) -> dict[Nest, tuple[int, ...]] | None:
    found: dict[Nest, tuple[int, ...]] = {}
    for operand, size in sorted(sizes.items(), key=lambda entry: -entry[1]):
        addresses = []
        for _ in range(copies):
            start = _room(taken, size, bound)
            if start is None:
                return None
            taken.append((start, start + size))
            addresses.append(start)
        found[operand] = tuple(addresses)
    return found

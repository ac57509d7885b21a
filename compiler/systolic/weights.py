"""Weight tiles of a nest: K and N cut for the array, and what every tile holds.

A *unit* is a set of output channels with the input channels that they read: a whole layer, a group
of a grouped convolution, a channel of a depthwise one. Several small units go through the array
together, in a block-diagonal tile: as many as cost the fewest cycles.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import NamedTuple

import numpy as np

from apollo.arch.isa import Opcode
from apollo.arch.operands import RECORD_BYTES, ComputeFlag
from apollo.compiler.recipe import Ingredients
from apollo.compiler.systolic.boxes import Numbers
from apollo.compiler.systolic.geometry import Rectangle, cut, rectangles
from apollo.compiler.systolic.machine import Array
from apollo.compiler.systolic.stream import Column, Part
from apollo.compiler.tables import Ints, Nest


class Run(NamedTuple):
    """Units one behind the other."""

    units: int
    inputs: int  # channels of a unit
    outputs: int
    source: int  # first channel of the source that the first unit reads
    result: int  # first result of the first unit, as a channel of the nest's part
    pitch: int  # from result to result


class Tile(NamedTuple):
    """A weight tile: `units` units by a run of their inputs and of their outputs, and taps."""

    taps: Rectangle
    first: int  # input channel of a unit
    inputs: int
    units: int


class Taps(IntEnum):
    """Columns of a tile as numbers."""

    ROW = 0
    COLUMN = 1
    HEIGHT = 2
    WIDTH = 3
    FIRST = 4  # input channel
    INPUTS = 5  # of all units


class Results(NamedTuple):
    """The output channels of a column: those of `units` units."""

    source: int  # channel of the source that the first unit begins with
    first: int  # result, as a channel of the nest's part
    pitch: int
    units: int
    each: int  # channels of a unit

    @property
    def width(self) -> int:
        """How many."""
        return self.units * self.each

    @property
    def channels(self) -> list[int]:
        """Numbers of all of them."""
        return [self.first + self.pitch * each for each in range(self.width)]


@dataclass(frozen=True)
class Weights:
    """Columns of a nest for the array, and what their tiles mean."""

    columns: tuple[Column, ...]
    results: tuple[Results, ...]  # by number of the column
    tiles: tuple[tuple[Tile, ...], ...]  # by number of column and part
    kernel: tuple[int, int]
    quantum: int  # channels of the nest that go together

    @cached_property
    def windows(self) -> list[Ints]:
        """What the tiles of a column take of a window: [P, Taps], by number of the column."""
        return [np.array([_taps_of(tile) for tile in of_column]) for of_column in self.tiles]

    @property
    def taps(self) -> int:
        """Of the kernel."""
        return math.prod(self.kernel)


def runs_of(nest: Numbers, *, flat: bool) -> list[Run]:
    """The units of a nest; `flat`: a window is a run of memory, taps are input channels."""
    groups, channels, inputs = nest[Nest.GROUPS], nest[Nest.CHANNELS], nest[Nest.IN_CHANNELS]
    inputs *= nest[Nest.TAPS] if flat else 1
    first, pitch = nest[Nest.SOURCE_CHANNEL], nest[Nest.RESULT_PITCH]
    steps = nest[Nest.SOURCE_STEP], nest[Nest.RESULT_STEP]
    if nest[Nest.OPCODE] == Opcode.DEPTHWISE:
        return [
            Run(channels, 1, 1, first + group * steps[0], group * steps[1], pitch)
            for group in range(groups)
        ]
    if groups == 1 or (*steps, pitch) == (inputs, channels, 1):
        return [Run(groups, inputs, channels, first, 0, pitch)]
    return [
        Run(1, inputs, channels, first + group * steps[0], group * steps[1], pitch)
        for group in range(groups)
    ]


def _taps_of(tile: Tile) -> tuple[int, ...]:
    """A row of `Taps`."""
    taps = tile.taps
    inputs = tile.units * tile.inputs
    return taps.row, taps.column, taps.height, taps.width, tile.first, inputs


# Of a nest, all that its weights and the way they are cut depend on.
OF_WEIGHTS = (
    *(Nest.SHARES, Nest.OPCODE, Nest.GROUPS, Nest.CHANNELS, Nest.IN_CHANNELS, Nest.TAPS),
    *(Nest.KERNEL_ROWS, Nest.KERNEL_COLUMNS, Nest.EXTENT_ROWS, Nest.EXTENT_COLUMNS, Nest.FLAGS),
    *(Nest.IMAGES, Nest.ROWS, Nest.COLUMNS),
    *(Nest.SOURCE_CHANNEL, Nest.SOURCE_STEP, Nest.RESULT_STEP, Nest.RESULT_PITCH),
)


def plan_weights(
    nest: Numbers,
    number: int,
    ingredients: Ingredients,
    array: Array,
    reserve: Callable[[int], int],
    *,
    flat: bool,
) -> Weights:
    """Cut the weights of the nest of that number; `reserve` gives addresses in DRAM."""
    kernel = (1, 1) if flat else (nest[Nest.KERNEL_ROWS], nest[Nest.KERNEL_COLUMNS])
    positions = nest[Nest.IMAGES] * nest[Nest.ROWS] * nest[Nest.COLUMNS]
    alike = ingredients is Ingredients.ONES
    columns, results, tiles = list[Column](), list[Results](), list[tuple[Tile, ...]]()
    quantum = 0
    for run in runs_of(nest, flat=flat):
        most = min(run.units, _units_that_fit(nest, run, array))
        together = _together(run, most, kernel, array, positions, alike=alike)
        quantum = together * run.outputs
        for found, parts in _columns(run, kernel, array, together):
            column = len(columns)
            records = reserve(RECORD_BYTES * found.width)
            placed = [
                _part(tile, found, (number, column, index), array, reserve, alike=alike)
                for index, tile in enumerate(parts)
            ]
            columns.append(Column(column, found.width, records, placed))
            results.append(found)
            tiles.append(tuple(parts))
    return Weights(tuple(columns), tuple(results), tuple(tiles), kernel, quantum)


def _columns(
    run: Run, kernel: tuple[int, int], array: Array, together: int
) -> Iterator[tuple[Results, list[Tile]]]:
    for unit, units in cut(run.units, together):
        source = run.source + unit * run.inputs
        for output, outputs in cut(run.outputs, array.columns):
            first = run.result + (unit * run.outputs + output) * run.pitch
            found = Results(source, first, run.pitch, units, outputs)
            yield found, list(_tiles(run, kernel, array, units))


def _tiles(run: Run, kernel: tuple[int, int], array: Array, units: int) -> Iterator[Tile]:
    """K in parts: taps times channels of all units, at most as many as the array has rows."""
    for first, inputs in cut(run.inputs, array.rows // units):
        for taps in rectangles(*kernel, max(1, array.rows // (units * inputs))):
            yield Tile(taps, first, inputs, units)


def _units_that_fit(nest: Numbers, run: Run, array: Array) -> int:
    """Units whose windows fit twice into PE memory, for a tile of a single position."""
    elements = nest[Nest.EXTENT_ROWS] * nest[Nest.EXTENT_COLUMNS] * run.inputs
    wide = nest[Nest.FLAGS] & ComputeFlag.WIDE_SOURCE
    size = elements * (2 if wide else 1)
    return max(1, array.accelerator.pe_memory_bytes // (2 * size))


def _together(
    run: Run,
    most: int,
    kernel: tuple[int, int],
    array: Array,
    positions: int,
    *,
    alike: bool,
) -> int:
    """How many units share a tile: as many as cost the fewest cycles, the most of those."""
    most = min(most, array.columns // run.outputs, array.rows // run.inputs)
    if most <= 1:
        return 1

    def cycles(units: int) -> int:
        parts = len(list(_tiles(run, kernel, array, units)))
        loads = 0 if alike else array.load_cycles(_size(array, run.inputs * units, units))
        busy = max(min(positions, array.accelerator.accumulator_rows), 0 if alike else array.rows)
        return math.ceil(run.units / units) * (parts * max(busy, loads) + array.drain_cycles(0))

    return min(range(1, most + 1), key=lambda units: (cycles(units), -units))


def _size(array: Array, rows: int, columns: int) -> int:
    """Bytes of a load: a scratchpad takes what there is, a FIFO whole tiles."""
    return rows * columns if array.keeps_tiles else array.tile_bytes


def _part(
    tile: Tile,
    found: Results,
    key: tuple[int, int, int],
    array: Array,
    reserve: Callable[[int], int],
    *,
    alike: bool,
) -> Part:
    rows, columns = tile.taps.taps * tile.units * tile.inputs, found.width
    size = _size(array, rows, columns)
    pitch = columns if array.keeps_tiles else array.columns
    name: object = ("ones", tile.taps.taps, tile.inputs, tile.units) if alike else key
    macs = tile.taps.taps * tile.inputs * columns
    return Part(key[2], rows, reserve(size), size, pitch, name, macs)

"""Every mapping of a single layer, for comparison with the one that the compiler chooses.

Enumerated are all ways to divide the layer over PE columns, PE rows and cores, and for each the
tiles of its parameters (output channels in steps of the lanes, input channels in steps of at least
four) and all numbers of row tiles. Each is forced by `Options`, compiled and simulated, all of
them with nothing resident, so that the program loads what it needs.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.arch.cycles import CHANNEL_GROUP
from apollo.compiler.bound import bound
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.kernels.clock import (
    TIMES,
    WORK,
    Time,
    advance,
    enter_core_work,
    enter_transfers,
)
from apollo.compiler.mapping import units_of
from apollo.compiler.network import Network
from apollo.compiler.options import Fixed, Options
from apollo.compiler.pipeline import Compiled, compile_network
from apollo.compiler.tables import Map, Nest, Split, Unit
from apollo.simulator.engine import simulate

INPUT_STEPS = 16  # of the input channels, at most so many tile sizes
SPLITS = (Map.SPLIT_X, Map.SPLIT_Y, Map.SPLIT_CORES)
TILES = (Map.TILE_CHANNELS, Map.TILE_INPUTS, Map.TILE_ROWS)
_ALL = (Split.ROWS, Split.COLUMNS, Split.CHANNELS)
_OF_CORES = (Split.ROWS, Split.CHANNELS)


@dataclass(frozen=True)
class Mapped:
    """A mapping of a layer: what it was estimated to take and what it took, in cycles."""

    decisions: tuple[int, ...]  # columns SPLITS and TILES of the mapping
    estimate: int
    simulated: int


@dataclass(frozen=True)
class Comparison:
    """The chosen mapping of a layer beside all others; in cycles."""

    chosen: Mapped
    by_estimate: Mapped  # the least estimate of all, the chosen one among them
    by_simulation: Mapped
    count: int  # of different mappings
    bound: int

    @property
    def of_model(self) -> float:
        """The least estimate over the chosen one's: 1 where the choice is an optimum."""
        return self.by_estimate.estimate / self.chosen.estimate

    @property
    def of_machine(self) -> float:
        """The least cycles of any mapping over those of the chosen one."""
        return self.by_simulation.simulated / self.chosen.simulated

    @property
    def of_bound(self) -> float:
        """The bound over the cycles of the best mapping: how tight it is."""
        return self.bound / self.by_simulation.simulated


def compare(network: Network, design: Accelerator) -> Comparison:
    """The chosen mapping of a network of one layer, and all others.

    Raises `DoesNotFit` where the layer does not fit the design.
    """
    chosen = _run(network, design, {})
    every = {chosen.decisions: chosen}
    for decisions in _decisions(network, design):
        try:
            mapped = _run(network, design, decisions)
        except (DoesNotFit, ValueError):  # it is no mapping of this layer
            continue
        every.setdefault(mapped.decisions, mapped)
    return Comparison(
        chosen,
        min(every.values(), key=lambda mapped: mapped.estimate),
        min(every.values(), key=lambda mapped: mapped.simulated),
        len(every),
        bound(network, design).layered_cold,
    )


def _decisions(network: Network, design: Accelerator) -> Iterator[dict[Map, int]]:
    """What is forced for each mapping."""
    inputs, lanes = int(network.nests[0, Nest.IN_CHANNELS]), design.lanes
    input_tiles = _sizes(inputs, max(1, inputs // INPUT_STEPS // CHANNEL_GROUP) * CHANNEL_GROUP)
    for splits in itertools.product(_ALL, _ALL, _OF_CORES):
        base = dict(zip(SPLITS, map(int, splits), strict=True))
        try:
            row = _compile(network, design, base).mapping[0]
        except (DoesNotFit, ValueError):
            continue
        channel_tiles = _sizes(int(row[Map.CORE_CHANNELS]), lanes)
        rows = int(row[Map.PE_ROWS])
        row_tiles = sorted({-(-rows // count) for count in range(1, rows + 1)})
        for tiles in itertools.product(channel_tiles, input_tiles, row_tiles):
            yield base | dict(zip(TILES, tiles, strict=True))


def _sizes(whole: int, step: int) -> list[int]:
    """Multiples of a step below the whole, and the whole."""
    return [*range(step, whole, step), whole]


def _compile(network: Network, design: Accelerator, decisions: dict[Map, int]) -> Compiled:
    columns = decisions | {Map.RESIDENT: 0}
    fixed = tuple(Fixed("*", column, value) for column, value in columns.items())
    return compile_network(network, design, Options(fixed=fixed))


def _run(network: Network, design: Accelerator, decisions: dict[Map, int]) -> Mapped:
    compiled = _compile(network, design, decisions)
    made = tuple(int(compiled.mapping[0, column]) for column in (*SPLITS, *TILES))
    cycles = simulate(compiled.cold, design).latency_cycles
    return Mapped(made, _estimate(compiled), cycles)


def _estimate(compiled: Compiled) -> int:
    """Of the layer alone, by the clock that compares mappings."""
    network, units = compiled.network, units_of(compiled.accelerator)
    row, work = compiled.mapping[0], np.zeros(WORK, np.int64)
    times, parents = np.zeros((1, 1, TIMES), np.int64), np.zeros((1, 1), np.int64)
    enter_core_work(network.nests[0], units, row, work)
    enter_transfers(network.nests[0], units, row, network.tensors, work)
    room = int(units[Unit.CORE_MEMORY_BYTES])
    advance(work, units, room, times, parents, 0, 0, times[0, 0])
    return int(max(times[0, 0, Time.END], times[0, 0, Time.STORED]))

"""What tiles of a nest cost, as far as it decides between them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from apollo.compiler.systolic.boxes import Numbers
from apollo.compiler.systolic.machine import Array
from apollo.compiler.systolic.sites import Four
from apollo.compiler.systolic.weights import Weights
from apollo.compiler.tables import Nest

_COMFORT = 4  # rows of the array that a tile should have at least, as positions


class Tiling(NamedTuple):
    """A way to go over a nest: extents of a tile, buffers for each operand in DRAM, their bytes."""

    extents: Four  # images, rows, columns, channels
    copies: int
    moved_bytes: int


@dataclass(frozen=True)
class Estimate:
    """Cycles of nests in tiles: the array or the vector unit, weights, and transfers."""

    nests: list[list[int]]
    weights: Mapping[int, Weights]  # of the nests that multiply
    array: Array
    _loads: dict[int, tuple[int, int]] = field(default_factory=dict)

    def least(self, number: int) -> int:
        """Positions that a tile should have, so that weights are worth their way."""
        nest = self.nests[number]
        positions = nest[Nest.IMAGES] * nest[Nest.ROWS] * nest[Nest.COLUMNS]
        wanted = _COMFORT * self.array.rows if number in self.weights else 1
        return min(positions, wanted)

    def cycles(self, number: int, tiling: Tiling) -> int:
        """Transfers run beside a tile where there are two buffers."""
        busy = self._busy(number, tiling.extents)
        bus = self.array.accelerator.activation_bus_bytes
        moved = max(math.ceil(tiling.moved_bytes / bus), self.array.load_cycles(tiling.moved_bytes))
        each = max(busy, moved) if tiling.copies > 1 else busy + moved
        return each * _tiles(self.nests[number], tiling.extents)

    def _busy(self, number: int, extents: Four) -> int:
        positions, lanes = math.prod(extents[:3]), self.array.accelerator.lanes
        if number not in self.weights:
            return positions * math.ceil(extents[3] / lanes)
        parts, loads = self._tiles_of(number)
        if self.array.keeps_tiles and parts <= self.array.slots:
            loads = 0
        return max(parts * max(positions, self.array.shift_cycles), loads)

    def _tiles_of(self, number: int) -> tuple[int, int]:
        """Weight tiles of a nest, and the cycles of their loads."""
        if number not in self._loads:
            parts = [part for column in self.weights[number].columns for part in column.parts]
            loads = sum(self.array.load_cycles(part.size) for part in parts)
            self._loads[number] = len(parts), loads
        return self._loads[number]


def _tiles(nest: Numbers, extents: Four) -> int:
    whole = (nest[Nest.IMAGES], nest[Nest.ROWS], nest[Nest.COLUMNS], nest[Nest.CHANNELS])
    return math.prod(math.ceil(size / extent) for size, extent in zip(whole, extents, strict=True))

"""Weight tiles that are computed: moves from PE memory into a tile's slot of core memory (M25).

An operand that is not on the chip comes from DRAM piece by piece, through a buffer of one piece.
"""

from dataclasses import dataclass

from apollo.arch.isa import BYTES_OF, Opcode
from apollo.arch.operands import TransferFlag
from apollo.compiler.systolic.boxes import Box, Numbers
from apollo.compiler.systolic.builder import Builder
from apollo.compiler.systolic.sites import Site, site_of
from apollo.compiler.systolic.stream import Slot
from apollo.compiler.systolic.transfers import Stored, load
from apollo.compiler.systolic.weights import Tile, Weights
from apollo.compiler.tables import Dynamic, Nest

_MOVE_BYTES = int(BYTES_OF[Opcode.MOVE])
_LOAD_BYTES = int(BYTES_OF[Opcode.LOAD_ACTIVATIONS])


def largest_piece(nest: Numbers, weights: Weights) -> Box:
    """As large as any part of the operand that one unit has in a tile, at its beginning."""
    inputs = max(tile.inputs for tiles in weights.tiles for tile in tiles)
    return _piece(nest, (0, inputs), (0, max(each.each for each in weights.results)), 0)


def _piece(nest: Numbers, inputs: tuple[int, int], results: tuple[int, int], group: int) -> Box:
    """Inputs and results of a group, as elements of the operand."""
    by_result = nest[Nest.DYNAMIC] == Dynamic.BY_RESULT
    rows, (first, size) = (results, inputs) if by_result else (inputs, results)
    each = nest[Nest.IN_CHANNELS if by_result else Nest.CHANNELS]
    return Box((0, 1), rows, (0, 1), (group * each + first, size))


@dataclass
class Computed:
    """The second operand of a nest that multiplies by it: on the chip, or in DRAM."""

    nest: Numbers
    weights: Weights
    builder: Builder
    place: Site | Stored
    buffers: tuple[int, ...] = ()  # addresses, where it is in DRAM
    brought: int = 0  # pieces so far

    def size(self, column: int) -> int:
        """Bytes of the instructions that bring the tiles of a column."""
        each = _MOVE_BYTES + (_LOAD_BYTES if isinstance(self.place, Stored) else 0)
        return sum(tile.units for tile in self.weights.tiles[column]) * each

    def bring(self, heading: int, column: int, part: int, slot: Slot) -> None:
        """Emit a move for every unit of a tile: its block, and zeros beside it."""
        tile, results = self.weights.tiles[column][part], self.weights.results[column]
        group, first = divmod(results.first, self.nest[Nest.CHANNELS])
        for unit in range(tile.units):
            inputs, outputs = (tile.first, tile.inputs), (first, results.each)
            box = _piece(self.nest, inputs, outputs, group + unit)
            self._move(heading, self._site(heading, box), box, unit, tile, slot)

    def _site(self, heading: int, box: Box) -> Site:
        """Where a piece is in PE memory."""
        if isinstance(self.place, Site):
            return self.place
        address = self.buffers[self.brought % len(self.buffers)]
        self.brought += 1
        site = site_of(address, box, self.place.width, self.place.tensor)
        load(self.builder, heading, self.place, site, box, 0)
        return site

    def _move(self, heading: int, site: Site, box: Box, unit: int, tile: Tile, slot: Slot) -> None:
        by_result = self.nest[Nest.DYNAMIC] == Dynamic.BY_RESULT
        results, wide = (box.rows if by_result else box.channels)[1], slot.pitch
        start = slot.place.start + unit * tile.inputs * slot.pitch
        end = min(slot.place.end, start + tile.inputs * slot.pitch)
        across = results * tile.units
        if by_result:
            target = {"row_pitch": 1, "channel_pitch": wide, "first_row": -unit * results}
            target |= {"box_rows": across, "box_channels": tile.inputs}
        else:
            target = {"row_pitch": wide, "channel_pitch": 1, "first_channel": -unit * results}
            target |= {"box_rows": tile.inputs, "box_channels": across}
        self.builder.add(
            Opcode.MOVE,
            heading,
            [site.access(box), slot.place._replace(start=start, end=end, writes=True)],
            bytes=box.elements,
            rows=box.rows[1],
            columns=1,
            channels=box.channels[1],
            source=site.at(box.first),
            source_row_pitch=site.pitches[1],
            source_column_pitch=site.pitches[2],
            source_channel_pitch=site.pitches[3],
            flags=int(TransferFlag.TO_CORE),
            address=start,
            box_columns=1,
            **target,
        )

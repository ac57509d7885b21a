"""Blocks of a convolution that goes through scratchpads: the rule of Gemmini's library.

`tiled_conv_auto` of ucb-bar/gemmini-rocc-tests: begin with the whole convolution, make the largest
extent smaller until a block fits in half of the memories, then grow what still can.
"""

import math
from dataclasses import astuple, dataclass, fields, replace

from apollo.compiler.errors import DoesNotFit
from apollo.compiler.systolic.blocking import Halves
from apollo.compiler.systolic.layers import Window


@dataclass(frozen=True)
class ConvolutionBlock:
    """Extents of a block, in the rule's order."""

    images: int
    rows: int  # of outputs
    columns: int
    out_channels: int
    kernel_rows: int
    kernel_columns: int
    channels: int


_NAMES = tuple(field.name for field in fields(ConvolutionBlock))


@dataclass(frozen=True)
class ConvolutionRoom:
    """What a block may take in memory rows of `size` elements, `size` the side of the array."""

    window: Window
    size: int
    first: int
    second: int
    results: int
    sums: int

    def holds(self, block: ConvolutionBlock) -> bool:
        """Whether a block fits; the rule counts one input row and column too many."""
        window, size = self.window, self.size
        height = block.rows * window.stride[0] + (block.kernel_rows - 1) * window.dilation[0]
        width = block.columns * window.stride[1] + (block.kernel_columns - 1) * window.dilation[1]
        out_tiles = math.ceil(block.out_channels / size)
        first = math.ceil(block.channels / size) * block.images * height * width
        second = out_tiles * block.kernel_rows * block.kernel_columns * block.channels
        sums = out_tiles * block.images * block.rows * block.columns
        return (
            first + second <= self.first + self.second
            and first <= self.first
            and second <= self.second
            and sums <= min(self.sums, self.results)
        )


def room_of(halves: Halves, window: Window, size: int) -> ConvolutionRoom:
    """The halves in memory rows."""
    return ConvolutionRoom(
        window,
        size,
        halves.first_bytes // size,
        halves.second_bytes // size,
        halves.result_bytes // size,
        halves.sum_rows,
    )


def _smaller(block: ConvolutionBlock, size: int) -> ConvolutionBlock:
    """One step down of the largest extent; channels go by tiles, columns are kept to fill rows."""
    keep = "columns" if block.columns <= size and block.rows > 1 else ""
    extents = {name: getattr(block, name) for name in _NAMES if name != keep}
    name = max(extents, key=lambda name: extents[name])
    extent = extents[name]
    if name in ("out_channels", "channels"):
        return replace(block, **{name: max(1, (extent - 1) // size * size)})
    return replace(block, **{name: extent - 1})


def convolution_block(whole: ConvolutionBlock, room: ConvolutionRoom) -> ConvolutionBlock:
    """The block of the rule.

    Raises `DoesNotFit` when no block fits.
    """
    block = whole
    while not room.holds(block):
        if max(astuple(block)) == 1:
            raise DoesNotFit("pe_memory", "convolution", 4 * room.size, room.size * room.first)
        block = _smaller(block, room.size)
    while (wider := replace(block, columns=block.columns + 1)).columns <= whole.columns:
        if not room.holds(wider):
            break
        block = wider
    grown = True
    while grown:
        grown = False
        for name in _NAMES:
            larger = replace(block, **{name: getattr(block, name) + 1})
            if getattr(larger, name) <= getattr(whole, name) and room.holds(larger):
                block, grown = larger, True
    return block

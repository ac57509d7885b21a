"""Where tensors lie in PE memory: channel tiles one after the other, each image after image.

A tile is as wide as the array takes channels at once, so that what a MATMUL reads and a DRAIN
writes is one run of bytes ("rows of R elements"). Padding that readers need lies in memory (M26).
"""

from dataclasses import dataclass, field

from apollo.compiler.errors import DoesNotFit
from apollo.compiler.systolic.geometry import cut
from apollo.compiler.systolic.hazards import Access, Memory
from apollo.compiler.systolic.layers import Convolution, Pool, Shape, Stack

Padding = tuple[int, int, int, int]  # top, left, bottom, right
UNPADDED: Padding = (0, 0, 0, 0)


@dataclass(frozen=True)
class Placed:
    """A tensor in PE memory."""

    shape: Shape
    tile_channels: int
    padding: Padding = UNPADDED
    fill: int = 0
    base: int = 0

    @property
    def width(self) -> int:
        """Bytes of an element."""
        return 2 if self.shape.wide else 1

    @property
    def tiles(self) -> list[tuple[int, int]]:
        """(first channel, channels) of every tile."""
        return cut(self.shape.channels, self.tile_channels)

    @property
    def rows(self) -> int:
        """Of an image in memory, padding included."""
        return self.shape.rows + self.padding[0] + self.padding[2]

    @property
    def columns(self) -> int:
        """Of an image in memory, padding included."""
        return self.shape.columns + self.padding[1] + self.padding[3]

    @property
    def bytes(self) -> int:
        """In PE memory."""
        return self.shape.images * self.rows * self.columns * self.shape.channels * self.width

    def column_pitch(self, tile: int) -> int:
        """Bytes from a position to the next one."""
        return self.tiles[tile][1] * self.width

    def row_pitch(self, tile: int) -> int:
        """Bytes from a row of positions to the next one."""
        return self.columns * self.column_pitch(tile)

    def image_pitch(self, tile: int) -> int:
        """Bytes from an image to the next one."""
        return self.rows * self.row_pitch(tile)

    def at(self, tile: int, image: int = 0, row: int = 0, column: int = 0) -> int:
        """Address of a position; those of the padding are below zero or beyond."""
        before = self.shape.images * self.rows * self.columns * self.width * self.tiles[tile][0]
        return (
            self.base
            + before
            + image * self.image_pitch(tile)
            + (row + self.padding[0]) * self.row_pitch(tile)
            + (column + self.padding[1]) * self.column_pitch(tile)
        )

    def images(self, tile: int, image: int, count: int = 1, *, writes: bool = False) -> Access:
        """Use of whole images of a tile, with their padding."""
        start = self.at(tile, image, -self.padding[0], -self.padding[1])
        return Access(Memory.PE, start, start + count * self.image_pitch(tile), writes)

    def row_span(self, tile: int, image: int, row: int, rows: int, writes: bool) -> Access:
        """Use of rows of an image; a reader's may be of the padding."""
        start = self.at(tile, image, row, -self.padding[1])
        return Access(Memory.PE, start, start + rows * self.row_pitch(tile), writes)


@dataclass
class _Region:
    """Bytes in use by tensors one after the other; padded ones only by others of their kind."""

    start: int
    end: int
    last_use: int
    kind: Placed | None


@dataclass
class _Allocator:
    bound: int
    regions: list[_Region] = field(default_factory=list)

    def place(self, tensor: Placed, born: int, last_use: int, layer: str) -> int:
        kind = tensor if tensor.padding != UNPADDED else None
        for region in self.regions:
            if kind is not None and region.kind == kind and region.last_use < born:
                region.last_use = last_use
                return region.start
        # The border of a padded tensor is zero because nothing ever lay there.
        taken = [r for r in self.regions if kind or r.kind or r.last_use >= born]
        start = min(
            at
            for at in (0, *(region.end for region in taken))
            if all(at >= r.end or at + tensor.bytes <= r.start for r in taken)
        )
        if start + tensor.bytes > self.bound:
            raise DoesNotFit("pe_memory", layer, start + tensor.bytes, self.bound)
        self.regions.append(_Region(start, start + tensor.bytes, last_use, kind))
        return start


def _paddings(stack: Stack) -> dict[str, tuple[Padding, int]]:
    """What the readers of a tensor need around it, and with what it is filled."""
    needed: dict[str, tuple[Padding, int]] = {}
    for layer in stack.layers:
        if isinstance(layer, Convolution | Pool) and any(layer.window.padding):
            padding, fill = needed.get(layer.source, (UNPADDED, layer.fill))
            if fill != layer.fill:
                raise ValueError(
                    f"Network '{stack.name}': the readers of '{layer.source}' must fill its "
                    f"padding alike, not with {fill} and {layer.fill}."
                )
            top, left, bottom, right = map(max, padding, layer.window.padding)
            needed[layer.source] = (top, left, bottom, right), fill
    return needed


def place_tensors(stack: Stack, tile_channels: int, bound: int) -> dict[str, Placed]:
    """An address for every tensor; a place is used again when its tensor has been read.

    Raises `DoesNotFit` when they need more than `bound` bytes.
    """
    shapes, paddings = stack.shapes(), _paddings(stack)
    born = {name: -1 for name in stack.inputs}
    last_use: dict[str, int] = {}
    for number, layer in enumerate(stack.layers):
        born[layer.output] = number
        last_use |= {name: number for name in (layer.output, *layer.sources)}
    last_use |= {name: len(stack.layers) for name in stack.outputs}
    allocator, places = _Allocator(bound), {}
    for name, when in born.items():
        padding, fill = paddings.get(name, (UNPADDED, 0))
        tensor = Placed(shapes[name], tile_channels, padding, fill)
        reader = stack.layers[max(0, when)].name
        base = allocator.place(tensor, when, last_use.get(name, when), reader)
        places[name] = Placed(shapes[name], tile_channels, padding, fill, base)
    return places

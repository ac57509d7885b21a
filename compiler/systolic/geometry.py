"""Geometry of matrix layers on the array: how K, N and the positions are cut into tiles.

R x C is the array. A weight tile is a rectangle of taps times a run of channels, K <= R of them
(M21: a MATMUL has the whole window in the array's rows), by at most C output channels.
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from apollo.compiler.systolic.layers import Convolution, FullyConnected, Shape


def cut(total: int, size: int) -> list[tuple[int, int]]:
    """(first, length) of the pieces of at most `size`, the last one ragged."""
    return [(first, min(size, total - first)) for first in range(0, total, size)]


def even(total: int, parts: int) -> list[tuple[int, int]]:
    """(first, length) of so many pieces that differ by one at most."""
    bounds = [total * part // parts for part in range(parts + 1)]
    return [(low, high - low) for low, high in itertools.pairwise(bounds) if high > low]


@dataclass(frozen=True)
class Rectangle:
    """Taps of a kernel: first row and column, height and width."""

    row: int
    column: int
    height: int
    width: int

    @property
    def taps(self) -> int:
        """Positions in it."""
        return self.height * self.width


@cache
def _fewest(height: int, width: int, most: int) -> tuple[int, int, bool]:
    """How many rectangles of at most `most` taps cover a kernel; the first cut, if by rows."""
    if height * width <= most:
        return 1, 0, True
    cuts = [
        (_fewest(at, width, most)[0] + _fewest(height - at, width, most)[0], at, True)
        for at in range(1, height)
    ]
    cuts += [
        (_fewest(height, at, most)[0] + _fewest(height, width - at, most)[0], at, False)
        for at in range(1, width)
    ]
    return min(cuts)


def rectangles(height: int, width: int, most: int) -> list[Rectangle]:
    """The fewest rectangles of at most `most` taps that straight cuts make of a kernel."""

    def parts(row: int, column: int, height: int, width: int) -> Iterator[Rectangle]:
        count, at, by_rows = _fewest(height, width, most)
        if count == 1:
            yield Rectangle(row, column, height, width)
        elif by_rows:
            yield from parts(row, column, at, width)
            yield from parts(row + at, column, height - at, width)
        else:
            yield from parts(row, column, height, at)
            yield from parts(row, column + at, height, width - at)

    return list(parts(0, 0, height, width))


@dataclass(frozen=True)
class Reduction:
    """A part of K: taps of a source's channel tile, or a run of a flattened image in it."""

    source: int  # of the layer's sources
    tile: int  # channel tile of the source
    taps: Rectangle
    first: int  # element of the tile's positions x channels at which the run begins
    channels: int  # a tap

    @property
    def size(self) -> int:
        """Rows of the weight tile."""
        return self.taps.taps * self.channels


ONE = Rectangle(0, 0, 1, 1)


def reductions(
    layer: FullyConnected | Convolution, sources: tuple[Shape, ...], most: int, columns: int
) -> list[Reduction]:
    """K in parts of at most `most`; channel tiles are `columns` wide."""
    parts: list[Reduction] = []
    for number, shape in enumerate(sources):
        for tile, (_, width) in enumerate(cut(shape.channels, columns)):
            if isinstance(layer, Convolution):
                for first, channels in cut(width, most):
                    for taps in rectangles(*layer.window.kernel, max(1, most // channels)):
                        parts.append(Reduction(number, tile, taps, first, channels))
            else:
                for first, length in cut(shape.positions * width, most):
                    parts.append(Reduction(number, tile, ONE, first, length))
    return parts


def reduction_rows(
    part: Reduction, layer: FullyConnected | Convolution, sources: tuple[Shape, ...], columns: int
) -> list[int]:
    """Rows of the layer's K x N weight matrix that a part holds, in its order.

    K is in the order source, (tap row, tap column or image row, column), channel.
    """
    base = sum(shape.positions * shape.channels for shape in sources[: part.source])
    shape = sources[part.source]
    first_channel = part.tile * columns
    if isinstance(layer, FullyConnected):
        width = min(columns, shape.channels - first_channel)
        return [
            base + (at // width) * shape.channels + first_channel + at % width
            for at in range(part.first, part.first + part.channels)
        ]
    kernel_columns = layer.window.kernel[1]
    return [
        ((part.taps.row + row) * kernel_columns + part.taps.column + column) * shape.channels
        + first_channel
        + part.first
        + channel
        for row in range(part.taps.height)
        for column in range(part.taps.width)
        for channel in range(part.channels)
    ]


@dataclass(frozen=True)
class Piece:
    """Positions that one MATMUL computes: rows of one image, or a run of single-position images."""

    image: int
    row: int
    rows: int
    column: int
    columns: int

    @property
    def positions(self) -> int:
        """Accumulator rows."""
        return self.rows * self.columns


def pieces(output: Shape, most: int) -> list[Piece]:
    """All positions in pieces of at most `most`, as even as they come.

    Single-position images go together: their rows are the images.
    """
    if output.positions == 1:
        count = math.ceil(output.images / most)
        return [Piece(0, first, rows, 0, 1) for first, rows in even(output.images, count)]
    across = even(output.columns, math.ceil(output.columns / most))
    rows_most = most // max(columns for _, columns in across)
    return [
        Piece(image, first, rows, column, columns)
        for image in range(output.images)
        for first, rows in even(output.rows, math.ceil(output.rows / rows_most))
        for column, columns in across
    ]


def blocks(all_pieces: list[Piece], most: int) -> list[list[Piece]]:
    """Pieces in order, as many together as `most` accumulator rows hold, evenly shared."""
    total = sum(piece.positions for piece in all_pieces)
    share = math.ceil(total / math.ceil(total / most))
    found: list[list[Piece]] = []
    used = most + 1
    for piece in all_pieces:
        if used + piece.positions > most or used >= share:
            found.append([])
            used = 0
        found[-1].append(piece)
        used += piece.positions
    return found

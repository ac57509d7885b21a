"""What a tile of a nest reads and writes, as boxes of elements of its tensors.

A span is (first, size). Coordinates are image, row, column and channel; those of a tile are the
nest's, those of a box the tensor's, and may lie outside of it: padding.
"""

from collections.abc import Sequence
from typing import NamedTuple

from apollo.compiler.tables import Ints, Nest, TensorColumn

Span = tuple[int, int]
Numbers = Sequence[int]  # a row of a table


class Box(NamedTuple):
    """A span of each coordinate."""

    images: Span
    rows: Span
    columns: Span
    channels: Span

    @property
    def elements(self) -> int:
        """How many it has."""
        return self.images[1] * self.rows[1] * self.columns[1] * self.channels[1]

    @property
    def first(self) -> tuple[int, int, int, int]:
        """Its first element."""
        return self.images[0], self.rows[0], self.columns[0], self.channels[0]

    @property
    def last(self) -> tuple[int, int, int, int]:
        """Its last element."""
        image, row, column, channel = (first + size - 1 for first, size in self)
        return image, row, column, channel


def rows_of(table: Ints) -> list[list[int]]:
    """A table as plain numbers."""
    return [[int(value) for value in row] for row in table]


def dims_of(tensor: Numbers) -> tuple[int, int, int, int]:
    """Images, rows, columns and channels of a tensor."""
    return (
        tensor[TensorColumn.IMAGES],
        tensor[TensorColumn.ROWS],
        tensor[TensorColumn.COLUMNS],
        tensor[TensorColumn.CHANNELS],
    )


def source_axes(nest: Numbers) -> tuple[int, int, int, int]:
    """The source's coordinate that each of the nest's is."""
    code = nest[Nest.PERMUTATION]
    return 0, code & 15, code >> 4 & 15, code >> 8 & 15


def source_box(nest: Numbers, tile: Box) -> Box:
    """All that a tile reads of the source, windows and groups included."""
    rows = _window(tile.rows, nest[Nest.STRIDE_ROWS], nest[Nest.PAD_ROWS], nest[Nest.EXTENT_ROWS])
    columns = _window(
        tile.columns, nest[Nest.STRIDE_COLUMNS], nest[Nest.PAD_COLUMNS], nest[Nest.EXTENT_COLUMNS]
    )
    first, size = tile.channels
    if nest[Nest.MIXES_CHANNELS]:
        first, size = 0, nest[Nest.IN_CHANNELS]
    size += (nest[Nest.GROUPS] - 1) * nest[Nest.SOURCE_STEP]
    spans = [tile.images, rows, columns, (nest[Nest.SOURCE_CHANNEL] + first, size)]
    found = list(spans)
    for own, axis in enumerate(source_axes(nest)):
        found[axis] = spans[own]
    return Box(*found)


def _window(span: Span, stride: int, pad: int, extent: int) -> Span:
    return span[0] * stride - pad, (span[1] - 1) * stride + extent


def second_box(nest: Numbers, tile: Box, tensor: Numbers) -> Box:
    """What a tile reads of the second operand, which is repeated where it has one element."""
    rows = _window(tile.rows, nest[Nest.STRIDE_ROWS], -nest[Nest.SECOND_ROW], 1)
    columns = _window(tile.columns, nest[Nest.STRIDE_COLUMNS], -nest[Nest.SECOND_COLUMN], 1)
    pairs = zip((tile.images, rows, columns, tile.channels), dims_of(tensor), strict=True)
    return Box(*((0, 1) if size == 1 else span for span, size in pairs))


def result_channels(nest: Numbers, size: int) -> int:
    """Channels from the first to the last result of `size` channels of every group."""
    groups = (nest[Nest.GROUPS] - 1) * nest[Nest.RESULT_STEP]
    return groups + (size - 1) * nest[Nest.RESULT_PITCH] + 1


def result_box(nest: Numbers, tile: Box, deep: int) -> Box:
    """What a tile writes of a destination of `deep` channels, with all that lies between.

    Where results of several columns lie in the channels of one position, it has those columns.
    """
    first = nest[Nest.FIRST_CHANNEL] + tile.channels[0] * nest[Nest.RESULT_PITCH]
    channels = (first, result_channels(nest, tile.channels[1]))
    down, across = nest[Nest.RESULT_ROWS], nest[Nest.RESULT_COLUMNS]
    beside = -(-sum(channels) // deep)
    if beside > 1:
        channels = (0, deep)
    return Box(
        (nest[Nest.FIRST_IMAGE] + tile.images[0], tile.images[1]),
        (nest[Nest.FIRST_ROW] + tile.rows[0] * down, (tile.rows[1] - 1) * down + 1),
        (
            nest[Nest.FIRST_COLUMN] + tile.columns[0] * across,
            (tile.columns[1] - 1) * across + beside,
        ),
        channels,
    )


def whole_tile(nest: Numbers) -> Box:
    """All that a nest computes."""
    extents = (Nest.IMAGES, Nest.ROWS, Nest.COLUMNS, Nest.CHANNELS)
    return Box(*((0, nest[extent]) for extent in extents))


_BEGINNINGS = (Nest.FIRST_IMAGE, Nest.FIRST_ROW, Nest.FIRST_COLUMN, Nest.FIRST_CHANNEL)


def alone(nest: Numbers) -> list[int]:
    """The nest as if its part of the destination were a tensor of its own."""
    row = list(nest)
    for column in _BEGINNINGS:
        row[column] = 0
    row[Nest.RESULT_ROWS] = row[Nest.RESULT_COLUMNS] = 1
    return row


def part_dims(nest: Numbers) -> tuple[int, int, int, int]:
    """Images, rows, columns and channels of that tensor."""
    images, rows, columns = nest[Nest.IMAGES], nest[Nest.ROWS], nest[Nest.COLUMNS]
    return images, rows, columns, result_channels(nest, nest[Nest.CHANNELS])

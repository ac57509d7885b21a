"""Where a nest's tiles of operands lie in PE memory: addresses and pitches."""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.compiler.kernels.operands import is_stretched, second_channels, second_columns
from apollo.compiler.kernels.parts import read_columns, source_channels
from apollo.compiler.tables import From, Map, Nest, Place, Split, TensorColumn

Ints = npt.NDArray[np.int64]


class View(IntEnum):
    """Of one operand: bytes from its base on."""

    BASE = 0
    ROW = 1
    COLUMN = 2
    CHANNEL = 3
    IMAGE = 4
    TILE = 5  # from one tile of rows to the next, in place
    BUFFER = 6  # from one buffer to the other, of a stream


VIEWS = len(View)


@bare_inlined
def _of_place(v: Ints, t: Ints, p: Ints) -> None:
    """Pitches of a slice, and its first element that is no margin."""
    v[View.CHANNEL] = t[TensorColumn.WIDTH]
    v[View.COLUMN] = p[Place.CHANNELS] * t[TensorColumn.WIDTH]
    wide = p[Place.COLUMNS] + t[TensorColumn.LEFT] + t[TensorColumn.RIGHT]
    v[View.ROW] = wide * v[View.COLUMN]
    v[View.IMAGE] = (p[Place.ROWS] + t[TensorColumn.TOP] + t[TensorColumn.BOTTOM]) * v[View.ROW]
    v[View.BASE] = p[Place.ADDRESS] + t[TensorColumn.TOP] * v[View.ROW]
    v[View.BASE] += t[TensorColumn.LEFT] * v[View.COLUMN]
    v[View.BUFFER] = 0


@bare_inlined
def _of_box(v: Ints, width: int, columns: int, channels: int, address: int) -> None:
    """Pitches of a box without margins."""
    v[View.CHANNEL] = width
    v[View.COLUMN] = channels * width
    v[View.ROW] = columns * channels * width
    v[View.BASE] = address
    v[View.IMAGE] = 0
    v[View.TILE] = 0
    v[View.BUFFER] = 0


@bare_kernel
def view_source(n: Ints, m: Ints, t: Ints, p: Ints, v: Ints) -> None:
    """Of the source."""
    stride = n[Nest.STRIDE_ROWS]
    if m[Map.SOURCE_FROM] == From.DRAM or m[Map.SOURCE_FROM] == From.COPY:
        columns, channels = read_columns(n, m), source_channels(n, m)
        _of_box(v, t[TensorColumn.WIDTH], columns, channels, m[Map.SOURCE_ADDRESS])
        if m[Map.SOURCE_FROM] == From.DRAM:
            v[View.BUFFER] = m[Map.SOURCE_BYTES]
            return
        v[View.IMAGE] = m[Map.SOURCE_BYTES] // n[Nest.IMAGES]
    else:
        _of_place(v, t, p)
        v[View.BASE] -= n[Nest.PAD_ROWS] * v[View.ROW] + n[Nest.PAD_COLUMNS] * v[View.COLUMN]
        v[View.BASE] += n[Nest.SOURCE_CHANNEL] * v[View.CHANNEL]
    v[View.TILE] = m[Map.TILE_ROWS] * stride * v[View.ROW]


@bare_kernel
def view_second(n: Ints, m: Ints, t: Ints, p: Ints, v: Ints) -> None:
    """Of the second operand; it is repeated along a dimension by a pitch of zero."""
    if n[Nest.DYNAMIC]:
        _of_box(v, t[TensorColumn.WIDTH], 1, t[TensorColumn.CHANNELS], m[Map.SECOND_ADDRESS])
        v[View.BUFFER] = m[Map.SECOND_BYTES]
        return
    if m[Map.SECOND_FROM] == From.PLACE:
        _of_place(v, t, p)
        v[View.BASE] += n[Nest.SECOND_ROW] * v[View.ROW] + n[Nest.SECOND_COLUMN] * v[View.COLUMN]
    else:
        columns, channels = second_columns(n, m, t), second_channels(n, m, t)
        _of_box(v, t[TensorColumn.WIDTH], columns, channels, m[Map.SECOND_ADDRESS])
        if m[Map.SECOND_FROM] == From.DRAM:
            v[View.BUFFER] = m[Map.SECOND_BYTES]
        else:
            v[View.IMAGE] = m[Map.SECOND_BYTES] // t[TensorColumn.IMAGES]
    v[View.ROW] *= 0 if is_stretched(n, t, Split.ROWS) else n[Nest.STRIDE_ROWS]
    v[View.COLUMN] *= 0 if is_stretched(n, t, Split.COLUMNS) else n[Nest.STRIDE_COLUMNS]
    if is_stretched(n, t, Split.CHANNELS):
        v[View.CHANNEL] = 0
    if t[TensorColumn.IMAGES] == 1:
        v[View.IMAGE] = 0
    v[View.TILE] = 0 if m[Map.SECOND_FROM] == From.DRAM else m[Map.TILE_ROWS] * v[View.ROW]


@bare_kernel
def view_result(n: Ints, m: Ints, t: Ints, p: Ints, v: Ints) -> None:
    """Of the destination."""
    if m[Map.TO_DRAM]:
        columns, channels = m[Map.PE_COLUMNS], m[Map.PE_CHANNELS]
        _of_box(v, t[TensorColumn.WIDTH], columns, channels, m[Map.DESTINATION_ADDRESS])
        v[View.BUFFER] = m[Map.DESTINATION_BYTES]
        return
    _of_place(v, t, p)
    v[View.BASE] += n[Nest.FIRST_IMAGE] * v[View.IMAGE] + n[Nest.FIRST_ROW] * v[View.ROW]
    v[View.BASE] += n[Nest.FIRST_COLUMN] * v[View.COLUMN]
    v[View.BASE] += n[Nest.FIRST_CHANNEL] * v[View.CHANNEL]
    v[View.ROW] *= n[Nest.RESULT_ROWS]
    v[View.COLUMN] *= n[Nest.RESULT_COLUMNS]
    v[View.TILE] = m[Map.TILE_ROWS] * v[View.ROW]


@bare_inlined
def tile_address(v: Ints, image: int, tile: int, count: int) -> int:
    """Of a row tile of an image, the `count`-th of the nest."""
    return (
        v[View.BASE]
        + image * v[View.IMAGE]
        + tile * v[View.TILE]
        + (v[View.BUFFER] if count % 2 else 0)
    )

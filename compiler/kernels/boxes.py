"""The boxes that loads, stores and moves state (M24, M25), from a nest's mapping.

A box is given in the coordinates of the nest: rows, columns, channels. `b` has five numbers for
each: elements, first element, step from PE to PE, pitch in bytes, and whether PEs divide it.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.arch.operands import Transfer
from apollo.compiler.kernels.operands import is_stretched, second_columns, second_rows
from apollo.compiler.kernels.parts import (
    group_channels,
    read_columns,
    read_rows,
    reads_all_channels,
    source_channels,
)
from apollo.compiler.kernels.views import View
from apollo.compiler.tables import Map, Nest, Split, TensorColumn, Unit

Ints = npt.NDArray[np.int64]
Column = npt.NDArray[np.int32]

SIZE, FIRST, STEP, PITCH, DIVIDED = range(5)
BOX_NUMBERS = 5


@bare_inlined
def _set(b: Ints, split: int, size: int, first: int, step: int, pitch: int, divided: bool) -> None:
    b[split - 1, SIZE] = size
    b[split - 1, FIRST] = first
    b[split - 1, STEP] = step
    b[split - 1, PITCH] = pitch
    b[split - 1, DIVIDED] = 1 if divided else 0


@bare_kernel
def source_box(n: Ints, m: Ints, v: Ints, start: int, rows: int, step: int, b: Ints) -> None:
    """What a tile reads of the source: `rows` outputs from `start` on, PEs `step` rows apart."""
    stride, across = n[Nest.STRIDE_ROWS], n[Nest.STRIDE_COLUMNS]
    first = start * stride - n[Nest.PAD_ROWS]
    _set(b, 1, read_rows(n, rows), first, step * stride, v[View.ROW], True)
    columns = read_columns(n, m)
    _set(b, 2, columns, -n[Nest.PAD_COLUMNS], m[Map.PE_COLUMNS] * across, v[View.COLUMN], True)
    channels = group_channels(m)
    if n[Nest.GROUPS] > 1:
        channels = m[Map.PE_GROUPS] * n[Nest.SOURCE_STEP]
    read = source_channels(n, m)
    divided = not reads_all_channels(n)
    _set(b, 3, read, n[Nest.SOURCE_CHANNEL], channels, v[View.CHANNEL], divided)


@bare_kernel
def second_box(
    n: Ints, m: Ints, t: Ints, v: Ints, start: int, rows: int, step: int, b: Ints
) -> None:
    """What a tile reads of the second operand; where it is repeated, all PEs read the same."""
    if n[Nest.DYNAMIC]:
        _set(b, 1, t[TensorColumn.ROWS], 0, 0, v[View.ROW], False)
        _set(b, 2, 1, 0, 0, v[View.COLUMN], False)
        _set(b, 3, t[TensorColumn.CHANNELS], 0, 0, v[View.CHANNEL], False)
        return
    down, across = n[Nest.STRIDE_ROWS], n[Nest.STRIDE_COLUMNS]
    if is_stretched(n, t, Split.ROWS):
        _set(b, 1, 1, 0, 0, 0, False)
    else:
        first = start * down + n[Nest.SECOND_ROW]
        _set(b, 1, second_rows(n, t, rows), first, step * down, v[View.ROW] // down, True)
    if is_stretched(n, t, Split.COLUMNS):
        _set(b, 2, 1, 0, 0, 0, False)
    else:
        columns, pitch = second_columns(n, m, t), v[View.COLUMN] // across
        _set(b, 2, columns, n[Nest.SECOND_COLUMN], m[Map.PE_COLUMNS] * across, pitch, True)
    if is_stretched(n, t, Split.CHANNELS):
        _set(b, 3, 1, 0, 0, 0, False)
    else:
        channels = m[Map.PE_CHANNELS]
        _set(b, 3, channels, 0, channels, v[View.CHANNEL], True)


@bare_kernel
def result_box(m: Ints, v: Ints, rows: int, step: int, b: Ints) -> None:
    """What a tile leaves of the destination."""
    _set(b, 1, rows, 0, step, v[View.ROW], True)
    _set(b, 2, m[Map.PE_COLUMNS], 0, m[Map.PE_COLUMNS], v[View.COLUMN], True)
    _set(b, 3, m[Map.PE_CHANNELS], 0, m[Map.PE_CHANNELS], v[View.CHANNEL], True)


@bare_kernel
def enter_box(operand: Column, d: Ints, m: Ints, b: Ints, permutation: int) -> None:
    """Write a box into a transfer or move; its coordinates are those of the tensor."""
    for dimension in range(3):
        axis = (permutation >> 4 * dimension & 15) - 1
        operand[Transfer.BOX_ROWS + axis] = b[dimension, SIZE]
        operand[Transfer.FIRST_ROW + axis] = b[dimension, FIRST]
        operand[Transfer.ROW_PITCH + axis] = b[dimension, PITCH]
    across, down = m[Map.SPLIT_X] - 1, m[Map.SPLIT_Y] - 1
    if d[Unit.PES_X] > 1 and b[across, DIVIDED]:
        operand[Transfer.SPLIT_X] = permutation >> 4 * across & 15
        operand[Transfer.STEP_X] = b[across, STEP]
    if d[Unit.PES_Y] > 1 and b[down, DIVIDED]:
        operand[Transfer.SPLIT_Y] = permutation >> 4 * down & 15
        lap = d[Unit.PES_X] if across == down else 1
        operand[Transfer.STEP_Y] = b[down, STEP] * lap

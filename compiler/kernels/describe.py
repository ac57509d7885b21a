"""The operands of a compute instruction that say what its tile looks like (M26, M29)."""

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import MOST, Opcode
from apollo.arch.jit import kernel
from apollo.arch.operands import ComputeFlag, Vector, Window
from apollo.compiler.tables import Map, Nest, Split

Ints = npt.NDArray[np.int64]
Column = npt.NDArray[np.int32]

_SPLIT_POSITIONS = int(ComputeFlag.SPLIT_POSITIONS)
_CONVOLVE = int(Opcode.CONVOLVE)
_MOST_PITCH = int(MOST[Opcode.CONVOLVE, Window.ROW_PITCH])
_MOST_STRIDE = int(MOST[Opcode.CONVOLVE, Window.STRIDE_ROWS])


@kernel
def _dilation(extent: int, elements: int) -> int:
    """Distance of neighbouring kernel elements."""
    return (extent - 1) // (elements - 1) if elements > 1 else 1


@kernel
def _set_pitches(operand: Column, first: int, columns: int, channels: int) -> None:
    """Channels innermost; `first` is the slot of the row pitch."""
    operand[first] = min(columns * channels, _MOST_PITCH)
    operand[first + 1] = min(channels, _MOST_PITCH)
    operand[first + 2] = 1


@kernel
def describe_tile(n: Ints, m: Ints, rows: int, tile: Ints, operand: Column) -> None:
    """Enter sizes, window, cores and pitches; `tile` is (channels, inputs, flags, parameters)."""
    operand[Window.ROWS] = rows
    operand[Window.COLUMNS] = m[Map.PE_COLUMNS]
    operand[Window.OUT_CHANNELS] = tile[0]
    operand[Window.FLAGS] = tile[2]
    operand[Window.CHANNELS] = m[Map.PE_CHANNELS]
    if m[Map.SPLIT_CORES] == Split.ROWS:
        operand[Window.FLAGS] |= _SPLIT_POSITIONS
    else:
        operand[Window.CORE_STEP] = m[Map.CORE_CHANNELS]
    read = n[Nest.GROUPS] * (n[Nest.IN_CHANNELS] if n[Nest.MIXES_CHANNELS] else m[Map.PE_CHANNELS])
    columns = (m[Map.PE_COLUMNS] - 1) * n[Nest.STRIDE_COLUMNS] + n[Nest.EXTENT_COLUMNS]
    _set_pitches(operand, Window.SOURCE_ROW_PITCH, columns, read)
    written = m[Map.PE_CHANNELS] * n[Nest.GROUPS]
    _set_pitches(operand, Window.ROW_PITCH, m[Map.PE_COLUMNS], written)
    by_constant = n[Nest.OPCODE] <= Opcode.MULTIPLY and n[Nest.SECOND] < 0
    if n[Nest.OPCODE] >= Opcode.ADD and not by_constant:
        operand[Vector.PASSES] = n[Nest.TAPS]
        return
    if n[Nest.OPCODE] == _CONVOLVE:
        operand[Window.IN_CHANNELS] = tile[1]
    operand[Window.KERNEL_ROWS] = n[Nest.KERNEL_ROWS]
    operand[Window.KERNEL_COLUMNS] = n[Nest.KERNEL_COLUMNS]
    operand[Window.STRIDE_ROWS] = min(n[Nest.STRIDE_ROWS], _MOST_STRIDE)
    operand[Window.STRIDE_COLUMNS] = min(n[Nest.STRIDE_COLUMNS], _MOST_STRIDE)
    operand[Window.DILATION_ROWS] = _dilation(n[Nest.EXTENT_ROWS], n[Nest.KERNEL_ROWS])
    operand[Window.DILATION_COLUMNS] = _dilation(n[Nest.EXTENT_COLUMNS], n[Nest.KERNEL_COLUMNS])

"""Emission of a compute instruction (M26, M29)."""

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import Engine, Opcode
from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.arch.operands import ComputeFlag, Vector, Window
from apollo.compiler.kernels.parts import opcode_of
from apollo.compiler.kernels.stream import ISSUED, PARAM_WAIT, PARAMETERS, Stream, put
from apollo.compiler.kernels.tiling import image_by_image, partial_channels
from apollo.compiler.kernels.views import View, tile_address
from apollo.compiler.tables import From, Map, Nest, Split

Ints = npt.NDArray[np.int64]
Column = npt.NDArray[np.int32]

_SPLIT_POSITIONS = int(ComputeFlag.SPLIT_POSITIONS)
_SUMS = int(ComputeFlag.ACCUMULATE | ComputeFlag.PARTIAL)
_TFLITE = int(ComputeFlag.TFLITE_ROUNDING)
_CONVOLVE, _ADD = int(Opcode.CONVOLVE), int(Opcode.ADD)
_MULTIPLY, _DEPTHWISE = int(Opcode.MULTIPLY), int(Opcode.DEPTHWISE)
_PARAM, _ACT, _COMPUTE = int(Engine.PARAM), int(Engine.ACT), int(Engine.COMPUTE)

_REQUANTISES = (_CONVOLVE, _DEPTHWISE, _ADD, _MULTIPLY)

# A tile of work: its group, first channel and first input, how many, its flags; PAIRS of M28.
GROUP, CHANNEL, INPUT, CHANNELS, INPUTS, FLAGS, STEPS = range(7)
WORK = 7


@bare_inlined
def _enter_pitches(operand: Column, slot: int, v: Ints) -> None:
    operand[slot] = v[View.ROW]
    operand[slot + 1] = v[View.COLUMN]
    operand[slot + 2] = v[View.CHANNEL]


@bare_inlined
def _enter_window(operand: Column, n: Ints, m: Ints, rows: int, inputs: int) -> None:
    if n[Nest.OPCODE] == _CONVOLVE:
        operand[Window.IN_CHANNELS] = inputs
    operand[Window.KERNEL_ROWS] = n[Nest.KERNEL_ROWS]
    operand[Window.KERNEL_COLUMNS] = n[Nest.KERNEL_COLUMNS]
    # A single row takes no step, and its step may be more than an instruction can say.
    operand[Window.STRIDE_ROWS] = n[Nest.STRIDE_ROWS] if rows > 1 else 1
    operand[Window.STRIDE_COLUMNS] = n[Nest.STRIDE_COLUMNS] if m[Map.PE_COLUMNS] > 1 else 1
    operand[Window.DILATION_ROWS] = n[Nest.DILATION_ROWS]
    operand[Window.DILATION_COLUMNS] = n[Nest.DILATION_COLUMNS]


@bare_inlined
def _allowed_flags(n: Ints, flags: int) -> int:
    """What means something to the opcode: only what requantises has a rule of rounding."""
    if n[Nest.OPCODE] not in _REQUANTISES:
        flags &= ~_TFLITE
    return flags


@bare_kernel
def compute(
    s: Stream,
    n: Ints,
    d: Ints,
    m: Ints,
    v: Ints,
    layer: int,
    work: Ints,
    rows: int,
    image: int,
    tile: int,
    count: int,
) -> int:
    """One compute instruction but for the waits of moves and stores; its number."""
    number = put(s, _COMPUTE, opcode_of(n, m), layer)
    operand, wait = s.operand[number], s.wait[number]
    source, result = v[0], v[2]
    channels = work[CHANNELS]
    operand[Window.ROWS] = rows
    operand[Window.COLUMNS] = m[Map.PE_COLUMNS]
    operand[Window.OUT_CHANNELS] = channels
    operand[Window.FLAGS] = _allowed_flags(n, n[Nest.FLAGS] | work[FLAGS])
    operand[Window.CHANNELS] = partial_channels(n, d, m, work[CHANNEL], channels)
    if m[Map.SPLIT_CORES] == Split.ROWS:
        operand[Window.FLAGS] |= _SPLIT_POSITIONS
    else:
        operand[Window.CORE_STEP] = m[Map.CORE_CHANNELS]
    _enter_pitches(operand, Window.SOURCE_ROW_PITCH, source)
    _enter_pitches(operand, Window.ROW_PITCH, result)
    operand[Window.CHANNEL_PITCH] = n[Nest.RESULT_PITCH] * result[View.CHANNEL]
    read = work[INPUT] if n[Nest.MIXES_CHANNELS] else work[CHANNEL]
    read += work[GROUP] * n[Nest.SOURCE_STEP]
    operand[Window.SOURCE] = tile_address(source, image, tile, count) + read * source[View.CHANNEL]
    written = work[GROUP] * n[Nest.RESULT_STEP] + work[CHANNEL] * n[Nest.RESULT_PITCH]
    operand[Window.DESTINATION] = (
        tile_address(result, image, tile, count) + written * result[View.CHANNEL]
    )
    operand[Window.PARAMETERS] = s.number[PARAMETERS]
    operand[Window.LOW] = n[Nest.LOW]
    operand[Window.HIGH] = n[Nest.HIGH]
    operand[Window.ZERO_POINT] = n[Nest.ZERO_POINT]
    if n[Nest.OPCODE] < _ADD:
        _enter_window(operand, n, m, rows, work[INPUTS])
        if m[Map.SPARSE]:
            operand[Window.PAIRS] = work[STEPS]
        if work[FLAGS] & _SUMS:
            slab = m[Map.PARTIAL_BYTES] // n[Nest.IMAGES] if image_by_image(m) else 0
            operand[Window.PARTIAL] = m[Map.PARTIAL_ADDRESS] + image * slab
    else:
        operand[Vector.PASSES] = n[Nest.TAPS]
        # A vector operation has no strides: its pitches have them.
        operand[Vector.SOURCE_ROW_PITCH] *= n[Nest.STRIDE_ROWS]
        operand[Vector.SOURCE_COLUMN_PITCH] *= n[Nest.STRIDE_COLUMNS]
        if m[Map.SECOND_FROM] != From.NOWHERE:
            _enter_pitches(operand, Vector.SECOND_ROW_PITCH, v[1])
            operand[Vector.SECOND] = tile_address(v[1], image, tile, count)
    wait[_PARAM] = s.number[PARAM_WAIT]
    if m[Map.SOURCE_FROM] == From.DRAM or m[Map.SECOND_FROM] == From.DRAM:
        wait[_ACT] = s.number[ISSUED + _ACT]
    return number

"""Emission of moves that bring a computed operand into core memory, as weights (M25)."""

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import Engine
from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.arch.operands import Move, TransferFlag
from apollo.compiler.kernels.stream import FREE_AT, ISSUED, PARAMETERS, Stream
from apollo.compiler.kernels.transfers import put_move
from apollo.compiler.kernels.views import View, tile_address
from apollo.compiler.tables import Dynamic, From, Map, Nest, Split, Unit

Ints = npt.NDArray[np.int64]
Column = npt.NDArray[np.int32]

_ACT, _COMPUTE, _STORE = int(Engine.ACT), int(Engine.COMPUTE), int(Engine.STORE)
_TO_CORE = int(TransferFlag.TO_CORE)


@bare_kernel
def bring_weights(
    s: Stream,
    n: Ints,
    d: Ints,
    m: Ints,
    v: Ints,
    t: Ints,
    p: Ints,
    layer: int,
    computed: int,
    group: int,
    first: int,
    channels: int,
    count: int,
) -> None:
    """The inputs of a group's channels `first` onwards, behind the record at PARAMETERS.

    They are read where their producer left them, or in a buffer that every PE has whole (`v`).
    """
    number = put_move(s, d, t, p, layer, 0, 0, 0)
    operand, wait = s.operand[number], s.wait[number]
    inputs, by_result = n[Nest.IN_CHANNELS], n[Nest.DYNAMIC] == Dynamic.BY_RESULT
    wait[_STORE] = 0
    wait[_COMPUTE] = max(computed, s.number[FREE_AT])
    if m[Map.SECOND_FROM] == From.DRAM:
        operand[Move.SOURCE] = tile_address(v, 0, 0, count)
        operand[Move.SOURCE_ROW_PITCH] = v[View.ROW]
        operand[Move.SOURCE_SPLIT_X] = operand[Move.SOURCE_SPLIT_Y] = 0
        operand[Move.SOURCE_STEP_X] = operand[Move.SOURCE_STEP_Y] = 0
        wait[_ACT] = s.number[ISSUED + _ACT]
    operand[Move.FLAGS] = _TO_CORE
    operand[Move.ADDRESS] = s.number[PARAMETERS] + n[Nest.TABLE_BYTES]
    operand[Move.BOX_COLUMNS] = 1
    served = channels
    if m[Map.SPLIT_CORES] == Split.CHANNELS:
        operand[Move.CORE_SPLIT] = Split.ROWS if by_result else Split.CHANNELS
        operand[Move.STEP_CORE] = m[Map.CORE_CHANNELS]
        served += (d[Unit.CORES] - 1) * m[Map.CORE_CHANNELS]
    served = min(served, n[Nest.CHANNELS] - first)
    if by_result:
        operand[Move.BOX_ROWS], operand[Move.BOX_CHANNELS] = channels, inputs
        operand[Move.ROW_PITCH], operand[Move.CHANNEL_PITCH] = inputs, 1
        _narrow_rows(operand, first, served)
        _narrow_channels(operand, group * inputs, inputs)
    else:
        operand[Move.BOX_ROWS], operand[Move.BOX_CHANNELS] = inputs, channels
        operand[Move.ROW_PITCH], operand[Move.CHANNEL_PITCH] = 1, inputs
        _narrow_channels(operand, group * n[Nest.CHANNELS] + first, served)
    operand[Move.BYTES] = operand[Move.ROWS] * operand[Move.CHANNELS]


@bare_inlined
def _narrow_rows(operand: Column, first: int, count: int) -> None:
    """Move these rows only, where the PEs do not divide them; else all, from the first on."""
    if operand[Move.SOURCE_SPLIT_X] == Split.ROWS or operand[Move.SOURCE_SPLIT_Y] == Split.ROWS:
        operand[Move.FIRST_ROW] = first
        return
    operand[Move.SOURCE] += first * operand[Move.SOURCE_ROW_PITCH]
    operand[Move.ROWS] = count


@bare_inlined
def _narrow_channels(operand: Column, first: int, count: int) -> None:
    """The same for channels."""
    across, down = operand[Move.SOURCE_SPLIT_X], operand[Move.SOURCE_SPLIT_Y]
    if across == Split.CHANNELS or down == Split.CHANNELS:
        operand[Move.FIRST_CHANNEL] = first
        return
    operand[Move.SOURCE] += first * operand[Move.SOURCE_CHANNEL_PITCH]
    operand[Move.CHANNELS] = count

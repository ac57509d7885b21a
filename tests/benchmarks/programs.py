"""Generated programs like those of a compiled MobileNet, of any length."""

import numpy as np

from apollo.arch.isa import ENGINE_OF, ENGINES, SPECIFICATIONS, Engine, Opcode
from apollo.arch.operands import OPERANDS, Load, Move, Window
from apollo.arch.program import Column, Program

INPUT_BYTES = 224 * 224 * 3
INPUT_LOADS = 4
OUTPUT_STORES = 2
TILES_OF_A_LAYER = 64
LARGEST = 4096  # rows of tiles are numbered modulo this for their sizes


def mobilenet_like(instructions: int, parameter_bytes: int) -> Program:
    """Input loads, then tiles, each with its parameters, a move after every layer, then stores.

    Parameters are double-buffered. Nothing is made beside the columns themselves, so that the
    memory of a run can be measured with a program of millions of instructions.
    """
    opcode = _opcodes(instructions)
    operand = np.zeros((instructions, OPERANDS), np.int32)
    tiles = max(1, int((opcode == Opcode.LOAD_PARAMETERS).sum()))
    _fill(
        operand, opcode, Opcode.LOAD_ACTIVATIONS, {Load.SEGMENT_BYTES: INPUT_BYTES // INPUT_LOADS}
    )
    _fill(operand, opcode, Opcode.LOAD_PARAMETERS, {Load.SEGMENT_BYTES: parameter_bytes // tiles})
    _fill(operand, opcode, Opcode.MOVE, {Move.BYTES: 20_000})
    _fill(operand, opcode, Opcode.STORE, {Load.SEGMENT_BYTES: 500})
    _fill(operand, opcode, Opcode.CONVOLVE, {Window.ROWS: 7, Window.IN_CHANNELS: 256})
    convolve = np.flatnonzero(opcode == Opcode.CONVOLVE)
    operand[convolve, Window.COLUMNS] = 1 + convolve % 7
    operand[convolve, Window.OUT_CHANNELS] = 64
    layer = np.zeros(instructions, np.int32)
    return Program(opcode, layer, _waits(opcode), operand, ("layer",))


def _opcodes(instructions: int) -> Column:
    opcode = np.full(instructions, Opcode.LOAD_PARAMETERS, np.int32)
    opcode[1::2] = Opcode.CONVOLVE
    opcode[2 * TILES_OF_A_LAYER :: 2 * TILES_OF_A_LAYER] = Opcode.MOVE
    opcode[:INPUT_LOADS] = Opcode.LOAD_ACTIVATIONS
    opcode[instructions - OUTPUT_STORES :] = Opcode.STORE
    return opcode


def _fill(
    operand: Column, opcode: Column, of: Opcode, values: dict[Load | Move | Window, int]
) -> None:
    rows = opcode == of
    for field in SPECIFICATIONS[of].fields:
        operand[rows, field.slot] = max(field.low, 0)
    for slot, value in values.items():
        operand[rows, slot] = value


def _waits(opcode: Column) -> Column:
    """Everything in order, but for parameters: they wait for the tile before the last."""
    wait = np.empty((len(opcode), ENGINES), np.int32)
    for engine in Engine:
        np.cumsum(ENGINE_OF[opcode].astype(np.int8) == engine, out=wait[:, engine])
    loads = opcode == Opcode.LOAD_PARAMETERS
    wait[loads, Engine.COMPUTE] = np.maximum(wait[loads, Engine.COMPUTE] - 1, 0)
    wait[opcode == Opcode.LOAD_ACTIVATIONS] = 0
    for engine in Engine:
        if engine != Engine.COMPUTE:
            wait[loads, engine] = 0
        wait[ENGINE_OF[opcode] == engine, engine] = 0
    return wait

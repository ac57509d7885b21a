"""How long each instruction occupies its engine, and how much the program moves.

Written into the column of start times, where the simulation reads it before it overwrites it.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.cycles import drain_delay, matmul_cycles, shift_cycles, tile_cycles
from apollo.arch.isa import BYTES_OF, ENGINE_OF, Engine, Opcode
from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.arch.operands import ComputeFlag, Load, Move, Vector, Window
from apollo.simulator.kernels.state import LONGEST, Machine

Ints = npt.NDArray[np.int64]
Column = npt.NDArray[np.int32]

FITS, NEEDS_ARRAY, NEEDS_LANES, TOO_LONG = range(4)
# Durations up to this are computed without overflow.
_LONGEST_TILE = float(1 << 50)
_NEED_ARRAY = (int(Opcode.SHIFT_WEIGHTS), int(Opcode.MATMUL), int(Opcode.DRAIN))
_NEED_LANES = (int(Opcode.CONVOLVE), int(Opcode.DEPTHWISE), int(Opcode.CONVOLVE_SPARSE))
_MOVE, _SHIFT, _MATMUL = int(Opcode.MOVE), int(Opcode.SHIFT_WEIGHTS), int(Opcode.MATMUL)
_DRAIN, _SPARSE = int(Opcode.DRAIN), int(Opcode.CONVOLVE_SPARSE)
_WINDOWS = (int(Opcode.POOL_MAX), int(Opcode.POOL_AVERAGE), *_NEED_LANES, _MATMUL)
_SPLIT_POSITIONS = int(ComputeFlag.SPLIT_POSITIONS)
_PARTIAL, _WIDE = int(ComputeFlag.PARTIAL), int(ComputeFlag.WIDE_DESTINATION)
_E_MOVE, _E_COMPUTE = int(Engine.MOVE), int(Engine.COMPUTE)
_STREAM_OF = np.array([1, 2, -1, -1, 3])  # by engine
# The slots that formats share.
_ROWS, _COLUMNS, _FLAGS = int(Window.ROWS), int(Window.COLUMNS), int(Window.FLAGS)
_IN, _OUT, _PASSES = int(Window.IN_CHANNELS), int(Window.OUT_CHANNELS), int(Vector.PASSES)


@bare_inlined
def moved_bytes(operand: Column, i: int, code: int) -> int:
    """Bytes of an instruction of the MOVE engine on the activation bus (M10, M21)."""
    if code == _MOVE:
        return int(operand[i, Move.BYTES])
    if code == _SHIFT:
        return 0
    flags = operand[i, _FLAGS]
    width = 4 if flags & _PARTIAL else (2 if flags & _WIDE else 1)
    return int(operand[i, _ROWS]) * operand[i, _COLUMNS] * operand[i, _OUT] * width


@bare_inlined
def _delay(operand: Column, i: int, code: int, m: Machine) -> int:
    """Cycles from the start of an instruction of the MOVE engine to its first packet (M10, M21)."""
    if code == _SHIFT:
        return shift_cycles(operand[i, _FLAGS], m.array_rows)
    if code == _DRAIN:
        return drain_delay(operand[i, _FLAGS], m.array_rows, m.array_columns)
    return 0 if operand[i, Move.BYTES] else 1


@bare_inlined
def _tile(operand: Column, i: int, code: int, m: Machine) -> int:
    """Cycles of a compute instruction (M16-M21, M28), or -1 for more than can be counted."""
    flags = operand[i, _FLAGS]
    positions = int(operand[i, _ROWS]) * operand[i, _COLUMNS]
    taps, channels, pairs = int(operand[i, _PASSES]), 1, 0
    if code in _WINDOWS:
        taps = int(operand[i, Window.KERNEL_ROWS]) * operand[i, Window.KERNEL_COLUMNS]
        channels = int(operand[i, _IN])
    if code == _SPARSE:
        pairs = int(operand[i, Window.PAIRS])
    out = int(operand[i, _OUT])
    if 8.0 * positions * max(float(taps) * channels * out, float(pairs)) > _LONGEST_TILE:
        return -1
    if code == _MATMUL:
        return matmul_cycles(positions, taps * channels, flags, m.array_rows)
    if flags & _SPLIT_POSITIONS:
        positions = (positions + m.cores - 1) // m.cores
    return tile_cycles(code, positions, channels, out, taps, flags, pairs, m.lanes)


@bare_inlined
def _misfit(code: int, m: Machine) -> int:
    """Why the chip has no unit for an opcode (M1)."""
    if m.array_rows == 0 and code in _NEED_ARRAY:
        return NEEDS_ARRAY
    if m.array_rows > 0 and code in _NEED_LANES:
        return NEEDS_LANES
    return FITS


@bare_kernel
def work(
    # Program:
    opcode: Column,
    operand: Column,
    # Machine:
    m: Machine,
    # Out:
    duration_out: Ints,
    bursts_out: Ints,
    bus_bytes_out: Ints,
) -> tuple[int, int]:
    """Delays and durations [I], bursts of a stream [STREAMS] and useful bytes of an engine [E].

    Returns the first instruction that the machine cannot run, and why.
    """
    slowest = max(m.cost[0] // m.gain[0] + m.latency[0], m.cost[1] // m.gain[1] + m.latency[1])
    worst = 2.0 * (slowest + 2 * m.burst_bytes)  # cycles of a burst that nothing overlaps
    encoded, total = 0, 0.0
    for i in range(len(opcode)):
        code = opcode[i]
        engine = ENGINE_OF[code]
        encoded += BYTES_OF[code]
        reason = _misfit(code, m)
        if reason != FITS:
            return i, reason
        cycles, moved, bursts = 0, 0, 0
        if engine == _E_COMPUTE:
            cycles = _tile(operand, i, code, m)
        elif engine == _E_MOVE:
            cycles = _delay(operand, i, code, m)
            moved = moved_bytes(operand, i, code)
            bursts = moved // m.burst_bytes + 1
        else:
            segments = int(operand[i, Load.SEGMENTS])
            size = int(operand[i, Load.SEGMENT_BYTES])
            moved = segments * size
            bursts = segments * ((size + m.burst_bytes - 1) // m.burst_bytes)
            bursts_out[_STREAM_OF[engine]] += bursts
        total += cycles + (bursts + 1) * worst
        if cycles < 0 or total > LONGEST:
            return i, TOO_LONG
        duration_out[i] = cycles
        bus_bytes_out[engine] += moved
    bursts_out[0] = (encoded + m.burst_bytes - 1) // m.burst_bytes
    return -1, FITS

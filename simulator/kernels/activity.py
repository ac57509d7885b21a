"""What a program makes the machine do, counted: the actions that energy is made of (M16-M29).

PEs run in lockstep, so those at an edge of the network compute on what is in their memory: counts
are of all PEs. Within a PE, positions and channels that do not exist are not computed.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.cycles import CHANNEL_GROUP
from apollo.arch.isa import BYTES_OF, Opcode
from apollo.arch.jit import kernel
from apollo.arch.operands import (
    ComputeFlag,
    Load,
    Matmul,
    Move,
    Shift,
    Transfer,
    TransferFlag,
    Vector,
    Window,
)

Ints = npt.NDArray[np.int64]
Column = npt.NDArray[np.int32]

(
    MACS,
    VECTOR_OPS,
    REQUANTISATIONS,
    PE_READS,
    PE_WRITES,
    CORE_READS,
    CORE_WRITES,
    ACCUMULATOR_READS,
    ACCUMULATOR_WRITES,
    WEIGHT_SHIFTS,
    STAGED,
    ACTIVATION_BUS,
    PARAMETER_BUS,
    INSTRUCTIONS,
) = range(14)
COUNTS = 14

_LOAD_PARAMETERS = int(Opcode.LOAD_PARAMETERS)
_LOAD_ACTIVATIONS = int(Opcode.LOAD_ACTIVATIONS)
_MOVE, _STORE = int(Opcode.MOVE), int(Opcode.STORE)
_CONVOLVE, _DEPTHWISE = int(Opcode.CONVOLVE), int(Opcode.DEPTHWISE)
_SPARSE, _LOOKUP = int(Opcode.CONVOLVE_SPARSE), int(Opcode.LOOKUP)
_POOLS = (int(Opcode.POOL_MAX), int(Opcode.POOL_AVERAGE))
_BINARY = (int(Opcode.ADD), int(Opcode.MULTIPLY))
_SHIFT, _MATMUL, _DRAIN = int(Opcode.SHIFT_WEIGHTS), int(Opcode.MATMUL), int(Opcode.DRAIN)
_ACCUMULATE, _PARTIAL = int(ComputeFlag.ACCUMULATE), int(ComputeFlag.PARTIAL)
_SPLIT_POSITIONS = int(ComputeFlag.SPLIT_POSITIONS)
_OUTPUT_STATIONARY = int(ComputeFlag.OUTPUT_STATIONARY)
_WIDE_SOURCE, _WIDE_SECOND = int(ComputeFlag.WIDE_SOURCE), int(ComputeFlag.WIDE_SECOND)
_WIDE_DESTINATION = int(ComputeFlag.WIDE_DESTINATION)
_WIDE = int(TransferFlag.WIDE)


@kernel
def _width(flags: int, wide: int) -> int:
    return 2 if flags & wide else 1


@kernel
def _box_bytes(o: Column) -> int:
    """Bytes of a PE's box of a load or move; the slots are the same."""
    elements = o[Transfer.BOX_ROWS] * o[Transfer.BOX_COLUMNS] * o[Transfer.BOX_CHANNELS]
    return elements * _width(o[Transfer.FLAGS], _WIDE)


@kernel
def _transfer(opcode: int, o: Column, pes: int, cores: int, n: Ints) -> None:
    """Loads, stores and moves."""
    if opcode == _MOVE:
        moved = np.int64(o[Move.BYTES])
        n[PE_READS] += moved
        n[PE_WRITES] += max(moved, _box_bytes(o) * pes)
        n[ACTIVATION_BUS] += moved
        return
    moved = np.int64(o[Transfer.SEGMENTS]) * o[Transfer.SEGMENT_BYTES]
    if opcode == _LOAD_PARAMETERS:
        n[CORE_WRITES] += np.int64(o[Load.BLOCK_BYTES]) * pes * cores
        n[PARAMETER_BUS] += moved
        n[STAGED] += moved
        return
    n[ACTIVATION_BUS] += moved
    if opcode == _STORE:
        n[PE_READS] += moved
    else:
        n[PE_WRITES] += max(moved, _box_bytes(o) * pes)
        n[STAGED] += moved


@kernel
def _channels(o: Column, cores: int) -> tuple[int, int]:
    """Channels that a PE's cores compute together, and the cores that have any."""
    if o[Window.FLAGS] & _SPLIT_POSITIONS:
        return min(o[Window.OUT_CHANNELS], o[Window.CHANNELS]), 1
    total, active = 0, 0
    for core in range(cores):
        here = min(o[Window.OUT_CHANNELS], o[Window.CHANNELS] - core * o[Window.CORE_STEP])
        if here > 0:
            total += here
            active += 1
    return total, active


@kernel
def _window(opcode: int, o: Column, pes: int, cores: int, lanes: int, n: Ints) -> None:
    """Convolutions and pools."""
    flags = o[Window.FLAGS]
    positions = np.int64(o[Window.ROWS]) * o[Window.COLUMNS] * pes
    channels, active = _channels(o, cores)
    elements, taps = positions * channels, o[Window.KERNEL_ROWS] * o[Window.KERNEL_COLUMNS]
    width = _width(flags, _WIDE_SOURCE)
    groups = (o[Window.OUT_CHANNELS] + lanes - 1) // lanes * active
    if opcode == _CONVOLVE:
        inner = (o[Window.IN_CHANNELS] + CHANNEL_GROUP - 1) // CHANNEL_GROUP * CHANNEL_GROUP
        n[MACS] += width * elements * taps * o[Window.IN_CHANNELS]
        n[PE_READS] += width * positions * inner * taps * groups
        n[CORE_READS] += width * positions * inner * taps * groups * lanes
    elif opcode == _SPARSE:
        walked = 2 * positions * o[Window.PAIRS] * active
        n[MACS] += width * walked
        n[PE_READS] += width * walked
        n[CORE_READS] += 2 * walked // lanes  # a step and a weight for all lanes
    else:
        n[MACS if opcode == _DEPTHWISE else VECTOR_OPS] += width * elements * taps
        n[PE_READS] += width * elements * taps
        n[CORE_READS] += elements * taps if opcode == _DEPTHWISE else 0
    n[PE_READS] += 4 * elements if flags & _ACCUMULATE else 0
    if flags & _PARTIAL:
        n[PE_WRITES] += 4 * elements
    else:
        n[PE_WRITES] += _width(flags, _WIDE_DESTINATION) * elements
        n[REQUANTISATIONS] += 0 if opcode in _POOLS else elements


@kernel
def _vector(opcode: int, o: Column, pes: int, cores: int, n: Ints) -> None:
    """Elementwise operations, tables, softmax."""
    flags = o[Vector.FLAGS]
    channels, _ = _channels(o, cores)
    elements = np.int64(o[Vector.ROWS]) * o[Vector.COLUMNS] * pes * channels
    width = _width(flags, _WIDE_SOURCE)
    if opcode in _BINARY:
        width += _width(flags, _WIDE_SECOND)
        n[REQUANTISATIONS] += elements
    n[VECTOR_OPS] += elements * o[Vector.PASSES]
    n[PE_READS] += width * elements * o[Vector.PASSES]
    n[PE_WRITES] += _width(flags, _WIDE_DESTINATION) * elements
    n[CORE_READS] += elements if opcode == _LOOKUP else 0


@kernel
def _systolic(opcode: int, o: Column, array_rows: int, n: Ints) -> None:
    """Shifts, multiplications and drains of the array."""
    flags = o[Matmul.FLAGS]
    weight = _width(flags, _WIDE_SECOND)
    if opcode == _SHIFT:
        tile = np.int64(o[Shift.IN_CHANNELS]) * o[Shift.OUT_CHANNELS] * weight
        n[CORE_READS] += tile
        n[WEIGHT_SHIFTS] += tile * (array_rows + 1) // 2
        return
    positions = np.int64(o[Matmul.ROWS]) * o[Matmul.COLUMNS]
    results = positions * o[Matmul.OUT_CHANNELS]
    if opcode == _MATMUL:
        width = _width(flags, _WIDE_SOURCE)
        inner = o[Matmul.KERNEL_ROWS] * o[Matmul.KERNEL_COLUMNS] * o[Matmul.IN_CHANNELS]
        n[MACS] += results * inner * width * weight
        n[PE_READS] += positions * inner * width
        n[ACCUMULATOR_WRITES] += 4 * results
        n[ACCUMULATOR_READS] += 4 * results if flags & _ACCUMULATE else 0
        if flags & _OUTPUT_STATIONARY:
            n[CORE_READS] += np.int64(inner) * o[Matmul.OUT_CHANNELS] * weight
        return
    size = 4 if flags & _PARTIAL else _width(flags, _WIDE_DESTINATION)
    n[ACCUMULATOR_READS] += 4 * results
    n[PE_WRITES] += size * results
    n[ACTIVATION_BUS] += size * results
    n[REQUANTISATIONS] += 0 if flags & _PARTIAL else results


@kernel
def activity(
    # Program:
    opcode: Column,
    operand: Column,
    # Machine:
    pes: int,
    cores: int,
    lanes: int,
    array_rows: int,
    # Out:
    counts_out: Ints,
) -> None:
    """Add up what all instructions do, in `counts_out` [COUNTS]."""
    for i in range(len(opcode)):
        code, o = opcode[i], operand[i]
        counts_out[INSTRUCTIONS] += BYTES_OF[code]
        if code <= _STORE:
            _transfer(code, o, pes, cores, counts_out)
        elif code >= _SHIFT:
            _systolic(code, o, array_rows, counts_out)
        elif code == _SPARSE or code <= _POOLS[1]:
            _window(code, o, pes, cores, lanes, counts_out)
        else:
            _vector(code, o, pes, cores, counts_out)

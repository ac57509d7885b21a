"""Emission of the parts of K of a column: weight tiles into the array, and multiplications.

`P` parts, `M` pieces of positions, `F` operand slots, `K` keys of tiles.
"""

from enum import IntEnum

from apollo.arch.cycles import matmul_cycles
from apollo.arch.isa import Opcode
from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.arch.operands import ComputeFlag, Load, Matmul, Shift
from apollo.compiler.systolic.kernels.lines import (
    Column,
    Count,
    Ints,
    Lines,
    Use,
    append,
    make,
    release_until,
    touch,
)

_LOAD, _SHIFT, _MATMUL = (
    int(Opcode.LOAD_PARAMETERS),
    int(Opcode.SHIFT_WEIGHTS),
    int(Opcode.MATMUL),
)
_ACCUMULATE = int(ComputeFlag.ACCUMULATE)
CORE, ACCUMULATORS, BUFFERS = 1, 2, 3  # of `hazards.Memory`
NO_KEY, NO_TILE = -1, -1


class Part(IntEnum):
    """Columns of a part of K."""

    ROWS = 0
    ADDRESS = 1  # of its weight tile in DRAM
    SIZE = 2  # bytes of its load
    PITCH = 3
    KEY = 4  # tiles of one key hold the same; NO_KEY


class State(IntEnum):
    """What a stream remembers: estimated cycles at which engines are free, and counts."""

    LOAD = 0
    MOVE = 1
    COMPUTE = 2
    BEFORE = 3
    TILES = 4
    SHIFTS = 5
    NEWEST = 6  # key of the tile in the buffer that was filled last
    IS_BROUGHT = 7  # the tile of the next part is in the last slot already


class Chip(IntEnum):
    """What a stream knows of the array."""

    ROWS = 0
    IS_OUTPUT_STATIONARY = 1
    SLOTS = 2
    FIRST_SLOT = 3  # address
    TILE_BYTES = 4
    KEEPS_TILES = 5
    SHIFT_CYCLES = 6
    BURST = 7
    BYTES = 8  # of the channel of parameters, in so many
    CYCLES = 9


@bare_inlined
def _slot(d: Ints, number: int) -> int:
    return d[Chip.FIRST_SLOT] + number % d[Chip.SLOTS] * d[Chip.TILE_BYTES]


@bare_kernel
def _load(s: Lines, x: Ints, d: Ints, part: Ints, layer: int, address: int) -> None:
    number = make(s, _LOAD, layer)
    size = part[Part.SIZE]
    operand = s.operand[number]
    operand[Load.SEGMENT_BYTES] = operand[Load.BLOCK_BYTES] = size
    operand[Load.DRAM_ADDRESS], operand[Load.DESTINATION] = part[Part.ADDRESS], address
    touch(s, CORE, address, address + size, 1)
    append(s, number)
    bursts = -(-size // d[Chip.BURST])
    x[State.LOAD] += -(-bursts * d[Chip.BURST] * d[Chip.CYCLES] // d[Chip.BYTES])


@bare_kernel
def _tile(s: Lines, x: Ints, d: Ints, held: Ints, part: Ints, layer: int) -> int:
    """The address of a weight tile in core memory, loaded if it is not there."""
    key = part[Part.KEY]
    if x[State.IS_BROUGHT]:
        return _slot(d, x[State.TILES] - 1)
    if key != NO_KEY and d[Chip.KEEPS_TILES]:
        there = held[key]
        if there != NO_TILE and there > x[State.TILES] - d[Chip.SLOTS]:
            return _slot(d, there)
    address = _slot(d, x[State.TILES])
    if key != NO_KEY:
        held[key] = x[State.TILES]
    x[State.TILES] += 1
    _load(s, x, d, part, layer, address)
    return address


@bare_kernel
def _shift(s: Lines, x: Ints, d: Ints, part: Ints, layer: int, width: int, address: int) -> None:
    """A tile into the idle buffer, behind the drains that still leave it in time."""
    cycles = d[Chip.SHIFT_CYCLES]
    possible = max(x[State.LOAD], x[State.BEFORE])
    in_time = max(possible, x[State.COMPUTE] - cycles)
    x[State.MOVE] = release_until(s, x[State.MOVE], in_time)
    x[State.MOVE] = max(x[State.MOVE], possible) + cycles
    buffer = x[State.SHIFTS] % 2
    x[State.SHIFTS] += 1
    number = make(s, _SHIFT, layer)
    operand = s.operand[number]
    operand[Shift.BUFFER], operand[Shift.IN_CHANNELS] = buffer, part[Part.ROWS]
    operand[Shift.OUT_CHANNELS], operand[Shift.PARAMETERS] = width, address
    operand[Shift.PARAMETER_PITCH] = part[Part.PITCH]
    touch(s, CORE, address, address + part[Part.SIZE], 0)
    touch(s, BUFFERS, buffer, buffer + 1, 1)
    append(s, number)


@bare_kernel
def _multiply(
    s: Lines, d: Ints, layer: int, part: Ints, address: int, buffer: int, row: Column, source: Ints
) -> int:
    """A piece through the array; the cycles that it takes."""
    number = make(s, _MATMUL, layer)
    operand = s.operand[number]
    for slot in range(len(operand)):
        operand[slot] = row[slot]
    if d[Chip.IS_OUTPUT_STATIONARY]:
        operand[Matmul.PARAMETERS], operand[Matmul.PARAMETER_PITCH] = address, part[Part.PITCH]
        touch(s, CORE, address, address + part[Part.SIZE], 0)
    else:
        operand[Matmul.BUFFER] = buffer
        touch(s, BUFFERS, buffer, buffer + 1, 0)
    positions = operand[Matmul.ROWS] * operand[Matmul.COLUMNS]
    first = operand[Matmul.ACCUMULATOR]
    touch(s, ACCUMULATORS, first, first + positions, 1)
    touch(s, source[Use.MEMORY], source[Use.START], source[Use.END], 0)
    use = s.use[s.number[Count.USES] - 1]
    use[Use.TENSOR] = source[Use.TENSOR]
    use[Use.FIRST], use[Use.LAST] = source[Use.FIRST], source[Use.LAST]
    append(s, number)
    flags = operand[Matmul.FLAGS]
    return matmul_cycles(positions, part[Part.ROWS], flags, d[Chip.ROWS])


@bare_kernel
def emit_parts(
    # Product:
    parts: Ints,
    rows: Column,
    sources: Ints,
    layer: int,
    width: int,
    first: int,
    end: int,
    # Machine:
    d: Ints,
    # Out:
    s: Lines,
    x: Ints,
    held: Ints,
    ends_out: Ints,
) -> None:
    """Emit parts `first` up to `end` for every piece; `ends_out`: estimated ends of the pieces.

    `rows` [P, M, F] are the multiplications but for weights and ACCUMULATE, `sources` [P, M, Use]
    what they read.
    """
    for number in range(first, end):
        part = parts[number]
        address = 0
        if d[Chip.IS_OUTPUT_STATIONARY]:
            address = _tile(s, x, d, held, part, layer)
        elif part[Part.KEY] == NO_KEY or part[Part.KEY] != x[State.NEWEST]:
            address = _tile(s, x, d, held, part, layer)
            _shift(s, x, d, part, layer, width, address)
            x[State.NEWEST] = part[Part.KEY]
        buffer = (x[State.SHIFTS] - 1) % 2
        x[State.BEFORE] = x[State.COMPUTE]
        x[State.COMPUTE] = max(x[State.COMPUTE], x[State.MOVE])
        for piece in range(rows.shape[1]):
            row = rows[number, piece]
            if number:
                row[Matmul.FLAGS] |= _ACCUMULATE
            x[State.COMPUTE] += _multiply(
                s, d, layer, part, address, buffer, row, sources[number, piece]
            )
            ends_out[piece] = x[State.COMPUTE]

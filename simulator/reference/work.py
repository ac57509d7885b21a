"""What one instruction asks of its engine: packets (M4), a delay (M10), cycles (M16-M21, M28)."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntFlag
from typing import NamedTuple

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import SPECIFICATIONS, Opcode
from apollo.arch.operands import ComputeFlag
from apollo.arch.program import Program

PIPELINE_FILL = 8


def ceil_div(value: int, by: int) -> int:
    """Quotient, rounded up."""
    return -(-value // by)


@dataclass(frozen=True)
class Instruction:
    """An instruction with its operands by name."""

    opcode: Opcode
    operands: dict[str, int]

    def __getitem__(self, name: str) -> int:
        return self.operands[name]

    def has(self, flag: IntFlag) -> bool:
        """Whether the flag is set."""
        return bool(self.operands.get("flags", 0) & flag)

    def width(self, wide: ComputeFlag) -> int:
        """Bytes of an element that this flag makes wide."""
        return 2 if self.has(wide) else 1

    @property
    def positions(self) -> int:
        """Positions of the tile on a PE."""
        return self["rows"] * self["columns"]


def instruction_of(program: Program, index: int) -> Instruction:
    """One instruction of a program."""
    opcode = Opcode(int(program.opcode[index]))
    row = program.operand[index].tolist()
    fields = SPECIFICATIONS[opcode].fields
    return Instruction(opcode, {field.name: row[field.slot] for field in fields})


class Packet(NamedTuple):
    """What one burst, or one grant of a bus, moves."""

    useful_bytes: int
    last: bool  # of its instruction


def packets_of(instruction: Instruction, burst_bytes: int) -> list[Packet]:
    """The packets of a transfer: every segment begins one (M4, M10)."""
    segments, segment_bytes = _moved(instruction)
    starts = range(0, segment_bytes, burst_bytes)
    sizes = segments * [min(burst_bytes, segment_bytes - start) for start in starts]
    return [Packet(size, number == len(sizes)) for number, size in enumerate(sizes, start=1)]


def _moved(instruction: Instruction) -> tuple[int, int]:
    """Segments and bytes of each."""
    if instruction.opcode == Opcode.SHIFT_WEIGHTS:
        return 1, 0
    if instruction.opcode == Opcode.DRAIN:  # M21
        width = instruction.width(ComputeFlag.WIDE_DESTINATION)
        if instruction.has(ComputeFlag.PARTIAL):
            width = 4
        return 1, instruction.positions * instruction["out_channels"] * width
    if instruction.opcode == Opcode.MOVE:
        return 1, instruction["bytes"]
    return instruction["segments"], instruction["segment_bytes"]


def delay_of(instruction: Instruction, accelerator: Accelerator) -> int:
    """Cycles from the start of an instruction of MOVE until it asks for the bus (M10, M21)."""
    rows, columns = accelerator.array_rows, accelerator.array_columns
    if instruction.opcode == Opcode.SHIFT_WEIGHTS:
        return rows * instruction.width(ComputeFlag.WIDE_SECOND)
    if instruction.opcode == Opcode.DRAIN:
        skew = rows + columns + 6
        return skew + rows if instruction.has(ComputeFlag.OUTPUT_STATIONARY) else skew
    if instruction.opcode == Opcode.MOVE:
        return 0 if instruction["bytes"] else 1
    return 0


class _Tile(NamedTuple):
    """The work of the busiest core."""

    steps: int
    read: int  # bytes
    written: int


def compute_cycles(instruction: Instruction, accelerator: Accelerator) -> int:
    """How long a compute instruction lasts."""
    if instruction.opcode == Opcode.MATMUL:
        return _matmul_cycles(instruction, accelerator.array_rows)
    positions = instruction.positions
    if instruction.has(ComputeFlag.SPLIT_POSITIONS):
        positions = ceil_div(positions, accelerator.cores)
    tile = _TILES.get(instruction.opcode, _vector)(instruction, positions, accelerator.lanes)
    port = 2 * accelerator.lanes
    busiest = max(tile.steps, ceil_div(tile.read, port), ceil_div(tile.written, port))
    return busiest + PIPELINE_FILL


def _matmul_cycles(matmul: Instruction, array_rows: int) -> int:  # M21
    rate = matmul.width(ComputeFlag.WIDE_SOURCE) * matmul.width(ComputeFlag.WIDE_SECOND)
    if not matmul.has(ComputeFlag.OUTPUT_STATIONARY):
        return matmul.positions * rate
    summands = matmul["kernel_rows"] * matmul["kernel_columns"] * matmul["in_channels"]
    return max(summands * rate, array_rows)


def _with_sums(window: Instruction, positions: int, steps: int, read: int) -> _Tile:  # M16, M17
    results = positions * window["out_channels"]
    if window.has(ComputeFlag.ACCUMULATE):
        read += 4 * results
    width = window.width(ComputeFlag.WIDE_DESTINATION)
    return _Tile(steps, read, results * (4 if window.has(ComputeFlag.PARTIAL) else width))


def _convolve(window: Instruction, positions: int, lanes: int) -> _Tile:  # M16
    taps = window["kernel_rows"] * window["kernel_columns"]
    groups = ceil_div(window["out_channels"], lanes)
    steps = positions * ceil_div(window["in_channels"], 4) * taps * groups
    steps *= window.width(ComputeFlag.WIDE_SOURCE)
    return _with_sums(window, positions, steps, 4 * steps)


def _by_channel(window: Instruction, positions: int, lanes: int) -> _Tile:  # M17, M18
    pairs = ceil_div(window["kernel_rows"] * window["kernel_columns"], 2)
    steps = positions * pairs * ceil_div(window["out_channels"], lanes)
    steps *= window.width(ComputeFlag.WIDE_SOURCE)
    return _with_sums(window, positions, steps, 2 * lanes * steps)


def _sparse(window: Instruction, positions: int, lanes: int) -> _Tile:  # M28
    steps = ceil_div(positions, lanes) * window["pairs"]
    steps *= window.width(ComputeFlag.WIDE_SOURCE)
    return _with_sums(window, positions, steps, 2 * lanes * steps)


def _vector(vector: Instruction, positions: int, lanes: int) -> _Tile:  # M19, M20
    results, passes = positions * vector["out_channels"], vector["passes"]
    steps = positions * ceil_div(vector["out_channels"], lanes) * passes
    element = vector.width(ComputeFlag.WIDE_SOURCE)
    if vector.opcode in (Opcode.ADD, Opcode.MULTIPLY):
        element += vector.width(ComputeFlag.WIDE_SECOND)
    written = results * vector.width(ComputeFlag.WIDE_DESTINATION)
    return _Tile(steps, element * results * passes, written)


_TILES: dict[Opcode, Callable[[Instruction, int, int], _Tile]] = {
    Opcode.CONVOLVE: _convolve,
    Opcode.DEPTHWISE: _by_channel,
    Opcode.POOL_MAX: _by_channel,
    Opcode.POOL_AVERAGE: _by_channel,
    Opcode.CONVOLVE_SPARSE: _sparse,
}

"""What a program asks for, whatever the timing: bytes and multiply-accumulates."""

import numpy as np
import numpy.typing as npt

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import ENGINES, Opcode
from apollo.arch.operands import ComputeFlag, Drain, Load, Matmul, Move, Window
from apollo.arch.program import Program

Ints = npt.NDArray[np.int64]


def useful_bytes(program: Program) -> Ints:
    """Bytes that cross the bus of each engine, [E]."""
    total = np.zeros(ENGINES, np.int64)
    for opcode, engine, operand in zip(
        program.opcode, program.engine, program.operand.tolist(), strict=True
    ):
        if opcode == Opcode.MOVE:
            total[engine] += operand[Move.BYTES]
        elif opcode == Opcode.DRAIN:
            flags = operand[Drain.FLAGS]
            width = 4 if flags & ComputeFlag.PARTIAL else 1
            if width == 1 and flags & ComputeFlag.WIDE_DESTINATION:
                width = 2
            results = operand[Drain.ROWS] * operand[Drain.COLUMNS] * operand[Drain.OUT_CHANNELS]
            total[engine] += width * results
        elif opcode <= Opcode.STORE:
            total[engine] += operand[Load.SEGMENTS] * operand[Load.SEGMENT_BYTES]
    return total


def multiply_accumulates(program: Program, accelerator: Accelerator) -> int:
    """At most so many are executed, on all PEs."""
    return (
        sum(
            _macs(Opcode(opcode), operand, accelerator.cores)
            for opcode, operand in zip(
                program.opcode.tolist(), program.operand.tolist(), strict=True
            )
        )
        * accelerator.pes
    )


def _macs(opcode: Opcode, operand: list[int], cores: int) -> int:
    positions = operand[Window.ROWS] * operand[Window.COLUMNS]
    taps = operand[Window.KERNEL_ROWS] * operand[Window.KERNEL_COLUMNS]
    channels = operand[Window.OUT_CHANNELS]
    if opcode == Opcode.MATMUL:
        return positions * taps * operand[Matmul.IN_CHANNELS] * channels
    summands = {
        Opcode.CONVOLVE: taps * operand[Window.IN_CHANNELS] * channels,
        Opcode.DEPTHWISE: taps * channels,
        Opcode.CONVOLVE_SPARSE: 2 * operand[Window.PAIRS],
    }.get(opcode, 0)
    if operand[Window.FLAGS] & ComputeFlag.SPLIT_POSITIONS:
        return positions * summands  # shared by the cores
    return positions * summands * cores

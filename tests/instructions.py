"""Programs and designs as tests write them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import ENGINES, SPECIFICATIONS, Opcode
from apollo.arch.operands import OPERANDS
from apollo.arch.program import Program

NO_WAIT = (0,) * ENGINES


class Instruction(NamedTuple):
    """An instruction as tests write it."""

    opcode: Opcode
    operands: Mapping[str, int]  # the others have their usual value
    wait: tuple[int, ...] = NO_WAIT  # by engine


def make_program(instructions: Sequence[Instruction]) -> Program:
    """The program of these instructions, in one layer."""
    operand = np.zeros((len(instructions), OPERANDS), dtype=np.int64)
    for index, instruction in enumerate(instructions):
        fields = SPECIFICATIONS[instruction.opcode].fields
        assert instruction.operands.keys() <= {field.name for field in fields}, instruction
        for field in fields:
            operand[index, field.slot] = instruction.operands.get(field.name, field.usual)
    return Program(
        opcode=np.array([int(row.opcode) for row in instructions], dtype=np.int64),
        layer=np.zeros(len(instructions), dtype=np.int64),
        wait=np.array([row.wait for row in instructions], dtype=np.int64).reshape(-1, ENGINES),
        operand=operand,
        layer_names=("layer",),
    )


def make_accelerator(**fields: Any) -> Accelerator:
    """A small design with these fields."""
    small = dict(pes_x=2, pes_y=1, lanes=16, cores=1, pe_memory_bytes=4096, core_memory_bytes=4096)
    return Accelerator(name="random", **(small | fields))

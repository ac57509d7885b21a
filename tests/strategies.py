"""Random valid programs and small random accelerators: contention first, realism second.

The same two builders serve hypothesis (which shrinks) and NumPy (which is faster for large
programs). Programs that are to be run come with their design from `cases` or `random_program`,
because an opcode may need lanes or a systolic array.
"""

from collections.abc import Collection
from typing import TypeVar

import numpy as np
from hypothesis import strategies as st

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import Opcode
from apollo.arch.program import Program
from tests.choices import OF_ARRAYS, OF_LANES, Drawn, Rolled, accelerator_of, program_of
from tests.instructions import make_accelerator

T = TypeVar("T")

ANY_DESIGN = make_accelerator(
    activation_memory_bytes=1024,
    instruction_memory_bytes=1024,
    parameter_memory_bytes=1024,
    dram_gb_per_s=16,
    burst_bytes=64,
)


@st.composite
def accelerators(draw: st.DrawFn) -> Accelerator:
    """Small designs in which something is always scarce: with lanes, and with an array."""
    return accelerator_of(Drawn(draw))


@st.composite
def programs(draw: st.DrawFn, max_instructions: int = 32) -> Program:
    """Valid programs for any design: of opcodes that need neither an array nor its absence."""
    count = draw(st.integers(0, max_instructions))
    return program_of(Drawn(draw), ANY_DESIGN, count, OF_LANES + OF_ARRAYS)


@st.composite
def cases(draw: st.DrawFn, max_instructions: int = 32) -> tuple[Program, Accelerator]:
    """A design, and a program for it with waits up to the legal maximum."""
    chip = draw(accelerators())
    return program_of(Drawn(draw), chip, draw(st.integers(0, max_instructions))), chip


def random_accelerator(rng: np.random.Generator) -> Accelerator:
    """As `accelerators`, from a NumPy generator."""
    return accelerator_of(Rolled(rng))


def random_program(
    rng: np.random.Generator,
    instructions: int,
    chip: Accelerator,
    missing: Collection[Opcode] | None = None,
) -> Program:
    """As in `cases`, of exactly so many instructions, from a NumPy generator.

    `missing` are opcodes that do not occur, in place of those that the chip cannot run.
    """
    return program_of(Rolled(rng), chip, instructions, missing)

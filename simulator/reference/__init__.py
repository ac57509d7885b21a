"""The machine of docs/machine.md in plain Python, one cycle at a time.

Slow and obvious, and written from the manual alone: the kernel is held against it. The numbers
in comments are the manual's rules.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import ENGINES
from apollo.arch.program import Program
from apollo.simulator.reference.machine import BUSY, Machine
from apollo.simulator.timeline import Timeline

__all__ = ["BUSY", "observe", "simulate", "stall_causes"]

Ints = npt.NDArray[np.int64]


def observe(program: Program, accelerator: Accelerator) -> tuple[Timeline, Ints]:
    """The timeline, and the stall cause of every engine or `BUSY` in every cycle, [cycles, E].

    Raises `ValueError` for a program that the machine cannot finish (none that is valid).
    """
    machine = Machine(program, accelerator)
    return machine.run(), np.array(machine.causes, dtype=np.int64).reshape(-1, ENGINES)


def simulate(program: Program, accelerator: Accelerator) -> Timeline:
    """The timeline of a program."""
    return observe(program, accelerator)[0]


def stall_causes(program: Program, accelerator: Accelerator) -> Ints:
    """The stall cause of every engine or `BUSY` in every cycle, [cycles, E]."""
    return observe(program, accelerator)[1]

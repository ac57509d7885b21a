"""How the kernel is compared with the reference, on one program or on many."""

import numpy as np
import numpy.typing as npt

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import Engine
from apollo.arch.program import Program
from apollo.simulator import engine, reference
from apollo.simulator.stalls import StallCause, stall_cycles
from apollo.simulator.timeline import Timeline
from tests.strategies import random_accelerator, random_program

COLUMNS = ("visible", "start", "finish", "channel_bytes", "bus_bytes")

Case = tuple[Program, Accelerator]
Ints = npt.NDArray[np.int64]


def count_causes(causes: Ints) -> Ints:
    """Idle cycles [E, causes] from causes [cycles, E]."""
    return np.array([[(causes[:, unit] == cause).sum() for cause in StallCause] for unit in Engine])


def differing_columns(one: Timeline, other: Timeline) -> list[str]:
    """Names of the columns that are not equal."""
    return [
        name for name in COLUMNS if not np.array_equal(getattr(one, name), getattr(other, name))
    ]


def assert_agree(program: Program, accelerator: Accelerator) -> None:
    """The kernel, with skips and without, says what the reference says."""
    expected, causes = reference.observe(program, accelerator)
    for skip in (True, False):
        timeline = engine.simulate(program, accelerator, skip=skip)
        for name in COLUMNS:
            np.testing.assert_array_equal(
                getattr(timeline, name), getattr(expected, name), err_msg=f"{name}, skip={skip}"
            )
        np.testing.assert_array_equal(stall_cycles(timeline), count_causes(causes))


def random_case(seed: int, most: int) -> Case:
    """A program of 1 to `most` instructions and a design, both a function of the seed."""
    rng = np.random.default_rng(seed)
    accelerator = random_accelerator(rng)
    return random_program(rng, int(rng.integers(1, most + 1)), accelerator), accelerator

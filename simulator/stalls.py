"""Why an engine stood still: one cause for every idle cycle."""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from apollo.simulator.kernels import stalls as stall_kernel
from apollo.simulator.kernels.queues import queues
from apollo.simulator.timeline import Timeline

Ints = npt.NDArray[np.int64]


class StallCause(IntEnum):
    """Causes in the order in which they are looked for (M15)."""

    END = 0
    FETCH = 1
    PARAM = 2
    ACT = 3
    MOVE = 4
    COMPUTE = 5
    STORE = 6


def stall_cycles_by_layer(timeline: Timeline) -> Ints:
    """Idle cycles [layers, E, causes] of a run."""
    program = timeline.program
    queue, first = queues(program.opcode)
    return stall_kernel.stalls(
        queue,
        first,
        program.wait,
        program.layer,
        len(program.layer_names),
        timeline.visible,
        timeline.finish,
    )


def stall_cycles(timeline: Timeline) -> Ints:
    """Idle cycles [E, causes] of a run."""
    return np.asarray(stall_cycles_by_layer(timeline).sum(axis=0))

"""Stall cycles by cause, from the tables of a run alone (docs/machine.md, M15)."""

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import ENGINES
from apollo.arch.jit import kernel

Ints = npt.NDArray[np.int64]
Column = npt.NDArray[np.int32]

END_CAUSE = 0
FETCH_CAUSE = 1
FIRST_ENGINE_CAUSE = 2
CAUSES = FIRST_ENGINE_CAUSE + ENGINES


@kernel
def stalls(
    # Program:
    queue: Column,
    first: Ints,
    wait: Column,
    layer: Column,
    layers: int,
    # Run:
    visible: Ints,
    finish: Ints,
) -> Ints:
    """Idle cycles [layers, E, causes]; an idle cycle belongs to the layer of the engine's head.

    END cycles, from an engine's last retirement to the program's end, belong to the last layer.
    """
    out = np.zeros((layers, ENGINES, CAUSES), np.int64)
    latency = 0
    for i in range(len(finish)):
        latency = max(latency, finish[i])
    for e in range(ENGINES):
        idle_from = 0
        for place in range(first[e], first[e + 1]):
            head = queue[place]
            cycle = idle_from
            if visible[head] > cycle:
                out[layer[head], e, FETCH_CAUSE] += visible[head] - cycle
                cycle = visible[head]
            for other in range(ENGINES):
                needed = wait[head, other]
                if needed == 0:
                    continue
                retired = finish[queue[first[other] + needed - 1]]
                if retired > cycle:
                    out[layer[head], e, FIRST_ENGINE_CAUSE + other] += retired - cycle
                    cycle = retired
            idle_from = max(idle_from, finish[head])
        out[layers - 1, e, END_CAUSE] += latency - idle_from
    return out

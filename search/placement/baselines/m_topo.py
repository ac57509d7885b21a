"""m-TOPO: groups in topological order fill one device after the other.

B. Jeon, L. Cai, P. Srivastava et al., "Baechi: fast device placement of machine learning graphs"
(SoCC 2020), section 3.1: a device is full at the cap, the memory of all groups over the number of
devices and the largest group on top, or at its own memory. A group's memory is its parameters and
outputs. Ours: over the devices that are alike, and over all.
"""

import numpy as np

from apollo.search.placement.baselines.devices import device_sets, on_allowed
from apollo.search.placement.found import Budget, Found, Tries
from apollo.search.placement.instance import Instance
from apollo.search.placement.problem import Ints, PlacementProblem


def m_topo(
    problem: PlacementProblem, instance: Instance | None, budget: Budget, seed: int
) -> Found:
    """One placement for every set of devices; draws nothing."""
    tries = Tries(problem, budget)
    placements = [on_allowed(problem, filled(problem, each)) for each in device_sets(problem)]
    tries.costs(np.stack(placements)[: tries.left])
    return tries.found()


def filled(problem: PlacementProblem, devices: Ints) -> Ints:
    """[G] Groups in their order on the devices in theirs."""
    held = problem.groups.memory_bytes + problem.groups.output_bytes
    cap = int(held.sum()) // len(devices) + int(held.max())
    placement = np.empty(len(held), np.int64)
    number, used = 0, 0
    for group, size in enumerate(held.tolist()):
        full = min(cap, int(problem.memory_bytes[devices[number]]))
        if used + size > full and used > 0 and number + 1 < len(devices):
            number, used = number + 1, 0
        placement[group] = devices[number]
        used += size
    return placement

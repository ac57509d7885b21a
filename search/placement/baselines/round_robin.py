"""Groups in their order to one device after the other, and again from the first."""

import numpy as np

from apollo.search.placement.baselines.devices import device_sets, on_allowed
from apollo.search.placement.found import Budget, Found, Tries
from apollo.search.placement.instance import Instance
from apollo.search.placement.problem import PlacementProblem


def round_robin(
    problem: PlacementProblem, instance: Instance | None, budget: Budget, seed: int
) -> Found:
    """Over the devices that are alike, and over all; draws nothing."""
    tries, numbers = Tries(problem, budget), np.arange(len(problem.groups.names))
    placements = [
        on_allowed(problem, devices[numbers % len(devices)]) for devices in device_sets(problem)
    ]
    tries.costs(np.stack(placements)[: tries.left])
    return tries.found()

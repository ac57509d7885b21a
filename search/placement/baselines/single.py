"""All groups on one device: the best of all devices.

What a device cannot run goes to the device that is fastest at it.
"""

import numpy as np

from apollo.search.placement.baselines.devices import on_allowed
from apollo.search.placement.found import Budget, Found, Tries
from apollo.search.placement.instance import Instance
from apollo.search.placement.problem import Ints, PlacementProblem


def single_placements(problem: PlacementProblem) -> Ints:
    """[D, G] One for every device."""
    devices = np.arange(len(problem.device_names))
    count = len(problem.groups.names)
    return np.stack([on_allowed(problem, np.full(count, device)) for device in devices])


def single_device(
    problem: PlacementProblem, instance: Instance | None, budget: Budget, seed: int
) -> Found:
    """The best of one device; draws nothing."""
    tries = Tries(problem, budget)
    tries.costs(single_placements(problem)[: tries.left])
    return tries.found()

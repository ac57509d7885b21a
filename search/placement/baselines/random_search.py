"""Every group on a device drawn uniformly from those that may run it; the best of many."""

import numpy as np

from apollo.search.placement.baselines.devices import random_placements
from apollo.search.placement.found import Budget, Found, Tries
from apollo.search.placement.instance import Instance
from apollo.search.placement.problem import PlacementProblem

_BATCH = 256


def random_search(
    problem: PlacementProblem, instance: Instance | None, budget: Budget, seed: int
) -> Found:
    """The best of as many as the budget allows."""
    tries, generator = Tries(problem, budget), np.random.default_rng(seed)
    while tries.left > 0:
        tries.costs(random_placements(problem, min(_BATCH, tries.left), generator))
    return tries.found()

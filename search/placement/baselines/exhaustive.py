"""All placements, one by one: the optimum of a small problem, of whatever costs it has."""

import math

import numpy as np

from apollo.search.placement.baselines.by_optimizer import Digits
from apollo.search.placement.found import Budget, Found, Tries
from apollo.search.placement.instance import Instance
from apollo.search.placement.problem import PlacementProblem

_BATCH = 4096


def exhaustive(
    problem: PlacementProblem, instance: Instance | None, budget: Budget, seed: int
) -> Found:
    """The best of all.

    Raises `ValueError`, one sentence, where there are more than the budget allows to simulate.
    """
    tries, digits = Tries(problem, budget), Digits(problem)
    count = math.prod(digits.radices)
    if count > budget.simulations:
        raise ValueError(
            f"The problem '{problem.name}' has {count:,} placements; to try all of them the budget "
            f"must be that many, not {budget.simulations:,}."
        )
    radices = np.array(digits.radices, np.int64)
    weights = count // np.cumprod(radices)
    for first in range(0, count, _BATCH):
        if tries.left == 0:
            raise ValueError(
                f"The {count:,} placements of the problem '{problem.name}' take longer than the "
                f"{budget.seconds:g} seconds of the budget."
            )
        numbers = np.arange(first, min(first + _BATCH, count))
        tries.costs(digits.placements(numbers[:, None] // weights % radices))
    return tries.found()

"""A learned placement, and local search from it: both within one budget."""

from dataclasses import replace

from apollo.search.placement.baselines.local_search import local_search_from
from apollo.search.placement.found import Budget, Found
from apollo.search.placement.learning.learn import learn
from apollo.search.placement.problem import PlacementProblem

_LEARNING = 0.5  # of the budget


def learn_and_search(problem: PlacementProblem, budget: Budget, seed: int) -> Found:
    """What local search makes of the best placement that a policy met.

    Every simulation of either counts, that of the placement at which the search begins too.
    """
    share = max(1, round(_LEARNING * budget.simulations))
    learned = learn(problem, Budget(share, _LEARNING * budget.seconds), seed)
    left = budget.simulations - learned.simulations
    if left < 1:
        return learned
    rest = Budget(left, (1 - _LEARNING) * budget.seconds)
    found = local_search_from(problem, learned.placement[None, :], rest, seed)
    later = [
        (learned.simulations + count, cost) for count, cost in found.curve if cost < learned.cost
    ]
    simulations = learned.simulations + found.simulations
    return replace(found, simulations=simulations, curve=(*learned.curve, *later))

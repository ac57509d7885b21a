"""m-SCT: small communication times, with favourite children that stay beside their producers.

B. Jeon, L. Cai, P. Srivastava et al., "Baechi: fast device placement of machine learning graphs"
(SoCC 2020), section 3.3, after Hanen and Munier (1995). Earliest task first, but after an operator
a device waits for its favourite child as long as another device would wait for the tensor; only an
urgent operator, one that could start anywhere by then, may come between. Ours: over the devices
that are alike, and over all; a child whose group runs elsewhere is not waited for.
"""

import numpy as np

from apollo.search.placement.baselines.devices import device_sets
from apollo.search.placement.baselines.earliest_first import EarliestFirst
from apollo.search.placement.baselines.favourites import favourites
from apollo.search.placement.baselines.plan import Plan, operators_of
from apollo.search.placement.found import Budget, Found, Tries
from apollo.search.placement.instance import Instance
from apollo.search.placement.problem import PlacementProblem


def m_sct(problem: PlacementProblem, instance: Instance | None, budget: Budget, seed: int) -> Found:
    """One placement for every set of devices; draws nothing."""
    instance = operators_of("m-SCT", problem, instance)
    tries, sets = Tries(problem, budget), device_sets(problem)
    children = favourites(Plan(problem, instance, sets[0]))
    for devices in sets:
        if tries.left > 0:
            plan = Plan(problem, instance, devices)
            placement = EarliestFirst(plan, len(problem.device_names), children).run()
            tries.costs(np.array([placement], np.int64))
    return tries.found()

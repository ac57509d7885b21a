"""m-ETF: earliest task first, on devices that have room.

B. Jeon, L. Cai, P. Srivastava et al., "Baechi: fast device placement of machine learning graphs"
(SoCC 2020), section 3.2. Ours: over the devices that are alike, and over all.
"""

import numpy as np

from apollo.search.placement.baselines.devices import device_sets
from apollo.search.placement.baselines.earliest_first import EarliestFirst
from apollo.search.placement.baselines.plan import Plan, operators_of
from apollo.search.placement.found import Budget, Found, Tries
from apollo.search.placement.instance import Instance
from apollo.search.placement.problem import PlacementProblem


def m_etf(problem: PlacementProblem, instance: Instance | None, budget: Budget, seed: int) -> Found:
    """One placement for every set of devices; draws nothing."""
    instance = operators_of("m-ETF", problem, instance)
    tries, count = Tries(problem, budget), len(problem.device_names)
    for devices in device_sets(problem):
        if tries.left > 0:
            placement = EarliestFirst(Plan(problem, instance, devices), count, {}).run()
            tries.costs(np.array([placement], np.int64))
    return tries.found()

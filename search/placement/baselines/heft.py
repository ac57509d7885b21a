"""HEFT: operators by upward rank, each where it ends first, also in a gap between others.

H. Topcuoglu, S. Hariri, M.-Y. Wu, "Performance-effective and low-complexity task scheduling for
heterogeneous computing" (IEEE TPDS 13(3), 2002):

1. rank_u(i) = mean duration + max over consumers j of (mean transfer + rank_u(j)).
2. By falling rank_u, an operator goes to the device on which it ends first; it may begin in a gap
   between operators that are there (insertion).

Ours: a group stays with its first operator (`plan.py`), whose end counts what the rest of the group
would take on a device, one operator after the other.
"""

from bisect import bisect_right

import numpy as np

from apollo.search.placement.baselines.plan import Plan, operators_of
from apollo.search.placement.found import Budget, Found, Tries
from apollo.search.placement.instance import Instance
from apollo.search.placement.problem import PlacementProblem


class Busy:
    """When a device is busy: intervals that do not touch."""

    def __init__(self) -> None:
        """Never."""
        self.starts: list[int] = []
        self.ends: list[int] = []

    def earliest(self, ready_ns: int, duration_ns: int) -> int:
        """The first start of a gap that is long enough."""
        at, number = ready_ns, bisect_right(self.ends, ready_ns)
        while number < len(self.starts) and self.starts[number] < at + duration_ns:
            at = self.ends[number]
            number += 1
        return at

    def take(self, start_ns: int, end_ns: int) -> None:
        """Fill a gap, or a part of it."""
        number = bisect_right(self.starts, start_ns)
        if number < len(self.starts) and self.starts[number] == end_ns:
            end_ns = self.ends.pop(number)
            self.starts.pop(number)
        if number > 0 and self.ends[number - 1] == start_ns:
            self.ends[number - 1] = end_ns
            return
        self.starts.insert(number, start_ns)
        self.ends.insert(number, end_ns)


def heft(problem: PlacementProblem, instance: Instance | None, budget: Budget, seed: int) -> Found:
    """One placement; draws nothing."""
    instance = operators_of("HEFT", problem, instance)
    tries, devices = Tries(problem, budget), np.arange(len(problem.device_names))
    plan, busy = Plan(problem, instance, devices), [Busy() for _ in devices]
    ranks, group_ns = plan.upward_ranks(), problem.groups.compute_ns.tolist()

    def end_ns(operator: int, device: int) -> int:
        duration_ns = plan.duration_ns[operator][device]
        start_ns = busy[device].earliest(plan.arrival_ns(operator, device), duration_ns)
        return int(start_ns + max(duration_ns, group_ns[plan.group[operator]][device]))

    for operator in sorted(plan.operators, key=lambda each: (-ranks[each], each)):
        devices_of = plan.devices_of(operator)
        device = devices_of[0]
        if len(devices_of) > 1:
            device = min(devices_of, key=lambda each: end_ns(operator, each))
        duration_ns = plan.duration_ns[operator][device]
        start_ns = busy[device].earliest(plan.arrival_ns(operator, device), duration_ns)
        busy[device].take(start_ns, start_ns + duration_ns)
        plan.add(operator, device, start_ns)
    tries.costs(np.array([plan.placement], np.int64))
    return tries.found()

"""A max-load that no placement beats: groups may be cut, and transfers take no time."""

import numpy as np
from scipy.optimize import linprog

from apollo.search.placement.partition.devices import devices_of
from apollo.search.placement.partition.graph import NS_PER_MS, PartitionGraph


def max_load_bound_ms(graph: PartitionGraph) -> float:
    """The greater of two bounds: the work over all devices, and the longest group by itself.

    The first is a linear program: which share of every group is on accelerators, so that these and
    the CPUs are done soonest.
    """
    devices = devices_of(graph, graph.cpus)
    never = devices.compute_ns.sum()
    alone_ns = np.where(devices.allowed, devices.compute_ns, never).min(axis=1).max()
    accelerator_ms = graph.of_groups(graph.accelerator_ns) / NS_PER_MS
    cpu_ms = graph.of_groups(graph.cpu_ns) / NS_PER_MS
    on_accelerators = np.append(accelerator_ms, -graph.accelerators)  # shares, and the load
    on_cpus = np.append(-cpu_ms, -graph.cpus)
    highest = devices.allowed[:, 0] if graph.accelerators else np.zeros(graph.groups, dtype=bool)
    found = linprog(
        c=np.append(np.zeros(graph.groups), 1.0),
        A_ub=np.stack([on_accelerators, on_cpus]),
        b_ub=np.array([0.0, -cpu_ms.sum()]),
        bounds=[*((0, int(most)) for most in highest), (0, None)],
    )
    return max(float(found.fun), float(alone_ns) / NS_PER_MS)

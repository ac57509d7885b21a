"""A max-load that no placement beats: groups may be cut, and transfers take no time."""

import numpy as np

from apollo.search.placement.partition.devices import devices_of
from apollo.search.placement.partition.graph import PartitionGraph
from apollo.search.placement.units import NS_PER_MS


def max_load_bound_ms(graph: PartitionGraph) -> float:
    """The greater of two bounds: the work over all devices, and the longest group by itself."""
    devices = devices_of(graph, graph.cpus)
    never = devices.compute_ns.sum()
    alone_ns = np.where(devices.allowed, devices.compute_ns, never).min(axis=1).max()
    return max(_work_ns(graph), float(alone_ns)) / NS_PER_MS


def _work_ns(graph: PartitionGraph) -> float:
    """When accelerators and CPUs are done that share all groups as well as can be.

    CPUs take what no accelerator can run, and then groups by what they need there for the time that
    it saves, up to the one with which both are done together.
    """
    fast, slow = graph.of_groups(graph.accelerator_ns), graph.of_groups(graph.cpu_ns)
    movable = graph.supported & (graph.accelerators > 0)
    left, used = float(fast[movable].sum()), float(slow[~movable].sum())
    shares = np.flatnonzero(movable & (fast > 0))
    for group in shares[np.argsort(slow[shares] / fast[shares], kind="stable")]:
        saved, needed = float(fast[group]), float(slow[group])
        ahead = graph.cpus * left - graph.accelerators * used
        if ahead <= 0:
            break
        share = min(1.0, ahead / (graph.cpus * saved + graph.accelerators * needed))
        left, used = left - share * saved, used + share * needed
    loads = ((left, graph.accelerators), (used, graph.cpus))
    return max(load / count for load, count in loads if count)

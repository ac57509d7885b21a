"""What operators take on devices: rates, or the simulator where the device is a design."""

import numpy as np

from apollo.arch.cluster import ANY_KIND, Cluster, Device
from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.problem import Ints

CANNOT_RUN = 0  # in a table of durations
_PERCENT = 100


def durations_ns(graph: OperatorGraph, cluster: Cluster) -> Ints:
    """[N, D] What every operator takes on every device; `CANNOT_RUN` where the device cannot.

    By rates an operator takes the longer of its operations at the peak's usable share and of its
    traffic at the memory's bandwidth, and the overhead. Raises `ValueError`, one sentence, for an
    operator that no device can run.
    """
    table = np.stack([_durations_on(graph, device) for device in cluster.devices], axis=1)
    for operator in np.flatnonzero((table == CANNOT_RUN).all(axis=1)):
        raise ValueError(
            f"No device of cluster '{cluster.name}' has a cost for operator "
            f"'{graph.names[operator]}' ({graph.kinds[operator]}): give its kind, or {ANY_KIND}, "
            f"in efficiency_percent."
        )
    return table


def _durations_on(graph: OperatorGraph, device: Device) -> Ints:
    if device.design is not None:
        from apollo.search.placement.simulated import simulated_ns  # compiler and simulator

        return simulated_ns(graph, device)
    percents = [device.efficiency_of(kind) for kind in graph.kinds]
    usable = np.array([CANNOT_RUN if each is None else each for each in percents], np.int64)
    # 1e9 operations a second are one a nanosecond.
    compute = _ceil(graph.operations * _PERCENT, np.maximum(usable, 1) * device.gflop_per_s)
    memory = _ceil(graph.traffic_bytes, np.int64(device.gb_per_s))
    taken = np.maximum(np.maximum(compute, memory) + device.overhead_ns, 1)
    durations: Ints = np.where(usable == CANNOT_RUN, CANNOT_RUN, taken)
    return durations


def _ceil(part: Ints, whole: Ints | np.int64) -> Ints:
    rounded: Ints = -(-part // whole)
    return rounded

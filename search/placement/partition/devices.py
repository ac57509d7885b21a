"""The devices that a partition graph is split over: accelerators first, then CPUs."""

from dataclasses import dataclass

import numpy as np

from apollo.search.placement.partition.graph import PartitionGraph
from apollo.search.placement.problem import Bools, Ints


@dataclass(frozen=True)
class Devices:
    """`D` devices and what `G` groups need of them."""

    names: tuple[str, ...]  # [D] such as `accelerator 1`
    compute_ns: Ints  # [G, D] the times of all nodes of a group
    allowed: Bools  # [G, D] whether it can run them, and has room for them
    capacity_bytes: Ints  # [D]; of a CPU what all nodes need


def devices_of(graph: PartitionGraph, cpus: int) -> Devices:
    """The accelerators of a graph, and so many CPUs."""
    accelerators = graph.accelerators
    counts = {"accelerator": accelerators, "cpu": cpus}
    names = tuple(
        f"{kind} {number + 1}" for kind, count in counts.items() for number in range(count)
    )
    columns = [graph.of_groups(graph.accelerator_ns)] * accelerators
    columns += [graph.of_groups(graph.cpu_ns)] * cpus
    fits = graph.of_groups(graph.size_bytes) <= graph.accelerator_bytes
    allowed = [graph.supported & fits] * accelerators + [np.ones(graph.groups, dtype=bool)] * cpus
    capacity = [graph.accelerator_bytes] * accelerators + [int(graph.size_bytes.sum())] * cpus
    return Devices(
        names, np.stack(columns, axis=1), np.stack(allowed, axis=1), np.array(capacity, np.int64)
    )

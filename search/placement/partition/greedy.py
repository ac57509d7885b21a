"""The paper's greedy split for latency: along a topological order, one accelerator after another.

Groups fill an accelerator until the next one has no room, and then the next accelerator; none is
returned to, so that accelerators never wait for each other. What is left goes to the CPU, and what
no accelerator can run: only then they may. The order is that of the graph, depth first (order.py).
"""

import numpy as np

from apollo.search.placement.partition.graph import PartitionGraph
from apollo.search.placement.problem import Ints


def place_greedily(graph: PartitionGraph) -> Ints:
    """[G] The split; the CPU is the device behind the accelerators.

    Raises `ValueError` when something is left and there is no CPU.
    """
    sizes, supported = graph.of_groups(graph.size_bytes), graph.supported
    placement: Ints = np.full(graph.groups, graph.accelerators, dtype=np.int64)
    device, free = 0, graph.accelerator_bytes
    for group in np.flatnonzero(supported & (sizes <= graph.accelerator_bytes)):
        if sizes[group] > free:
            device, free = device + 1, graph.accelerator_bytes
        if device == graph.accelerators:
            break
        placement[group] = device
        free -= int(sizes[group])
    if graph.cpus == 0 and (placement == graph.accelerators).any():
        raise ValueError(
            f"'{graph.name}' does not fit on its accelerators in order: it has no CPU."
        )
    return placement

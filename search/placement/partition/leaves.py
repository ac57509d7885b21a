"""Groups that take no time and have one neighbour join it: no split is better without.

GNMT has eighteen of them, inputs and constants; each doubles the number of ideals. A leaf brings
its size along, so that the rule costs nothing only where sizes are 0 or memory is ample.
"""

from dataclasses import replace

import networkx as nx  # type: ignore[import-untyped]
import numpy as np

from apollo.search.placement.partition.graph import PartitionGraph
from apollo.search.placement.problem import Ints


def merge_leaves(graph: PartitionGraph) -> tuple[PartitionGraph, Ints]:
    """The graph with fewer groups, and [G] the new number of every old group."""
    ends = np.stack([graph.group[graph.source], graph.group[graph.target]], axis=1)
    flow = nx.Graph()
    flow.add_nodes_from(range(graph.groups))
    flow.add_edges_from(ends[ends[:, 0] != ends[:, 1]].tolist())
    idle = graph.of_groups(graph.accelerator_ns + graph.cpu_ns) == 0
    idle &= graph.supported  # another one would keep its neighbour from the accelerators
    host = list(range(graph.groups))
    waiting = [group for group in range(graph.groups) if idle[group]]
    while waiting:
        leaf = waiting.pop()
        if leaf not in flow or flow.degree(leaf) != 1:
            continue
        host[leaf] = next(iter(flow[leaf]))
        flow.remove_node(leaf)
        if idle[host[leaf]]:
            waiting.append(host[leaf])
    roots = np.array([_root(host, group) for group in range(graph.groups)])
    first = np.unique(roots[graph.group], return_index=True)[1]
    number: Ints = np.zeros(graph.groups, dtype=np.int64)
    number[roots[graph.group[np.sort(first)]]] = np.arange(len(first))
    merged = number[roots]
    return replace(graph, group=merged[graph.group]), merged


def _root(host: list[int], group: int) -> int:
    while host[group] != group:
        group = host[group]
    return group

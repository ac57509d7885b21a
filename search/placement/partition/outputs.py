"""Which outputs groups send each other: what communication is counted on.

An output of a node is read by groups. It crosses the border of a device once, however many of its
readers are there.
"""

from typing import NamedTuple

import numpy as np

from apollo.search.placement.partition.graph import PartitionGraph
from apollo.search.placement.problem import Ints


class Outputs(NamedTuple):
    """`Q` outputs that another group reads, `R` pairs of an output and a group that reads it."""

    owner: Ints  # [Q] group of the node that writes it
    transfer_ns: Ints  # [Q]
    first: Ints  # [Q + 1] of its readers
    reader: Ints  # [R] group, another than the owner


def outputs_of(graph: PartitionGraph) -> Outputs:
    """The outputs by the order of the nodes that write them, without those that cost nothing."""
    crossing = graph.group[graph.source] != graph.group[graph.target]
    crossing &= graph.output_ns[graph.source] > 0
    pairs = np.stack([graph.source[crossing], graph.group[graph.target[crossing]]], axis=1)
    pairs = np.unique(pairs.reshape(-1, 2), axis=0)
    nodes, counts = np.unique(pairs[:, 0], return_counts=True)
    first: Ints = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return Outputs(graph.group[nodes], graph.output_ns[nodes], first, pairs[:, 1].copy())

"""Fewer groups by the published rule of co-location (Mirhoseini et al., 2017, section 3.3).

There, operations that TensorFlow keeps together are one group, gradients with what they are of;
a group whose output only one other group reads joins that one, again and again; and models have
rules of their own, such as a group for each cell of a recurrent layer. Applied to its end the rule
leaves one group of a network that is a chain of blocks, and where it was stopped is not
published. Here the lightest union comes first, by shares of all operations and all traffic, until
there are few enough; once the rule does not apply any more, the lightest group joins that neighbour
which it exchanges most bytes with.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.graphs.draft import numbered
from apollo.search.placement.problem import Floats


def grouped(graph: OperatorGraph, most_groups: int) -> OperatorGraph:
    """The graph with at most so many groups, each a union of groups.

    Raises `ValueError` for less than one group.
    """
    if most_groups < 1:
        raise ValueError(f"There must be at least 1 group, not {most_groups}.")
    unions = _Unions(graph)
    while len(unions.readers) > most_groups:
        unions.join(*(unions.by_rule() or unions.by_traffic()))
    return replace(graph, group=numbered([unions.root(int(group)) for group in graph.group]))


class _Unions:
    """Groups joined so far, each under the number of one of its members.

    Attributes:
        readers: by union, bytes that other unions read of its forward operators.
        sources: by union, the unions it reads.
        weight: [G] share of all operations plus share of all traffic.

    """

    def __init__(self, graph: OperatorGraph) -> None:
        self._parent = list(range(graph.groups))
        self.weight = _weights(graph)
        self.readers: dict[int, dict[int, int]] = {number: {} for number in self._parent}
        self.sources: dict[int, set[int]] = {number: set() for number in self._parent}
        forward = ~graph.is_backward[graph.target]
        ends = graph.group[graph.source[forward]], graph.group[graph.target[forward]]
        for one, other, size in zip(*ends, graph.edge_bytes[forward], strict=True):
            self._link(int(one), int(other), int(size))

    def root(self, group: int) -> int:
        """The union that a group is in."""
        while self._parent[group] != group:
            group = self._parent[group]
        return group

    def by_rule(self) -> tuple[int, int] | None:
        """A union that only one other reads, and that one: the lightest pair, if there is one."""
        pairs = (
            (one, next(iter(readers))) for one, readers in self.readers.items() if len(readers) == 1
        )
        return min(pairs, key=self._pair_weight, default=None)

    def by_traffic(self) -> tuple[int, int]:
        """The lightest union, and its nearest neighbour; if it has none, the next lightest."""
        lightest = min(self.readers, key=lambda one: (self.weight[one], one))
        others = list(self._neighbours(lightest)) or [
            (0, other) for other in self.readers if other != lightest
        ]
        most = max(size for size, _ in others)
        nearest = [other for size, other in others if size == most]
        return lightest, min(nearest, key=lambda one: (self.weight[one], one))

    def join(self, one: int, other: int) -> None:
        """Put the first union into the second."""
        self._parent[one] = other
        self.weight[other] += self.weight[one]
        for reader, size in self.readers.pop(one).items():
            self.sources[reader].discard(one)
            self._link(other, reader, size)
        for source in self.sources.pop(one):
            self._link(source, other, self.readers[source].pop(one))

    def _link(self, one: int, other: int, size: int) -> None:
        if one != other:
            self.readers[one][other] = self.readers[one].get(other, 0) + size
            self.sources[other].add(one)

    def _pair_weight(self, pair: tuple[int, int]) -> tuple[float, tuple[int, int]]:
        return float(self.weight[pair[0]] + self.weight[pair[1]]), pair

    def _neighbours(self, one: int) -> Iterator[tuple[int, int]]:
        for other in sorted({*self.readers[one], *self.sources[one]}):
            given, taken = self.readers[one].get(other, 0), self.readers[other].get(one, 0)
            yield given + taken, other


def _weights(graph: OperatorGraph) -> Floats:
    """[G] Shares of operations and traffic, added up."""
    weights = np.zeros(graph.groups)
    for column in (graph.operations, graph.traffic_bytes):
        weights += np.bincount(graph.group, column, graph.groups) / max(1, column.sum())
    return weights

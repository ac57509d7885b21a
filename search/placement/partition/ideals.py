"""Ideals: the sets of groups that can be done before all others.

An ideal has, with every group, all groups before it. A split into contiguous parts, each of which
a device runs after the parts before it, is a chain of ideals; the parts are the differences.
"""

from dataclasses import dataclass, replace

import networkx as nx  # type: ignore[import-untyped]
import numpy as np

from apollo.search.placement.partition.graph import PartitionGraph
from apollo.search.placement.problem import Ints

LIMIT = 60_000  # ideals, as in the paper's implementation: the square of it is what it costs


@dataclass(frozen=True)
class Ideals:
    """`M` ideals by size, the empty one first and the whole last; `C` covers of them.

    A cover is an ideal with one group more: `group` on top of `ideal` is `above`.
    """

    first: Ints  # [M + 1] of the covers of an ideal
    group: Ints  # [C]
    above: Ints  # [C] number of an ideal

    def members(self, ideal: int) -> set[int]:
        """The groups of an ideal."""
        found = set()
        while ideal:
            cover = int(np.argmax(self.above == ideal))
            found.add(int(self.group[cover]))
            ideal = int(np.searchsorted(self.first, cover, side="right")) - 1
        return found

    def left_of(self, amounts: Ints) -> Ints:
        """[M] The sum of amounts [G] over the groups that are not in an ideal."""
        left: Ints = np.zeros(len(self.first) - 1, dtype=np.int64)
        left[0] = amounts.sum()
        for ideal in range(len(left)):
            covers = slice(self.first[ideal], self.first[ideal + 1])
            left[self.above[covers]] = left[ideal] - amounts[self.group[covers]]
        return left


def precedence(graph: PartitionGraph) -> nx.DiGraph:
    """Groups, and an edge where one must be done before another in a contiguous split.

    Forward nodes say the order; backward ones go along with their group. A group of backward nodes
    alone stands as its backward edges do, turned round. Raises `ValueError` for groups in a cycle.
    """
    flow = nx.DiGraph()
    flow.add_nodes_from(range(graph.groups))
    alone = graph.of_groups(~graph.is_backward) == 0
    for source, target in zip(graph.source.tolist(), graph.target.tolist(), strict=True):
        one, two = int(graph.group[source]), int(graph.group[target])
        if one == two:
            continue
        if not graph.is_backward[target]:
            flow.add_edge(one, two)
        elif graph.is_backward[source] and (alone[one] or alone[two]):
            flow.add_edge(two, one)
    if not nx.is_directed_acyclic_graph(flow):
        cycle = " -> ".join(str(one) for one, _ in nx.find_cycle(flow))
        raise ValueError(f"Groups of '{graph.name}' must not be in a cycle: {cycle}.")
    return flow


def in_order(graph: PartitionGraph) -> PartitionGraph:
    """The graph with its groups numbered so that all that must be done before one come before it.

    Groups that are in a cycle have no such order: they keep their numbers.
    """
    try:
        order = list(nx.lexicographical_topological_sort(precedence(graph)))
    except ValueError:
        return graph
    place = np.argsort(order)
    return replace(graph, group=place[graph.group])


def linear_ideals(flow: nx.DiGraph) -> Ideals:
    """Of all ideals those of one topological order: a group more each."""
    order = list(nx.lexicographical_topological_sort(flow))
    counted = np.arange(len(order) + 1)
    first: Ints = np.append(counted, len(order))
    return Ideals(first, np.array(order, dtype=np.int64), counted[1:])


def all_ideals(flow: nx.DiGraph, limit: int = LIMIT) -> Ideals:
    """Every ideal. Raises `ValueError` when there are more than the limit."""
    before = [sum(1 << one for one in flow.predecessors(group)) for group in range(len(flow))]
    number = {0: 0}
    waiting = [(0, [group for group in range(len(flow)) if not before[group]])]
    first, groups, above = [0], [], []
    for ideal, addable in waiting:
        for group in addable:
            larger = ideal | 1 << group
            if larger not in number:
                number[larger] = len(waiting)
                freed = (two for two in flow.successors(group) if not before[two] & ~larger)
                waiting.append((larger, [*(one for one in addable if one != group), *freed]))
                if len(waiting) > limit:
                    raise ValueError(f"There must be at most {limit} ideals; there are more.")
            groups.append(group)
            above.append(number[larger])
        first.append(len(groups))
    return Ideals(*(np.array(column, dtype=np.int64) for column in (first, groups, above)))

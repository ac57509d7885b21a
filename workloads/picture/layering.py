"""A graph in layers (Sugiyama, Tagawa and Toda, 1981): ranks, bends, and the order in a rank.

Nodes are numbered so that every edge goes from a lower number to a higher one. A rank holds nodes
between which there is no edge. An edge that passes ranks has a bend in each; edges of the same
source share theirs. Ordered by barycentres, neighbours in the ranks above and below lie near.
"""

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

SWEEPS = 8

Edge = tuple[int, int]


@dataclass
class Layers:
    """Nodes in ranks.

    Attributes:
        nodes: how many there are that are no bends; bends have the numbers from there on.
        ranks: numbers by rank, from left to right.
        above: by number, those in the rank before that are linked to it.
        below: by number, those in the rank behind.

    """

    nodes: int
    ranks: list[list[int]]
    above: list[list[int]]
    below: list[list[int]]

    @cached_property
    def before(self) -> list[int]:
        """By number, the most nodes on a path that ends with it."""
        return self._longest(self.ranks, self.above)

    @cached_property
    def behind(self) -> list[int]:
        """By number, the most nodes on a path that begins with it."""
        return self._longest(self.ranks[::-1], self.below)

    def is_bend(self, number: int) -> bool:
        """Whether it is a place that an edge passes, not a node."""
        return number >= self.nodes

    def _longest(self, ranks: list[list[int]], linked: list[list[int]]) -> list[int]:
        nodes = [0] * len(linked)
        for number in (number for rank in ranks for number in rank):
            others = max((nodes[other] for other in linked[number]), default=0)
            nodes[number] = others + (not self.is_bend(number))
        return nodes


def in_layers(nodes: int, edges: Sequence[Edge]) -> Layers:
    """Ranks by longest paths, links through bends, and an order with few crossings."""
    rank = _ranks(nodes, edges)
    layers = _linked(nodes, edges, rank)
    _order(layers)
    return layers


def _ranks(nodes: int, edges: Sequence[Edge]) -> list[int]:
    """Longest path to each node; what nothing comes before is moved down to what it leads to."""
    rank = [0] * nodes
    for source, target in sorted(edges):
        rank[target] = max(rank[target], rank[source] + 1)
    first = dict.fromkeys({source for source, _ in edges} - {target for _, target in edges})
    for source in first:
        rank[source] = min(rank[target] for tail, target in edges if tail == source) - 1
    return rank


def _linked(nodes: int, edges: Sequence[Edge], rank: Sequence[int]) -> Layers:
    ranks: list[list[int]] = [[] for _ in range(max(rank) + 1)]
    layers = Layers(nodes, ranks, [[] for _ in range(nodes)], [[] for _ in range(nodes)])
    for node in range(nodes):
        ranks[rank[node]].append(node)
    passing: dict[int, list[int]] = {}  # the source and its bends, rank after rank
    for source, target in sorted(set(edges), key=lambda edge: (edge[0], rank[edge[1]], edge[1])):
        chain = passing.setdefault(source, [source])
        while len(chain) < rank[target] - rank[source]:
            _bend(layers, chain, rank[source] + len(chain))
        _link(layers, chain[rank[target] - rank[source] - 1], target)
    return layers


def _bend(layers: Layers, chain: list[int], rank: int) -> None:
    number = len(layers.above)
    layers.above.append([])
    layers.below.append([])
    layers.ranks[rank].append(number)
    _link(layers, chain[-1], number)
    chain.append(number)


def _link(layers: Layers, upper: int, lower: int) -> None:
    layers.below[upper].append(lower)
    layers.above[lower].append(upper)


def _order(layers: Layers) -> None:
    """Sort ranks by barycentres, downwards and upwards in turn; the best order stays."""
    best, fewest = [[*rank] for rank in layers.ranks], _crossings(layers)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        down = sweep % 2 == 0
        order = range(1, len(layers.ranks)) if down else range(len(layers.ranks) - 2, -1, -1)
        for rank in order:
            _sort(
                layers, rank, rank - 1 if down else rank + 1, layers.above if down else layers.below
            )
        count = _crossings(layers)
        if count < fewest:
            best, fewest = [[*rank] for rank in layers.ranks], count
    layers.ranks = best


def _sort(layers: Layers, rank: int, fixed: int, linked: list[list[int]]) -> None:
    place = {number: index for index, number in enumerate(layers.ranks[fixed])}
    here = {number: index for index, number in enumerate(layers.ranks[rank])}

    def barycentre(number: int) -> tuple[float, int]:
        places = [place[other] for other in linked[number]]
        return sum(places) / len(places) if places else here[number], here[number]

    layers.ranks[rank].sort(key=barycentre)


def _crossings(layers: Layers) -> int:
    """Pairs of links that cross."""
    total = 0
    for upper, lower in zip(layers.ranks, layers.ranks[1:], strict=False):
        place = {number: index for index, number in enumerate(lower)}
        seen: list[int] = []
        for number in upper:
            ends = sorted(place[other] for other in layers.below[number])
            total += sum(len(seen) - bisect_left(seen, end + 1) for end in ends)
            for end in ends:
                insort(seen, end)
    return total

"""Places from left to right: chains and long lines are straight, nothing overlaps.

Links that stay vertical join numbers to *columns* (after Brandes and Köpf, 2001). They do not
cross, so columns have an order from left to right; each takes the leftmost place that its
neighbours leave, and then moves towards what it is linked to.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from apollo.workloads.picture.layering import Edge, Layers

BOX_WIDTH, BEND_WIDTH, GAP = 200.0, 6.0, 14.0
SWEEPS = 6


class _Columns(NamedTuple):
    """Columns by number.

    Attributes:
        of: the column of everything that is placed.
        left: by column, those to the left of it and how far their middles must be away.
        right: by column, those to the right.
        order: of columns, each behind all to the left of it.
        linked: by column, the columns its links lead to.

    """

    of: dict[int, int]
    left: list[list[tuple[int, float]]]
    right: list[list[tuple[int, float]]]
    order: list[int]
    linked: list[list[int]]


def width(layers: Layers, number: int) -> float:
    """Width of a node's box or of a bend."""
    return BEND_WIDTH if layers.is_bend(number) else BOX_WIDTH


def centres(layers: Layers, first: int, last: int) -> dict[int, float]:
    """X of the middle of everything in the ranks first..last; the left end is at 0."""
    columns = _columns(layers, range(first, last + 1))
    x = [0.0] * len(columns.left)
    for column in columns.order:
        x[column] = max((x[other] + apart for other, apart in columns.left[column]), default=0.0)
    for _ in range(SWEEPS):
        for column in reversed(columns.order):
            x[column] = _drawn(columns, column, x)
    begin = min(x[column] - width(layers, number) / 2 for number, column in columns.of.items())
    return {number: round(x[column] - begin, 1) for number, column in columns.of.items()}


def _drawn(columns: _Columns, column: int, x: Sequence[float]) -> float:
    """Where a column goes: to the mean of what it is linked to, as far as there is room."""
    linked = columns.linked[column]
    if not linked:
        return x[column]
    wanted = sum(x[other] for other in linked) / len(linked)
    lowest = max((x[other] + apart for other, apart in columns.left[column]), default=-math.inf)
    highest = min((x[other] - apart for other, apart in columns.right[column]), default=math.inf)
    return min(max(wanted, lowest), highest)


def _columns(layers: Layers, ranks: range) -> _Columns:
    of: dict[int, int] = {}
    count = 0
    for rank in ranks:
        straight = {} if rank == ranks[0] else {low: up for up, low in _straight(layers, rank - 1)}
        for number in layers.ranks[rank]:
            if number in straight:
                of[number] = of[straight[number]]
            else:
                of[number] = count
                count += 1
    left: list[list[tuple[int, float]]] = [[] for _ in range(count)]
    right: list[list[tuple[int, float]]] = [[] for _ in range(count)]
    for rank in ranks:
        for one, other in pairwise(layers.ranks[rank]):
            apart = (width(layers, one) + width(layers, other)) / 2 + GAP
            left[of[other]].append((of[one], apart))
            right[of[one]].append((of[other], apart))
    linked: list[list[int]] = [[] for _ in range(count)]
    for number, column in of.items():
        near = (of.get(other, column) for other in layers.above[number] + layers.below[number])
        linked[column] += [other for other in near if other != column]
    return _Columns(of, left, right, _sorted(left, right), linked)


def _straight(layers: Layers, rank: int) -> list[Edge]:
    """Links from a rank to the next that stay vertical: between bends first, then between boxes.

    Of several boxes, those on the path of the most boxes are first, so that it has one column.
    """
    upper = {number: index for index, number in enumerate(layers.ranks[rank])}
    lower = {number: index for index, number in enumerate(layers.ranks[rank + 1])}

    def urgency(link: Edge) -> tuple[int, int, int, int]:
        bends = layers.is_bend(link[0]) + layers.is_bend(link[1])
        path = layers.before[link[0]] + layers.behind[link[1]]
        return {2: 0, 0: 1, 1: 2}[bends], -path, upper[link[0]], lower[link[1]]

    links = [(number, other) for number in upper for other in layers.below[number]]
    chosen: list[Edge] = []  # places of the ends, both rising
    for link in sorted(links, key=urgency):
        places = (upper[link[0]], lower[link[1]])
        at = bisect_left(chosen, places)
        near = [*chosen[max(0, at - 1) : at], places, *chosen[at : at + 1]]
        if all(_is_before(one, other) for one, other in pairwise(near)):
            chosen.insert(at, places)
    return [(layers.ranks[rank][up], layers.ranks[rank + 1][low]) for up, low in chosen]


def _is_before(one: Edge, other: Edge) -> bool:
    return one[0] < other[0] and one[1] < other[1]


def _sorted(
    left: Sequence[Sequence[tuple[int, float]]], right: Sequence[Sequence[tuple[int, float]]]
) -> list[int]:
    """Columns, each behind all to the left of it."""
    waiting = [len(others) for others in left]
    order = [column for column, count in enumerate(waiting) if count == 0]
    for column in order:  # grows as it goes
        for other, _ in right[column]:
            waiting[other] -= 1
            if waiting[other] == 0:
                order.append(other)
    return order

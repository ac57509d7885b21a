"""Where everything in a picture lies: boxes of nodes, and lines between them.

Ranks lie below each other. A tall graph is folded: its ranks continue at the top of another strip
to the right, cut where few lines cross. Those run below the strip, up beside it, and over the next.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from apollo.workloads.picture.columns import BOX_WIDTH, centres, width
from apollo.workloads.picture.layering import Edge, Layers, in_layers

BOX_HEIGHT = 34.0
RANK_GAP = 24.0
PITCH = BOX_HEIGHT + RANK_GAP
TRACK = 7.0  # between lines that run side by side from strip to strip
GUTTER = 26.0
ASPECT = 1.5  # width over height of a folded picture
LEAST_RANKS, MOST_STRIPS = 12, 16
SLACK = 0.25  # share of a strip's ranks by which a cut may move

Point = tuple[float, float]


class Box(NamedTuple):
    """A rectangle; x and y of its upper left corner."""

    x: float
    y: float
    width: float
    height: float


class Line(NamedTuple):
    """A link between boxes or bends.

    Attributes:
        points: from the upper end to the lower one; more than two where it goes to another strip.
        arrives: whether it ends at a box, not at a bend.

    """

    points: tuple[Point, ...]
    arrives: bool


class Layout(NamedTuple):
    """Boxes by node number, lines, and the size of it all."""

    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    width: float
    height: float


class _Strip(NamedTuple):
    """Ranks first..last that lie below each other, and where."""

    first: int
    last: int
    centres: dict[int, float]  # from `left`
    left: float
    right: float
    top: float


def lay_out(nodes: int, edges: Sequence[Edge]) -> Layout:
    """A layout of nodes whose edges go from lower to higher numbers."""
    layers = in_layers(nodes, edges)
    strips = _strips(layers)
    place: dict[int, Point] = {}  # upper middle
    for strip in strips:
        for rank in range(strip.first, strip.last + 1):
            for number in layers.ranks[rank]:
                y = strip.top + PITCH * (rank - strip.first)
                place[number] = (strip.left + strip.centres[number], y)
    boxes = tuple(
        Box(x - BOX_WIDTH / 2, y, BOX_WIDTH, BOX_HEIGHT)
        for x, y in (place[number] for number in range(nodes))
    )
    lines = _lines(layers, strips, place)
    corners = [point for line in lines for point in line.points]
    right = max([box.x + box.width for box in boxes] + [x for x, _ in corners])
    bottom = max([box.y + box.height for box in boxes] + [y for _, y in corners])
    return Layout(boxes, lines, right, bottom)


def _strips(layers: Layers) -> list[_Strip]:
    """The ranks cut into as many strips as bring the picture nearest to its aspect."""
    most = max(1, min(MOST_STRIPS, len(layers.ranks) // LEAST_RANKS))
    best, least = [], math.inf
    for count in range(1, most + 1):
        strips = _side_by_side(layers, _cuts(layers, count))
        ranks = max(strip.last - strip.first + 1 for strip in strips)
        miss = math.log(strips[-1].right / (ASPECT * PITCH * ranks))
        if abs(miss) < least:
            best, least = strips, abs(miss)
        if miss > 0:  # with more of them it is wider still
            break
    return best


def _side_by_side(layers: Layers, cuts: Sequence[int]) -> list[_Strip]:
    strips: list[_Strip] = []
    tracks, most, left = 0, 0, 0.0  # lines from the strip before
    for first, end in pairwise([0, *cuts, len(layers.ranks)]):
        places = centres(layers, first, end - 1)
        right = left + max(x + width(layers, number) / 2 for number, x in places.items())
        strips.append(_Strip(first, end - 1, places, left, right, 0.0))
        tracks = len(_tracks(layers, end - 1))
        most = max(most, tracks)
        left = right + GUTTER + TRACK * tracks
    top = TRACK * most + RANK_GAP / 2 if most else 0.0
    return [strip._replace(top=top) for strip in strips]


def _cuts(layers: Layers, count: int) -> list[int]:
    """Ranks with which strips begin, but for the first: where few lines cross."""
    length = len(layers.ranks) / count
    slack = int(SLACK * length)
    cuts = []
    for number in range(1, count):
        ideal = round(number * length)
        near = sorted(range(ideal - slack, ideal + slack + 1), key=lambda cut: abs(cut - ideal))
        cuts.append(min(near, key=lambda cut: len(_tracks(layers, cut - 1))))
    return cuts


def _links(layers: Layers, rank: int) -> list[Edge]:
    """Links from a rank to the next one, from left to right of the upper ends."""
    return [(upper, lower) for upper in layers.ranks[rank] for lower in layers.below[upper]]


def _tracks(layers: Layers, rank: int) -> dict[int, int]:
    """Tracks of what has links to the next rank; the leftmost is outermost."""
    linked = [number for number in layers.ranks[rank] if layers.below[number]]
    return {number: track for track, number in enumerate(reversed(linked))}


def _lines(layers: Layers, strips: Sequence[_Strip], place: dict[int, Point]) -> tuple[Line, ...]:
    lines: list[Line] = []
    for strip in strips:
        for rank in range(strip.first, strip.last + 1):
            for number in layers.ranks[rank]:
                if layers.is_bend(number):
                    x, y = place[number]
                    lines.append(Line(((x, y), (x, y + BOX_HEIGHT)), arrives=False))
            tracks = _tracks(layers, rank)
            for upper, lower in _links(layers, rank):
                (x1, y1), (x2, y2) = place[upper], place[lower]
                start, end = (x1, y1 + BOX_HEIGHT), (x2, y2)
                between: tuple[Point, ...] = ()
                if rank == strip.last:
                    between = _around(strip, start, end, tracks[upper])
                lines.append(Line((start, *between, end), not layers.is_bend(lower)))
    return tuple(lines)


def _around(strip: _Strip, start: Point, end: Point, track: int) -> tuple[Point, ...]:
    """Corners of a line from below a strip to above the next; the outermost has the last track."""
    x = strip.right + GUTTER / 2 + TRACK * track
    below, above = start[1] + 8 + TRACK * track, TRACK * track
    return (start[0], below), (x, below), (x, above), (end[0], above)

"""Where the positions of a resized image lie over those of its source, in exact fractions.

An interpolation takes columns first, into integers of 16 bits, then rows: each is a sum of two
elements times fixed factors, rounded once.
"""

import math
from fractions import Fraction
from typing import NamedTuple

from apollo.workloads.operators import Resize, ResizeGrid, ResizeKind
from apollo.workloads.quantization import Quantization

FRACTION_BITS = 10  # of the shares of two neighbours
_FINER_BITS = 7  # of what lies between columns and rows


class Phases(NamedTuple):
    """How positions of a dimension repeat, for as long as it is not clamped.

    Attributes:
        period: output positions until they do.
        step: source elements that they are further on then.
        places: of each position of a period the source element at or before it, and the share of
            the next one in 1 / 2^FRACTION_BITS.

    """

    period: int
    step: int
    places: tuple[tuple[int, int], ...]

    @property
    def is_identity(self) -> bool:
        """Whether every position is an element."""
        return self == Phases(1, 1, ((0, 0),))


def phases(operator: Resize, before: int, after: int) -> Phases:
    """Of a dimension of `before` elements that becomes one of `after`."""
    spans = (before, after)
    if operator.grid is ResizeGrid.CORNERS:
        spans = (before - 1, after - 1)
    shared = math.gcd(*spans)
    period, step = (1, 1) if spans[1] == 0 else (spans[1] // shared, spans[0] // shared)
    if step == 0:
        period, step = after, 1
    places = (_place(operator, place, before, after) for place in range(period))
    return Phases(period, step, tuple(places))


def _place(operator: Resize, place: int, before: int, after: int) -> tuple[int, int]:
    exact = position(operator.grid, place, before, after)
    if operator.kind is ResizeKind.NEAREST:
        return _nearest(operator.grid, exact), 0
    share = round(Fraction(exact - math.floor(exact)) * (1 << FRACTION_BITS))
    return math.floor(exact), share


def position(grid: ResizeGrid, place: int, before: int, after: int) -> Fraction:
    """Position in a dimension of `before` elements for one of `after` elements, not clamped."""
    if grid is ResizeGrid.HALF_PIXEL:
        return Fraction((2 * place + 1) * before, 2 * after) - Fraction(1, 2)
    if grid is ResizeGrid.ASYMMETRIC:
        return Fraction(place * before, after)
    return Fraction(place * (before - 1), after - 1) if after > 1 else Fraction(0)


def nearest(grid: ResizeGrid, place: int, before: int, after: int) -> int:
    """The source element that a nearest resize takes: the one that the position lies in.

    With `CORNERS` and `HALF_PIXEL` that is the nearest centre, ties to the greater; with
    `ASYMMETRIC` positions are those of left edges.
    """
    return min(max(_nearest(grid, position(grid, place, before, after)), 0), before - 1)


def _nearest(grid: ResizeGrid, exact: Fraction) -> int:
    return math.floor(exact if grid is ResizeGrid.ASYMMETRIC else exact + Fraction(1, 2))


def fine(before: Quantization) -> Quantization:
    """Of what lies between columns and rows: units of 1/128 of the source's, at 16 bits."""
    return Quantization((before.scale[0] * 2.0**-_FINER_BITS,), (0,), bits=16)


def blend_factors(before: Quantization, after: Quantization, share: int) -> tuple[float, float]:
    """By which an element and the next one are multiplied, in units of the result."""
    unit = before.scale[0] / after.scale[0] * 2.0**-FRACTION_BITS
    return ((1 << FRACTION_BITS) - share) * unit, share * unit

"""Where the positions of a resized image lie over those of its source, in exact fractions."""

from fractions import Fraction

from apollo.workloads.operators import ResizeGrid


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
    exact = position(grid, place, before, after)
    found = exact if grid is ResizeGrid.ASYMMETRIC else exact + Fraction(1, 2)
    return min(max(found.numerator // found.denominator, 0), before - 1)

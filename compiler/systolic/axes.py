"""Loops over elements, folded into the few dimensions that an instruction has.

Neighbouring loops are one where every operand's outer pitch is what its inner loop covers: a whole
batch of images can be the rows of one instruction.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

MOST_COLUMNS, MOST_ROWS, MOST_CHANNELS, MOST_PITCH = (1 << 14) - 1, (1 << 20) - 1, 65_535, 1 << 20


class Axis(NamedTuple):
    """A loop: how often, and how far each operand goes in a step."""

    size: int
    pitches: tuple[int, ...]  # bytes
    slides: bool = False  # a window of several elements moves along it, so that it stays apart


class Folded(NamedTuple):
    """The loops around an instruction and the ones inside of it, innermost first."""

    outside: tuple[Axis, ...]
    inside: tuple[Axis, ...]

    def offsets(self) -> Iterator[tuple[int, ...]]:
        """How far each operand is from the first instruction, for every instruction."""
        operands = range(len(self.inside[0].pitches))
        for place in itertools.product(*(range(axis.size) for axis in self.outside)):
            pairs = list(zip(place, self.outside, strict=True))
            yield tuple(sum(at * axis.pitches[each] for at, axis in pairs) for each in operands)


def fold(axes: Sequence[Axis], most: Sequence[int]) -> Folded:
    """Fold loops, innermost first; `most` bounds the loops inside an instruction, as many."""
    folded: list[Axis] = []
    for axis in axes:
        bound = most[min(len(folded), len(most)) - 1] if folded else 0
        joined = _joined(folded[-1], axis, bound) if folded else None
        if joined:
            folded[-1] = joined
        else:
            folded.append(axis)
    none = Axis(1, (0,) * len(axes[0].pitches))
    inside = list[Axis]()
    for bound in most:
        fits = folded and folded[0].size <= bound and _can_be_said(folded[0])
        inside.append(folded.pop(0) if fits else none)
    return Folded(tuple(reversed(folded)), tuple(inside))


def _joined(inner: Axis, outer: Axis, bound: int) -> Axis | None:
    """Both loops as one, if they are."""
    if inner.slides or outer.slides:
        return None
    if outer.size == 1:
        return inner
    if inner.size == 1:
        return outer
    pairs = zip(inner.pitches, outer.pitches, strict=True)
    if inner.size * outer.size > bound or any(inner.size * a != b for a, b in pairs):
        return None
    return Axis(inner.size * outer.size, inner.pitches)


def _can_be_said(axis: Axis) -> bool:
    return axis.size == 1 or max(axis.pitches) < MOST_PITCH

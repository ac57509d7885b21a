"""Some of many, spread evenly, so that a figure of a long study stays light."""

from collections.abc import Sequence
from typing import TypeVar

_T = TypeVar("_T")


def spread(items: Sequence[_T], most: int) -> list[_T]:
    """At most so many items, in order, from the first to the last."""
    count = len(items)
    if count <= most:
        return list(items)
    if most == 1:
        return [items[0]]
    return [items[number * (count - 1) // (most - 1)] for number in range(most)]

"""Numbers as the command line has them: 8, 2..8 or 2..8:2, several with commas between."""

import re
from collections.abc import Iterable, Sequence

MOST_VALUES = 4096
_ITEM = re.compile(r"(\d{1,12})(?:\.\.(\d{1,12})(?::(\d{1,12}))?)?", re.ASCII)


def parse_numbers(
    flag: str, name: str, items: str | None, offered: Sequence[int] | None = None
) -> tuple[int, ...]:
    """The numbers, ascending; a range without step takes those of `offered` that are in it.

    Raises `ValueError`, one sentence that names the flag, for what is no number or none at all.
    """
    values = set[int]()
    for item in () if items is None else items.split(","):
        values |= set(_values(flag, name, item, offered))
    if not values:
        raise ValueError(f"{flag} {name} must have values, such as {name}=2,4 or {name}=2..8:2.")
    return tuple(sorted(values))


def _values(flag: str, name: str, item: str, offered: Sequence[int] | None) -> Iterable[int]:
    match = _ITEM.fullmatch(item)
    if match is None:
        raise ValueError(f"Values of {flag} {name} must be as 8, 2..8 or 2..8:2, not '{item}'.")
    first = int(match[1])
    last = int(match[2]) if match[2] else first
    if match[3] or not match[2]:
        return _range(f"Range '{item}' of {flag} {name}", first, last, int(match[3] or 1))
    if not offered:
        raise ValueError(f"{flag} {name} must have a step in its range: {name}={item}:STEP.")
    return [value for value in offered if first <= value <= last]


def _range(subject: str, first: int, last: int, step: int) -> range:
    if step < 1 or last < first:
        raise ValueError(f"{subject} must go up in steps of 1 or more.")
    if (last - first) // step >= MOST_VALUES:
        raise ValueError(f"{subject} must have at most {MOST_VALUES} values.")
    return range(first, last + 1, step)

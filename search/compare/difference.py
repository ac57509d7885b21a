"""What differs between two of a kind: sections of rows, the largest difference first."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Cell = int | float | str | None  # None: there is none on that side


@dataclass(frozen=True)
class Difference:
    """A fact that is not the same on both sides."""

    what: str
    first: Cell
    second: Cell

    @property
    def change(self) -> float | None:
        """Second less first, where both are numbers."""
        if isinstance(self.first, int | float) and isinstance(self.second, int | float):
            return self.second - self.first
        return None

    @property
    def ratio(self) -> float | None:
        """Second over first, where both are numbers and the first is not 0."""
        if self.change is None or not self.first:
            return None
        return float(self.second) / float(self.first)  # type: ignore[arg-type]  # numbers


@dataclass(frozen=True)
class Section:
    """The differences of one stage; `same` facts are equal and left out."""

    stage: str
    rows: tuple[Difference, ...]
    same: int


def amounts(stage: str, first: Mapping[str, Cell], second: Mapping[str, Cell]) -> Section:
    """A section of facts in one unit: by the size of the change, one that one side lacks as 0."""
    return _section(stage, first, second, _size)


def facts(stage: str, first: Mapping[str, Cell], second: Mapping[str, Cell]) -> Section:
    """A section of facts in various units: texts first, then by the ratio."""
    return _section(stage, first, second, _distance)


def in_order(stage: str, first: Mapping[str, Cell], second: Mapping[str, Cell]) -> Section:
    """A section whose order has been chosen: as the first side has it, then the second."""
    return _section(stage, first, second, lambda _: 0.0)


def _section(
    stage: str,
    first: Mapping[str, Cell],
    second: Mapping[str, Cell],
    size: Callable[[Difference], float],
) -> Section:
    names = list(dict.fromkeys([*first, *second]))
    rows = [Difference(name, first.get(name), second.get(name)) for name in names]
    differing = [row for row in rows if row.first != row.second]
    differing.sort(key=lambda row: -size(row))
    return Section(stage, tuple(differing), len(rows) - len(differing))


def _size(row: Difference) -> float:
    numbers = [0.0 if cell is None else cell for cell in (row.first, row.second)]
    if any(isinstance(cell, str) for cell in numbers):
        return math.inf
    return abs(float(numbers[1]) - float(numbers[0]))


def _distance(row: Difference) -> float:
    ratio = row.ratio
    return math.inf if ratio is None or ratio <= 0 else abs(math.log(ratio))

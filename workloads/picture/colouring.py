"""Colours that say how much: by a count, the density, or numbers handed in."""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from apollo.workloads.graph import Graph
from apollo.workloads.sparsity.statistics import SparsityRow, total

COUNTS = {
    "macs": "multiply-accumulates",
    "parameters": "parameters",
    "activations": "elements written",
}
# From little to much: a single hue whose lightness falls evenly.
_STOPS = ((244, 248, 252), (190, 214, 235), (107, 164, 211), (44, 105, 170), (12, 47, 102))
NO_VALUE = "#f3f3f1"

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Colouring:
    """A number for operators and how it becomes a colour.

    Attributes:
        title: what the number is.
        values: by operator name; those without one stay grey.
        low: number of the lightest colour.
        high: number of the darkest one, above `low`.
        rooted: whether colours follow the square root of the share, so that small ones differ.

    """

    title: str
    values: Mapping[str, float]
    low: float
    high: float
    rooted: bool = False

    def __post_init__(self) -> None:
        numbers = [self.low, self.high, *self.values.values()]
        if not all(math.isfinite(number) for number in numbers):
            raise ValueError(f"Numbers of {self.title!r} must be finite.")
        if self.low >= self.high:
            raise ValueError(f"Numbers of {self.title!r} must not end at {self.low:g}, their low.")

    def position(self, value: float) -> float:
        """Where a number lies between the lightest colour, 0, and the darkest, 1."""
        share = min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)
        return math.sqrt(share) if self.rooted else share

    def value_at(self, position: float) -> float:
        """The number of a position."""
        share = position**2 if self.rooted else position
        return self.low + share * (self.high - self.low)


def by_count(graph: Graph, count: str) -> Colouring:
    """By `macs`, `parameters` or `activations`."""
    if count not in COUNTS:
        raise ValueError(f"Colours must be by one of {', '.join(COUNTS)}, not {count!r}.")
    values = {layer.name: float(getattr(layer, count)) for layer in graph.layers}
    return Colouring(COUNTS[count], values, 0.0, max(1.0, *values.values()), rooted=True)


def by_density(rows: Sequence[SparsityRow]) -> Colouring:
    """By the share of a layer's factors that are not 0."""
    layers: dict[str, list[SparsityRow]] = {}
    for row in rows:
        layers.setdefault(row.layer, []).append(row)
    values = {name: total(of_layer).density for name, of_layer in layers.items()}
    return Colouring("density of the factors", values, 0.0, 1.0)


def by_values(title: str, values: Mapping[str, float]) -> Colouring:
    """By numbers handed in, such as the cycles of each layer."""
    if not values:
        raise ValueError(f"There must be numbers of {title!r} for at least one operator.")
    low, high = min(0.0, *values.values()), max(values.values())
    return Colouring(title, values, low, high if high > low else low + 1)


def from_csv(path: Path, graph: Graph) -> Colouring:
    """By the second column of a file whose first one names operators; its head is the title."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.reader(file))
    except (UnicodeDecodeError, csv.Error):
        raise ValueError(f"'{path}' must be a CSV file in UTF-8.") from None
    if not lines or len(lines[0]) < 2:
        raise ValueError(f"'{path}' must have a head and lines of operators and numbers.")
    head, *rows = lines
    names = {operator.name for operator in graph.operators}
    values = {}
    for number, row in enumerate(rows, 2):
        if len(row) < 2 or row[0] not in names:
            raise ValueError(f"Line {number} of '{path}' must name an operator and give a number.")
        try:
            values[row[0]] = float(row[1])
        except ValueError:
            raise ValueError(f"Line {number} of '{path}' must hold a number: {row[1]!r}.") from None
    return by_values(head[1], values)


def colour(position: float) -> Colour:
    """Red, green and blue of a position in 0..1."""
    scaled = position * (len(_STOPS) - 1)
    index = min(int(scaled), len(_STOPS) - 2)
    rest = scaled - index
    pairs = zip(_STOPS[index], _STOPS[index + 1], strict=True)
    red, green, blue = (round(low + rest * (high - low)) for low, high in pairs)
    return red, green, blue


def as_hex(rgb: Colour) -> str:
    """`#rrggbb`."""
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def is_dark(rgb: Colour) -> bool:
    """Whether text on it must be white."""
    red, green, blue = rgb
    return 0.299 * red + 0.587 * green + 0.114 * blue < 140

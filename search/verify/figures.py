"""A figure beside ours, the aim it has to meet, and why it does not."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Figure:
    """A published (or derived) value and ours; without a tolerance it is only shown."""

    subject: str
    name: str
    reference: float
    ours: float
    tolerance: float | None = None
    is_relative: bool = False
    explanation: str = ""
    is_least: bool = False  # only less than the reference misses

    @property
    def difference(self) -> float:
        """Ours less the reference, over the reference if relative."""
        difference = self.ours - self.reference
        return difference / self.reference if self.is_relative else difference

    @property
    def holds(self) -> bool:
        """Whether it meets its aim; true without one."""
        if self.tolerance is None:
            return True
        off = -self.difference if self.is_least else abs(self.difference)
        return off <= self.tolerance

    def text(self) -> str:
        """Reference and ours; a miss is marked."""
        return f"{self.reference:.1f} | {self.ours:.1f}{'' if self.holds else ' *'}"

    def sentence(self) -> str:
        """What was missed, by how much, and why."""
        why = self.explanation or "No explanation yet."
        if self.is_least:
            return f"{self.subject}, {self.name}: {self.ours:.2f}, aim {self.reference:g}. {why}"
        aim = f"{self.tolerance:.0%}" if self.is_relative else f"{self.tolerance:g}"
        off = f"{self.difference:+.0%}" if self.is_relative else f"{self.difference:+.1f}"
        return f"{self.subject}, {self.name}: {off}, aim {aim}. {why}"


@dataclass(frozen=True)
class Table:
    """A further table for people."""

    title: str
    columns: tuple[str, ...]  # a text column's name ends with a blank
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Part:
    """A part of the verification: what was compared, and notes for the reader."""

    name: str
    title: str
    figures: tuple[Figure, ...]
    columns: tuple[str, ...]  # of the table for people; a text column's name ends with a blank
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    write: Callable[[Path], list[Path]] | None = None  # files to a folder, if there are any
    tables: tuple[Table, ...] = ()  # behind the first one

    @property
    def misses(self) -> list[Figure]:
        """Figures that do not meet their aim."""
        return [figure for figure in self.figures if not figure.holds]


def read_rows(name: str) -> list[dict[str, str]]:
    """The rows of a table of published figures."""
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))

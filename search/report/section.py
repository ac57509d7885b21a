"""Parts of a report: sections of slots, in each of which one view of several is seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apollo.search.report.theme import Figure

ALWAYS = ""  # the choice of a view that no selection changes


@dataclass(frozen=True)
class Table:
    """Columns and rows of numbers and strings, to read and to save.

    Raises `ValueError` when a row has another length.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str | float | None]]
    file: str  # it is saved as, without `.csv`

    def __post_init__(self) -> None:
        """Check the rows."""
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"Table {self.file} must have {len(self.columns)} cells a row.")


@dataclass(frozen=True)
class Slot:
    """A place on the page, and what can be seen in it.

    A view is a figure, a table or a sentence that says why there is none. Views are by choice:
    the numbers of the options that are selected, with commas between, or `ALWAYS`.
    """

    title: str
    views: Mapping[str, Figure | Table | str]
    note: str = ""  # how to read it
    wide: bool = False  # scrolled on a narrow screen instead of squeezed
    half: bool = False  # two of them stand side by side on a large screen

    def as_json(self) -> dict[str, Any]:
        """The slot as the page's script reads it."""
        views = {choice: _view(view) for choice, view in self.views.items()}
        looks = {"wide": self.wide, "half": self.half}
        return {"title": self.title, "note": self.note, **looks, "views": views}


@dataclass(frozen=True)
class Selector:
    """A choice that the reader has: of a study, a design or a network."""

    label: str
    options: Sequence[str]
    selected: int = 0  # at first


@dataclass(frozen=True)
class Section:
    """A heading with slots, and what selects their views."""

    key: str  # in addresses
    title: str
    text: str
    slots: Sequence[Slot]
    selectors: Sequence[Selector] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """The section as the page's script reads it."""
        return {
            "key": self.key,
            "selectors": [vars(selector) for selector in self.selectors],
            "slots": [slot.as_json() for slot in self.slots],
        }


def always(view: Figure | Table | str) -> dict[str, Figure | Table | str]:
    """The only view of a slot."""
    return {ALWAYS: view}


def _view(view: Figure | Table | str) -> dict[str, Any]:
    if isinstance(view, str):
        return {"text": view}
    return {"table": vars(view)} if isinstance(view, Table) else {"figure": view}

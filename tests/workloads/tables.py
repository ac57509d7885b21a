"""The tables of published figures."""

import csv
from pathlib import Path

DATA = Path(__file__).parent / "data"


def read(name):
    """Rows of a table as dictionaries of text."""
    with (DATA / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))

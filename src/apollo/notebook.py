"""Small tables that notebooks show for a network, a measurement and an exploration."""

from collections.abc import Iterable, Sequence
from html import escape


def html_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table as HTML; a column is right-aligned unless its name ends with a blank."""
    sides = ["left" if column.endswith(" ") else "right" for column in columns]
    head = "".join(map(_cell, ["th"] * len(sides), sides, (each.strip() for each in columns)))
    body = "".join(
        f"<tr>{''.join(map(_cell, ['td'] * len(sides), sides, row))}</tr>" for row in rows
    )
    caption = f'<caption style="text-align: left">{escape(title)}</caption>'
    return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(kind: str, side: str, text: str) -> str:
    return f'<{kind} style="text-align: {side}">{escape(text)}</{kind}>'

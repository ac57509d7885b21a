"""Elements of an SVG document that every picture has."""

import re
from xml.sax.saxutils import escape

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text(x: float, y: float, content: str, size: float, extra: str = "") -> str:
    """A line of text at a baseline; `extra` are further attributes, a blank before each."""
    place = f'x="{coordinate(x)}" y="{coordinate(y)}"'
    return f'<text {place} font-size="{size}"{extra}>{escaped(content)}</text>'


def escaped(content: str) -> str:
    """Text that XML can hold."""
    return escape(_NOT_IN_XML.sub("\ufffd", content))


def coordinate(value: float) -> str:
    """A number with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")

"""What a design is made of, and where its energy goes: parts, the largest on top."""

from collections.abc import Mapping

from apollo.search.report.section import Table
from apollo.search.report.theme import Figure, figure_of, words


def breakdown_figure(parts: Mapping[str, float], unit: str, fill: str) -> Figure:
    """A bar a part that is not nothing, with its share."""
    shown = sorted((value, name) for name, value in parts.items() if value)
    total = sum(value for value, _ in shown) or 1.0
    trace = {
        **{"type": "bar", "orientation": "h", "marker": {"color": fill}},
        "x": [value for value, _ in shown],
        "y": [words(name) for _, name in shown],
        "text": [f"{100 * value / total:.1f} %" for value, _ in shown],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": f"%{{y}}: %{{x:.4g}} {unit}, %{{text}}<extra></extra>",
    }
    most = shown[-1][0] if shown else 1.0
    height = 110 + 26 * len(shown)
    return figure_of([trace], unit, "", height, xaxis={"range": [0, 1.25 * most]}, bargap=0.3)


def breakdown_table(parts: Mapping[str, float], unit: str, file: str) -> Table:
    """The same in numbers."""
    total = sum(parts.values()) or 1.0
    rows = [
        (words(name), value, round(100 * value / total, 2))
        for name, value in sorted(parts.items(), key=lambda part: -part[1])
        if value
    ]
    return Table(("part", unit, "%"), rows, file)

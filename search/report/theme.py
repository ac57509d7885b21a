"""Colours and layout that all figures of studies share.

A figure of a report is what plotly.js draws, `data` and `layout`, as plain values: a page holds
hundreds of them and needs no object of each.
"""

from collections.abc import Sequence
from typing import Any

Figure = dict[str, Any]  # `data` and `layout`

BEST, FEASIBLE, MUTED = "#1f4e79", "#6fa8dc", "#9aa5b1"
CAUSES = ("#c0504d", "#e59866", "#8064a2", "#4f9d69", "#b8860b", "#7f7f7f")
MARKERS = ("x", "triangle-down", "diamond", "square", "star", "cross")
SERIES = (BEST, *CAUSES[:5])  # of studies, or other equals beside each other
PRESET = "#b8860b"
# From little to much; the least is still seen on white.
SCALE = [[0.0, "#cfe2f3"], [0.5, FEASIBLE], [1.0, BEST]]
FONT = {"family": "Helvetica, Arial, sans-serif", "size": 13}

# What a page adds to every layout.
TEMPLATE: dict[str, Any] = {
    "layout": {
        "font": {**FONT, "color": "#243240"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "hovermode": "closest",
        "hoverlabel": {"align": "left", "font": {"size": 12}},
        "margin": {"l": 8, "r": 12, "t": 12, "b": 8},
        "colorway": list(SERIES),
        "legend": {
            **{"orientation": "h", "x": 0, "y": 1.02, "xanchor": "left", "yanchor": "bottom"},
            **{"font": {"size": 12}, "itemsizing": "constant", "traceorder": "normal"},
        },
        **{
            axis: {
                **{"gridcolor": "#e6ebf0", "linecolor": "#c3ccd5", "zerolinecolor": "#c3ccd5"},
                **{"automargin": True, "ticks": "", "ticklabelstandoff": 6},
                "title": {"standoff": 12, "font": {"size": 13, "color": "#5b6b7b"}},
            }
            for axis in ("xaxis", "yaxis")
        },
    }
}


_UNITS = {
    **{"_mm2": ", mm²", "_ms": ", ms", "_uj": ", µJ", "_w": ", W", "_bytes": ", bytes"},
    **{"_gb_per_s": ", GB/s", "_per_s": ", 1/s", "_mhz": ", MHz", "_ns": ", ns", "_nm": ", nm"},
    "_percent": ", %",
}
_WORDS = {"dram": "DRAM", "pe": "PE", "pes": "PEs", "speedup": "speed-up", "macs": "MACs"}


def figure_of(
    traces: Sequence[dict[str, Any]], x: str, y: str, height: int = 420, **layout: Any
) -> Figure:
    """A figure with titles of its axes; further layout by name, as plotly has it."""
    axes: dict[str, Any] = {"xaxis": {"title": {"text": x}}, "yaxis": {"title": {"text": y}}}
    for name, title in axes.items():
        title.update(layout.pop(name, {}))
    return {"data": list(traces), "layout": {"height": height, **axes, **layout}}


def colour(number: int, colours: Sequence[str] = SERIES) -> str:
    """The colour of that number; they come again."""
    return colours[number % len(colours)]


def words(name: str) -> str:
    """A name as readers have it: `pe_memory_bytes` is `PE memory, bytes`."""
    unit = ""
    for suffix, text in _UNITS.items():
        if name.endswith(suffix):
            name, unit = name.removesuffix(suffix), text
            break
    return " ".join(_WORDS.get(word, word) for word in name.split("_")) + unit

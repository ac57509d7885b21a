"""Who lives where in the memories on the chip, layer by layer."""

from collections.abc import Mapping
from typing import Any

from apollo.search.report.theme import BEST, CAUSES, FEASIBLE, Figure, figure_of
from apollo.search.store.detail import RunRow

PE_MEMORY, CORE_MEMORY = "pe_memory", "core_memory"
_FILLS: Mapping[str, str] = {
    "tensor": FEASIBLE,
    "copy": CAUSES[2],
    "stream in": CAUSES[1],
    "stream out": CAUSES[3],
    "partial sums": CAUSES[4],
    "resident parameters": BEST,
    "tile of parameters": CAUSES[0],
}
_KIB = 1024


def memory_figure(run: RunRow, memory: str) -> Figure | None:
    """Blocks of a memory as rectangles: layers across, addresses up; None where it has none.

    Every PE, or core, has the same.
    """
    rows = [
        dict(zip(run.memory, values, strict=True))
        for values in zip(*run.memory.values(), strict=True)
    ]
    blocks = [row for row in rows if row["memory"] == memory]
    if not blocks:
        return None
    capacity = run.facts[f"{memory}_bytes"] / _KIB
    traces = []
    for kind, fill in _FILLS.items():
        mine = [block for block in blocks if block["kind"] == kind]
        if mine:
            traces.append(_rectangles(run, mine, kind, fill))
    last = len(run.layers["layer"]) - 0.5
    used = max(block["address"] + block["bytes"] for block in blocks) / _KIB
    traces.append(_capacity(capacity, last))
    return figure_of(
        traces,
        "layer",
        "address, KiB",
        380,
        barmode="overlay",
        bargap=0,
        xaxis={"range": [-0.5, last], "showgrid": False},
        yaxis={"range": [0, 1.05 * min(capacity, 2 * used)]},
    )


def _rectangles(run: RunRow, blocks: list[dict[str, Any]], kind: str, fill: str) -> dict[str, Any]:
    layers = run.layers["layer"]
    return {
        **{"type": "bar", "name": kind},
        "x": [(block["first"] + block["last"]) / 2 for block in blocks],
        "width": [block["last"] - block["first"] + 1 for block in blocks],
        "base": [block["address"] / _KIB for block in blocks],
        "y": [block["bytes"] / _KIB for block in blocks],
        "text": [
            f"{block['tensor']}, {block['bytes']:,} bytes at {block['address']:,}"
            f"<br>{layers[block['first']]} to {layers[block['last']]}"
            for block in blocks
        ],
        "textposition": "none",
        "marker": {"color": fill, "opacity": 0.85, "line": {"width": 0.5, "color": "#ffffff"}},
        "hovertemplate": f"{kind}: %{{text}}<extra></extra>",
    }


def _capacity(capacity: float, last: float) -> dict[str, Any]:
    return {
        **{"type": "scatter", "mode": "lines", "name": f"capacity, {capacity:,.6g} KiB"},
        **{"x": [-0.5, last], "y": [capacity, capacity]},
        "line": {"color": "#243240", "width": 1.5, "dash": "dot"},
        "hoverinfo": "name",
    }

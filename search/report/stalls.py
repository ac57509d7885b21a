"""What the compute engine does, layer by layer: computing, or waiting for a cause."""

from collections.abc import Mapping
from typing import Any

from apollo.search.report.section import Table
from apollo.search.report.theme import FEASIBLE, MUTED, Figure, figure_of
from apollo.search.store.detail import RunRow

BUSY = "busy"
# In the order in which bars are stacked: what each is, and its colour.
DOINGS: Mapping[str, tuple[str, str]] = {
    BUSY: ("computing", FEASIBLE),
    "param": ("waits for parameters", "#c0504d"),
    "act": ("waits for activations", "#e59866"),
    "move": ("waits for moves between PEs", "#8064a2"),
    "store": ("waits for stores", "#4f9d69"),
    "fetch": ("waits for instructions", "#b8860b"),
    "compute": ("waits for itself", MUTED),
    "end": ("done, last transfers run", "#d3dae1"),
}


def stalls_figure(run: RunRow) -> Figure:
    """A bar a layer, in the order of the network, its cycles stacked by cause."""
    layers = run.layers["layer"]
    traces = [
        {
            **{"type": "bar", "name": title, "marker": {"color": fill, "line": {"width": 0}}},
            "x": list(range(len(layers))),
            "y": run.layers[name],
            "text": layers,
            "textposition": "none",
            "hovertemplate": f"%{{text}}<br>{title}: %{{y:,}} cycles<extra></extra>",
        }
        for name, (title, fill) in DOINGS.items()
        if any(run.layers[name])
    ]
    return figure_of(
        traces, "layer", "cycles", 400, barmode="stack", bargap=0.12, xaxis={"showgrid": False}
    )


def layers_table(run: RunRow, file: str) -> Table:
    """Every layer with its cycles by cause, multiply-accumulates and bytes to and from DRAM."""
    causes = [name for name in DOINGS if any(run.layers[name])]
    titles = [DOINGS[name][0] for name in causes]
    peak = run.facts["peak_macs_per_cycle"]
    rows: list[tuple[Any, ...]] = []
    for number, layer in enumerate(run.layers["layer"]):
        cycles = [run.layers[name][number] for name in causes]
        macs, moved = run.layers["macs"][number], run.layers["dram_bytes"][number]
        share = round(100 * macs / (peak * max(1, sum(cycles))), 2)
        rows.append((layer, sum(cycles), *cycles, macs, share, moved))
    columns = ("layer", "cycles", *titles, "MACs", "% of peak", "DRAM bytes")
    return Table(columns, rows, file)

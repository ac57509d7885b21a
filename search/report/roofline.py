"""The roofline of a design with the layers on it (Williams, Waterman and Patterson, 2009)."""

import math
from typing import Any

from apollo.search.report.stalls import BUSY, DOINGS
from apollo.search.report.theme import BEST, CAUSES, Figure, figure_of
from apollo.search.store.detail import RunRow


def roofline_figure(run: RunRow) -> Figure | None:
    """Layers with multiply-accumulates: what each reaches, by how much it computes a DRAM byte.

    A layer's area is its share of the time. None where no layer has any.
    """
    layers = [number for number, macs in enumerate(run.layers["macs"]) if macs]
    if not layers:
        return None
    cycles = {number: _cycles(run, number) for number in layers}
    ghz = run.facts["clock_mhz"] / 1000
    peak, rate = run.facts["peak_macs_per_cycle"], run.facts["dram_bytes_per_cycle"]
    macs = run.layers["macs"]
    intensity = {n: macs[n] / max(1, run.layers["dram_bytes"][n]) for n in layers}
    reached = {n: macs[n] * ghz / max(1, cycles[n]) for n in layers}
    ridge = peak / rate
    least = min(*intensity.values(), ridge / 4) / 2
    most = max(*intensity.values(), ridge * 4) * 2
    roof = [(least, least * rate * ghz), (ridge, peak * ghz), (most, peak * ghz)]
    total = run.facts["cycles"]
    traces: list[dict[str, Any]] = [
        _line("DRAM bandwidth", roof[:2], CAUSES[0]),
        _line("peak of the multipliers", roof[1:], BEST),
    ]
    for name, (title, fill) in DOINGS.items():
        mine = [number for number in layers if _most(run, number) == name]
        traces.append(
            {
                **{"type": "scatter", "mode": "markers"},
                "name": "mostly computing" if name == BUSY else f"mostly {title}",
                "x": [intensity[n] for n in mine],
                "y": [reached[n] for n in mine],
                "text": [f"{run.layers['layer'][n]}, {cycles[n]:,} cycles" for n in mine],
                "marker": {
                    "color": fill,
                    "opacity": 0.8,
                    "size": [round(7 + 30 * math.sqrt(cycles[n] / total), 1) for n in mine],
                    "line": {"color": "#ffffff", "width": 1},
                },
                "hovertemplate": "%{text}<br>%{x:.3g} MAC a byte, %{y:.3g} GMAC/s<extra></extra>",
            }
        )
    return figure_of(
        [trace for trace in traces if trace["x"]],
        "multiply-accumulates a byte of DRAM",
        "GMAC/s",
        440,
        xaxis={"type": "log", "dtick": 1},
        yaxis={"type": "log", "dtick": 1},
    )


def _cycles(run: RunRow, layer: int) -> int:
    return sum(int(run.layers[name][layer]) for name in DOINGS)


def _most(run: RunRow, layer: int) -> str:
    """What the compute engine does with most of a layer's time."""
    return max(DOINGS, key=lambda name: int(run.layers[name][layer]))


def _line(name: str, points: list[tuple[float, float]], fill: str) -> dict[str, Any]:
    return {
        **{"type": "scatter", "mode": "lines", "name": name},
        **{"x": [x for x, _ in points], "y": [y for _, y in points]},
        "line": {"color": fill, "width": 2},
        "hoverinfo": "name",
    }

"""When each engine works, over an inference, and what the compute engine waits for."""

from collections.abc import Mapping
from typing import Any

from apollo.search.report.stalls import BUSY, DOINGS
from apollo.search.report.theme import BEST, FEASIBLE, Figure, figure_of
from apollo.search.store.detail import RunRow

# Lanes from top to bottom.
LANES: Mapping[str, str] = {
    "PARAM": "parameters",
    "ACT": "activations",
    "MOVE": "moves",
    "COMPUTE": "compute",
    "STORE": "stores",
}


def timeline_figure(run: RunRow) -> Figure:
    """A bar for every stretch of time that an engine works; neighbouring layers alternate."""
    spans = list(zip(*(run.spans[name] for name in _COLUMNS), strict=True))
    us = 1 / run.facts["clock_mhz"]
    traces = []
    for what, (title, fill) in DOINGS.items():
        mine = [span for span in spans if span[1] == what]
        if mine:
            is_busy = what == BUSY
            fills = [_SHADES[layer % 2] for _, _, layer, _, _ in mine] if is_busy else fill
            traces.append(_bars(run, mine, "works" if is_busy else f"compute {title}", fills, us))
    return figure_of(
        traces,
        "µs",
        "",
        320,
        barmode="overlay",
        bargap=0.25,
        xaxis={"range": [0, run.facts["cycles"] * us]},
        yaxis={
            **{"categoryorder": "array", "categoryarray": list(LANES.values())[::-1]},
            **{"showgrid": False, "fixedrange": True},
        },
    )


_COLUMNS = ("engine", "what", "layer", "begin", "end")
_SHADES = (FEASIBLE, BEST)


def _bars(
    run: RunRow, spans: list[tuple[Any, ...]], name: str, fill: str | list[str], us: float
) -> dict[str, Any]:
    layers = run.layers["layer"]
    return {
        **{"type": "bar", "orientation": "h", "name": name},
        "y": [LANES[engine] for engine, *_ in spans],
        "base": [round(begin * us, 4) for *_, begin, _ in spans],
        "x": [round((end - begin) * us, 4) for *_, begin, end in spans],
        "text": [layers[layer] for _, _, layer, _, _ in spans],
        "textposition": "none",
        "marker": {"color": fill, "line": {"width": 0}},
        "hovertemplate": f"%{{text}}<br>{name} from %{{base:.2f}} µs, %{{x:.2f}} µs<extra></extra>",
    }

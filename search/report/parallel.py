"""Parallel coordinates: every parameter an axis, every design a line, coloured by its reward."""

from collections.abc import Sequence
from typing import Any

from apollo.search.report.sample import spread
from apollo.search.report.theme import SCALE, Figure, words
from apollo.search.trial import Trial, best_of

MOST_PARAMETERS = 24
_MOST_LINES = 1500


def parallel_figure(trials: Sequence[Trial]) -> Figure:
    """The feasible designs, the best on top; a range is chosen by dragging along an axis."""
    ranked = best_of(trials, len(trials))
    shown = spread(ranked, _MOST_LINES)[::-1]  # drawn in this order
    rewards = [trial.reward for trial in shown]
    axes = [_axis(name, shown) for name in shown[0].parameters]
    axes.append({"label": "reward", "values": rewards})
    line = {"color": rewards, "colorscale": SCALE, "showscale": False}
    trace = {
        **{"type": "parcoords", "dimensions": axes, "line": line},
        **{"labelangle": -20, "labelside": "top"},
        "unselected": {"line": {"color": "#c3ccd5", "opacity": 0.15}},
    }
    margin = {"l": 56, "r": 56, "t": 84, "b": 24}
    return {"data": [trace], "layout": {"height": 460, "margin": margin}}


def _axis(name: str, trials: Sequence[Trial]) -> dict[str, Any]:
    """The values that occur, evenly spaced: most are doublings."""
    values = sorted({trial.parameters[name] for trial in trials})
    places = {value: place for place, value in enumerate(values)}
    return {
        "label": words(name).removesuffix(", bytes"),
        "values": [places[trial.parameters[name]] for trial in trials],
        "tickvals": list(places.values()),
        "ticktext": [short(value) for value in values],
        "range": [-0.3, max(places.values()) + 0.3],
    }


def short(value: int) -> str:
    """A count in few characters: 65536 is 64Ki."""
    for factor, unit in ((1 << 20, "Mi"), (1 << 10, "Ki")):
        if value and value % factor == 0:
            return f"{value // factor}{unit}"
    return f"{value:,}"

"""The Pareto front over two quantities, with the presets beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from apollo.search.report.sample import spread
from apollo.search.report.source import Source
from apollo.search.report.theme import FEASIBLE, PRESET, Figure, colour, figure_of, words
from apollo.search.store.detail import DesignRow
from apollo.search.trial import Trial

AREA, SPEEDUP = "area_mm2", "speedup"
_MOST_POINTS = 1500  # of a study, beside its front


@dataclass(frozen=True)
class Quantity:
    """What an axis shows: a metric, or an objective that is none."""

    name: str
    is_least: bool = False  # whether small is good
    objective: int | None = None

    @property
    def title(self) -> str:
        """The axis's."""
        title = words(self.name)
        return title if self.is_least else f"{title}: times better than the baseline"

    def of(self, trial: Trial | DesignRow) -> float | None:
        """The value of a feasible trial or of a preset, where it is known."""
        if self.name in trial.metrics:
            return trial.metrics[self.name]
        if self.objective is None or isinstance(trial, DesignRow):
            return None
        return trial.objectives[self.objective]


def quantities(sources: Sequence[Source]) -> list[tuple[Quantity, Quantity]]:
    """The pairs that are compared: objectives if the studies have several, else area and speed-up.

    None where no feasible trial has them.
    """
    asked = sources[0].objectives
    if len(asked) > 1 and all(source.objectives == asked for source in sources):
        known = [Quantity(name, objective=number) for number, name in enumerate(asked)]
        pairs = list(combinations(known, 2))
    else:
        pairs = [(Quantity(AREA, is_least=True), Quantity(SPEEDUP))]
    trials = [trial for source in sources for trial in source.feasible]
    return [pair for pair in pairs if trials and all(_is_known(each, trials) for each in pair)]


def _is_known(quantity: Quantity, trials: Sequence[Trial]) -> bool:
    return all(quantity.of(trial) is not None for trial in trials)


def front_trials(trials: Sequence[Trial], x: Quantity, y: Quantity) -> list[Trial]:
    """The feasible trials that no other beats in both, along x; each point once."""
    best: list[Trial] = []
    for trial in sorted(trials, key=_order(x, y)):
        if not best or _gain(y, trial) > _gain(y, best[-1]):
            best.append(trial)
    return sorted(best, key=lambda trial: x.of(trial) or 0.0)


def _order(x: Quantity, y: Quantity) -> Callable[[Trial], tuple[float, float, int]]:
    return lambda trial: (-_gain(x, trial), -_gain(y, trial), trial.number)


def _gain(quantity: Quantity, trial: Trial) -> float:
    value = quantity.of(trial) or 0.0
    return -value if quantity.is_least else value


def front_figure(sources: Sequence[Source], x: Quantity, y: Quantity) -> Figure:
    """Feasible designs of every study, its front as a line, and the presets."""
    traces: list[dict[str, Any]] = []
    for number, source in enumerate(sources):
        line, is_alone = colour(number), len(sources) == 1
        name = "" if is_alone else f"{source.name}: "
        faint = FEASIBLE if is_alone else line
        some = spread(source.feasible, _MOST_POINTS)
        traces.append(_points(some, x, y, f"{name}feasible", faint))
        traces.append(_front(front_trials(source.feasible, x, y), x, y, f"{name}front", line))
    presets = {design.name: design for source in sources for design in source.presets}
    shown = [each for each in presets.values() if None not in (x.of(each), y.of(each))]
    if shown:
        traces.append(_presets(shown, x, y))
    return figure_of(traces, x.title, y.title, 460)


def _points(
    trials: Sequence[Trial], x: Quantity, y: Quantity, name: str, fill: str
) -> dict[str, Any]:
    return {
        **{"type": "scatter", "mode": "markers", "name": name},
        "x": [x.of(trial) for trial in trials],
        "y": [y.of(trial) for trial in trials],
        "text": [f"trial {trial.number}, reward {trial.reward:.4f}" for trial in trials],
        "marker": {"color": fill, "size": 6, "opacity": 0.45},
        "hovertemplate": "%{text}<br>%{x:.4g}, %{y:.4g}<extra></extra>",
    }


def _front(
    trials: Sequence[Trial], x: Quantity, y: Quantity, name: str, line: str
) -> dict[str, Any]:
    points = _points(trials, x, y, name, line)
    step = "hv" if x.is_least else "vh"  # the region that is reached
    return points | {
        "mode": "lines+markers",
        "line": {"color": line, "width": 2, "shape": step},
        "marker": {"color": line, "size": 8},
    }


def _presets(designs: Sequence[DesignRow], x: Quantity, y: Quantity) -> dict[str, Any]:
    reasons = [f"<br>{design.reason}" if design.reason else "" for design in designs]
    return {
        **{"type": "scatter", "mode": "markers+text", "name": "preset"},
        "x": [x.of(design) for design in designs],
        "y": [y.of(design) for design in designs],
        "text": [design.name for design in designs],
        "customdata": reasons,
        "textposition": "top center",
        "marker": {"color": PRESET, "size": 12, "symbol": "diamond"},
        "cliponaxis": False,
        "hovertemplate": "%{text}<br>%{x:.4g}, %{y:.4g}%{customdata}<extra></extra>",
    }

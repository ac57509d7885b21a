"""The course of several searches: the best so far of each, over its trials."""

from collections.abc import Sequence
from typing import Any

from apollo.search.report.sample import spread
from apollo.search.report.source import Source
from apollo.search.report.theme import FEASIBLE, Figure, colour, figure_of
from apollo.search.trial import Trial

_MOST_POINTS = 1500  # of a study


def improvements(trials: Sequence[Trial]) -> list[Trial]:
    """The trials that were the best so far."""
    found: list[Trial] = []
    for trial in trials:
        if trial.feasible and (not found or trial.reward > found[-1].reward):
            found.append(trial)
    return found


def course_figure(sources: Sequence[Source]) -> Figure:
    """A line a study; of a single one, its feasible trials as dots too."""
    traces = [_dots(sources[0])] if len(sources) == 1 else []
    traces += [_line(source, colour(number)) for number, source in enumerate(sources)]
    return figure_of(
        traces, "trial", "reward", yaxis={"rangemode": "tozero"}, xaxis={"rangemode": "tozero"}
    )


def _line(source: Source, line: str) -> dict[str, Any]:
    steps = improvements(source.trials)
    numbers, rewards = [s.number for s in steps], [s.reward for s in steps]
    if steps:  # to the end of the search
        numbers.append(source.trials[-1].number)
        rewards.append(rewards[-1])
    return {
        **{"type": "scatter", "mode": "lines", "name": f"{source.name}: best so far"},
        **{"x": numbers, "y": rewards},
        "line": {"color": line, "width": 2.5, "shape": "hv"},
        "hovertemplate": "best after trial %{x}: %{y:.4f}<extra></extra>",
    }


def _dots(source: Source) -> dict[str, Any]:
    some = spread(source.feasible, _MOST_POINTS)
    return {
        **{"type": "scatter", "mode": "markers", "name": "feasible trial"},
        "x": [trial.number for trial in some],
        "y": [trial.reward for trial in some],
        "marker": {"color": FEASIBLE, "size": 6, "opacity": 0.5},
        "hovertemplate": "trial %{x}: %{y:.4f}<extra></extra>",
    }

"""Why points were infeasible: over the course of the search, in numbers, and what would help."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from apollo.search.report.section import Table
from apollo.search.report.theme import CAUSES, FEASIBLE, Figure, colour, figure_of, words
from apollo.search.store.detail import LeversRow
from apollo.search.trial import Trial

_WINDOWS = 40
_LEVERS = 6  # of a cause
FEASIBLE_LANE = "feasible"


def cause_counts(trials: Sequence[Trial]) -> Counter[str]:
    """Infeasible trials by cause."""
    return Counter(trial.resource for trial in trials if trial.resource is not None)


def causes_figure(trials: Sequence[Trial]) -> Figure:
    """Shares of feasible trials and of the causes, in windows along the search."""
    length = -(-len(trials) // _WINDOWS)
    windows = [trials[first : first + length] for first in range(0, len(trials), length)]
    kinds = [FEASIBLE_LANE, *(cause for cause, _ in cause_counts(trials).most_common())]
    traces = []
    for number, kind in enumerate(kinds):
        fill = FEASIBLE if kind == FEASIBLE_LANE else colour(number - 1, CAUSES)
        counts = [sum((trial.resource or FEASIBLE_LANE) == kind for trial in w) for w in windows]
        traces.append(_bars(words(kind), fill, windows, counts))
    return figure_of(
        traces,
        "trial",
        "share of trials, %",
        380,
        barmode="stack",
        bargap=0.0,
        yaxis={"range": [0, 100]},
    )


def _bars(
    name: str, fill: str, windows: Sequence[Sequence[Trial]], counts: Sequence[int]
) -> dict[str, Any]:
    pairs = list(zip(windows, counts, strict=True))
    return {
        **{"type": "bar", "name": name, "marker": {"color": fill, "line": {"width": 0}}},
        "x": [window[0].number + len(window) / 2 for window in windows],
        "width": [len(window) for window in windows],
        "y": [100 * count / len(window) for window, count in pairs],
        "customdata": [
            f"{count} of trials {window[0].number} to {window[-1].number}"
            for window, count in pairs
        ],
        "hovertemplate": f"{name}: %{{customdata}}<extra></extra>",
    }


def causes_table(trials: Sequence[Trial], file: str) -> Table:
    """Every cause with its count and what the first such trial says."""
    counts = cause_counts(trials)
    reasons: Mapping[str, str] = {
        trial.resource: trial.reason or "" for trial in reversed(trials) if trial.resource
    }
    rows = [
        (words(cause), count, round(100 * count / len(trials), 1), reasons[cause])
        for cause, count in counts.most_common()
    ]
    return Table(("cause", "trials", "% of all", "for example"), rows, file)


def levers_table(rows: Sequence[LeversRow], file: str) -> Table:
    """The changes that made infeasible designs feasible, cause by cause."""
    columns = ("cause", "change", "helped", "of", "steps", "for example")
    return Table(columns, [_lever(row, lever) for row in rows for lever in _top(row)], file)


def _top(row: LeversRow) -> Sequence[Mapping[str, Any]]:
    return row.levers[:_LEVERS]


def _lever(row: LeversRow, lever: Mapping[str, Any]) -> tuple[str | float, ...]:
    changes = lever["changes"]
    names = [f"{c['direction']} {words(c['parameter']).partition(',')[0]}" for c in changes]
    values = [f"{c['before']:,} → {c['after']:,}" for c in changes]
    return (
        words(row.resource),
        " and ".join(names),
        lever["helped"],
        row.sampled,
        lever["steps"],
        f"trial {lever['trial']}: {' and '.join(values)}",
    )

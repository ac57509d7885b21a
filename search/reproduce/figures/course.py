"""The course of the search over all runs: best reward so far, and how much of it is feasible.

The line is the median over the seeds, the band its middle half.
"""

from typing import TYPE_CHECKING, Any

from apollo.search.reproduce.evidence import NAMES
from apollo.search.reproduce.figures.look import budget_panels, colour, faded, goal_text, laid_out

if TYPE_CHECKING:
    import pandas as pd

BEST, FEASIBLE = "best", "feasible"  # prefixes of columns of the course


def course_figure(course: "pd.DataFrame", networks: str, objective: str, of: str) -> Any:
    """Of the runs on a set with an objective, a panel a budget, the largest first."""
    chosen = course[(course.networks == networks) & (course.objective == objective)]
    chosen = chosen[chosen.budget_mm2.notna()]
    budgets = sorted(chosen.budget_mm2.unique().tolist(), reverse=True)
    figure = budget_panels(budgets)
    for column, budget_mm2 in enumerate(budgets, 1):
        of_budget = chosen[chosen.budget_mm2 == budget_mm2]
        groups = {
            key: rows for key, rows in of_budget.groupby(["optimizer", "source"], dropna=False)
        }
        for (optimizer, source), rows in sorted(groups.items(), key=_rank):
            begins = source if isinstance(source, str) else ""
            for trace in _traces(rows, optimizer, begins, of):
                trace.showlegend = bool(trace.showlegend) and (column == 1 or bool(begins))
                figure.add_trace(trace, row=1, col=column)
    axis = f"best {goal_text(objective)}" if of == BEST else "share of feasible trials"
    figure.update_yaxes(title_text=axis, rangemode="tozero", row=1, col=1)
    figure.update_xaxes(title_text="trial", tickformat=",d")
    what = "Best reward so far" if of == BEST else "Share of feasible trials"
    title = f"{what}, {networks}, {goal_text(objective)}: median and middle half of the runs"
    return laid_out(figure, title)


def _rank(group: tuple[Any, Any]) -> tuple[bool, int]:
    """Runs that begin with nothing first, strategies in the order of their names."""
    (optimizer, source), _ = group
    names = list(NAMES)
    return isinstance(source, str), names.index(optimizer) if optimizer in names else len(names)


def _traces(rows: "pd.DataFrame", optimizer: str, source: str, of: str) -> list[Any]:
    from plotly.graph_objects import Scatter

    trials = rows.trial.tolist()
    low, high = (rows[f"{of}_{quantile}"].tolist() for quantile in (25, 75))
    group = f"{optimizer}{source}"
    band = Scatter(
        x=trials + trials[::-1],
        y=high + low[::-1],
        fill="toself",
        fillcolor=faded(optimizer, 0.15),
        line={"width": 0},
        legendgroup=group,
        showlegend=False,
        hoverinfo="skip",
    )
    begins = f", begun with designs of {source}" if source else ""
    name = f"{NAMES.get(optimizer, optimizer)}{begins}"
    line = Scatter(
        x=trials,
        y=rows[f"{of}_50"].tolist(),
        mode="lines",
        name=name,
        legendgroup=group,
        showlegend=True,
        line={"color": colour(optimizer), "width": 2, "dash": "dot" if source else "solid"},
        hovertemplate=f"{name}, trial %{{x}}: %{{y:.4f}}<extra></extra>",
    )
    return [band, line]

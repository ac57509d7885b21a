"""The final rewards of all runs: a violin a strategy and budget, every run a point.

Where the optimum is known a line says where it is.
"""

from typing import TYPE_CHECKING, Any

from apollo.search.reproduce.evidence import NAMES
from apollo.search.reproduce.figures.look import budget_panels, colour, goal_text, laid_out

if TYPE_CHECKING:
    import pandas as pd


def violin_figure(runs: "pd.DataFrame", networks: str, objective: str) -> Any:
    """Of the runs on a set with an objective, a panel a budget, the largest first."""
    chosen = runs[(runs.networks == networks) & (runs.objective == objective)]
    chosen = chosen[chosen.budget_mm2.notna() & chosen.source.isna()]
    budgets = sorted(chosen.budget_mm2.unique().tolist(), reverse=True)
    figure = budget_panels(budgets)
    for column, budget_mm2 in enumerate(budgets, 1):
        of_budget = chosen[chosen.budget_mm2 == budget_mm2]
        for optimizer in (name for name in NAMES if (of_budget.optimizer == name).any()):
            trace = _violin(of_budget, optimizer, has_legend=column == 1)
            figure.add_trace(trace, row=1, col=column)
        optimum = of_budget.optimum.dropna()
        if len(optimum):
            line = {"color": "#c0504d", "dash": "dash", "width": 1.5}
            figure.add_hline(y=float(optimum.iloc[0]), line=line, row=1, col=column)
    figure.update_yaxes(title_text=goal_text(objective), row=1, col=1)
    figure.update_xaxes(showticklabels=False)
    known = "; dashed: the enumerated optimum" if chosen.optimum.notna().any() else ""
    title = f"Final {goal_text(objective)} of every run, {networks}{known}"
    return laid_out(figure, title)


def _violin(runs: "pd.DataFrame", optimizer: str, *, has_legend: bool) -> Any:
    from plotly.graph_objects import Violin

    chosen = runs[runs.optimizer == optimizer]
    return Violin(
        y=chosen.reward.tolist(),
        name=NAMES[optimizer],
        legendgroup=optimizer,
        showlegend=has_legend,
        line={"color": colour(optimizer)},
        points="all",
        pointpos=0,
        jitter=0.3,
        spanmode="hard",
        box={"visible": True, "width": 0.15},
        text=[f"seed {seed}" for seed in chosen.seed],
        hovertemplate="%{text}: %{y:.4f}<extra></extra>",
    )

"""How different the best designs of a run are: how many maxima, and how far apart.

Maxima are designs within 5 % of the best of their run that differ in three parameters.
"""

from typing import TYPE_CHECKING, Any

from apollo.search.reproduce.evidence import NAMES
from apollo.search.reproduce.figures.look import colour, goal_text, laid_out

if TYPE_CHECKING:
    import pandas as pd


def diversity_figure(runs: "pd.DataFrame", networks: str, objective: str) -> Any:
    """Maxima of every run on a set with an objective, by budget and strategy."""
    from plotly.graph_objects import Box, Figure  # slow to import

    chosen = runs[(runs.networks == networks) & (runs.objective == objective)]
    chosen = chosen[chosen.budget_mm2.notna() & chosen.source.isna()]
    figure = Figure()
    for optimizer in (name for name in NAMES if (chosen.optimizer == name).any()):
        rows = chosen[chosen.optimizer == optimizer]
        figure.add_trace(
            Box(
                x=[f"{budget:g} mm²" for budget in rows.budget_mm2],
                y=rows.maxima.tolist(),
                name=NAMES[optimizer],
                marker={"color": colour(optimizer)},
                boxpoints="all",
                pointpos=0,
            )
        )
    figure.update_layout(boxmode="group")
    figure.update_yaxes(title_text="different designs within 5 % of the best", rangemode="tozero")
    return laid_out(figure, f"Maxima of a run, {networks}, {goal_text(objective)}")

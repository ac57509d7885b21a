"""What the figures share: a colour for every strategy, names, and the layout."""

from collections.abc import Sequence
from typing import Any

from apollo.search.objective import SPEEDUP
from apollo.search.reproduce.plan import EVOLUTIONARY, P3BO, RANDOM, VIZIER

COLOURS = {RANDOM: "#7f7f7f", VIZIER: "#b8860b", EVOLUTIONARY: "#4f9d69", P3BO: "#1f4e79"}
OTHER = "#c0504d"
FONT = {"family": "Helvetica, Arial, sans-serif", "size": 13}
GOALS = {SPEEDUP: "speed-up over the baseline"}


def colour(optimizer: str) -> str:
    """The colour of a strategy."""
    return COLOURS.get(optimizer, OTHER)


def faded(optimizer: str, opacity: float) -> str:
    """The colour, let through."""
    digits = colour(optimizer)[1:]
    red, green, blue = (int(digits[place : place + 2], 16) for place in (0, 2, 4))
    return f"rgba({red},{green},{blue},{opacity})"


def goal_text(objective: str) -> str:
    """An objective as an axis has it."""
    return GOALS.get(objective, objective.replace("_", " "))


def laid_out(figure: Any, title: str, height: int = 520) -> Any:
    """The figure with the layout of all."""
    figure.update_layout(
        title={"text": title, "x": 0.02, "y": 0.97, "yanchor": "top"},
        template="plotly_white",
        font=FONT,
        height=height,
        legend={"orientation": "h", "y": -0.15},
        margin={"l": 70, "r": 24, "t": 90, "b": 60},
    )
    return figure


def budget_panels(budgets: Sequence[float]) -> Any:
    """An empty figure with a panel for every budget, in mm², side by side on one scale."""
    from plotly.subplots import make_subplots  # slow to import

    return make_subplots(
        rows=1,
        cols=len(budgets),
        shared_yaxes=True,
        subplot_titles=[f"{budget:g} mm²" for budget in budgets],
    )

"""The maps of the explored points, a panel a strategy, with a slider over the search.

As published: infeasible points starred, feasible ones sized by reward, the maxima crossed.
"""

from typing import TYPE_CHECKING, Any

from apollo.search.reproduce.evidence import NAMES
from apollo.search.reproduce.figures.look import colour, laid_out
from apollo.search.reproduce.figures.places import MOST_POINTS

if TYPE_CHECKING:
    import pandas as pd

STOPS = 8
_MAXIMA = 5
_STAR = {"symbol": "star", "size": 7, "color": "#8b97a5", "opacity": 0.6}
_NOTE = f"t-SNE of the parameters, one for all strategies; up to {MOST_POINTS} points of a run"


def map_figure(rows: "pd.DataFrame", title: str) -> Any:
    """Rows as `places.map_rows` makes them, of one run of every strategy."""
    from plotly.subplots import make_subplots  # slow to import

    optimizers = [name for name in NAMES if (rows.optimizer == name).any()]
    figure = make_subplots(
        rows=1, cols=len(optimizers), subplot_titles=[NAMES[name] for name in optimizers]
    )
    last = int(rows.trial.max()) + 1
    stops = [last * (number + 1) // STOPS for number in range(STOPS)]
    for column, optimizer in enumerate(optimizers, 1):
        for trace in _traces(rows, optimizer, last, has_legend=column == 1):
            figure.add_trace(trace, row=1, col=column)
    steps = []
    for stop in stops:
        shown = [t for name in optimizers for t in _traces(rows, name, stop, has_legend=False)]
        data = {key: [_data(trace)[key] for trace in shown] for key in ("x", "y", "text")}
        data["marker.size"] = [trace.marker.size for trace in shown]
        steps.append({"label": f"{stop:,}", "method": "restyle", "args": [data]})
    slider = {"steps": steps, "active": STOPS - 1, "currentvalue": {"prefix": "trials: "}}
    hidden = {"showticklabels": False, "showgrid": False, "zeroline": False}
    low, high = (rows[["x", "y"]].agg(each) for each in ("min", "max"))
    for update, name in ((figure.update_xaxes, "x"), (figure.update_yaxes, "y")):
        room = 0.05 * (high[name] - low[name])
        update(range=[low[name] - room, high[name] + room], **hidden)
    laid_out(figure, f"{title}<br><sub>{_NOTE}</sub>", 560)
    legend = {"x": 1, "xanchor": "right", "y": 0.98, "yanchor": "top", "yref": "container"}
    figure.update_layout(sliders=[slider], legend=legend | {"itemsizing": "constant"})
    return figure


def _data(trace: Any) -> dict[str, Any]:
    return {"x": list(trace.x), "y": list(trace.y), "text": list(trace.text)}


def _traces(rows: "pd.DataFrame", optimizer: str, stop: int, *, has_legend: bool) -> list[Any]:
    """Infeasible, feasible, and best points of the first trials."""
    log = rows[(rows.optimizer == optimizer) & (rows.trial < stop)]
    rewards = rows.reward[rows.feasible]
    least, most = (rewards.min(), rewards.max()) if len(rewards) else (0.0, 0.0)
    feasible = log[log.feasible]
    best = feasible.nlargest(_MAXIMA, "reward")
    circles = {
        "size": [
            round(4 + 8 * float((reward - least) / (most - least or 1.0)), 1)
            for reward in feasible.reward
        ],
        "color": colour(optimizer),
        "opacity": 0.55,
        "line": {"width": 0.5, "color": "white"},
    }
    cross = {"symbol": "x-thin", "size": 14, "line": {"color": "#c0504d", "width": 2.5}}
    kinds = (
        (log[~log.feasible], "infeasible", _STAR),
        (feasible, "feasible, by reward", circles),
        (best, "maxima", cross),
    )
    return [_points(part, name, marker, has_legend) for part, name, marker in kinds]


def _points(rows: "pd.DataFrame", name: str, marker: dict[str, Any], has_legend: bool) -> Any:
    from plotly.graph_objects import Scatter

    texts = [
        f"trial {row.trial}: " + (f"reward {row.reward:.4f}" if row.feasible else f"{row.resource}")
        for row in rows.itertuples()
    ]
    return Scatter(
        x=rows.x.tolist(),
        y=rows.y.tolist(),
        mode="markers",
        name=name,
        legendgroup=name,
        showlegend=has_legend,
        marker=marker,
        text=texts,
        hovertemplate="%{text}<extra></extra>",
    )

"""Speed-up by sparsity: a curve a network, a panel a design."""

from collections.abc import Mapping, Sequence
from typing import Any

_COLOURS = ("#1f4e79", "#c0504d", "#4f9d69", "#8064a2", "#b8860b", "#7f7f7f")


def speedup_figure(records: Sequence[Mapping[str, Any]], title: str) -> Any:
    """A plotly figure of rows with `network`, `design`, `sparsity` and `speedup`.

    `bound_speedup` is drawn dotted: that of the layers that compute binds.
    """
    from plotly.graph_objects import Scatter  # slow to import
    from plotly.subplots import make_subplots

    designs = list(dict.fromkeys(record["design"] for record in records))
    networks = list(dict.fromkeys(record["network"] for record in records))
    figure = make_subplots(rows=1, cols=len(designs), subplot_titles=designs, shared_yaxes=True)
    for column, design in enumerate(designs, 1):
        for network, colour in zip(networks, _colours(len(networks)), strict=True):
            rows = [r for r in records if (r["design"], r["network"]) == (design, network)]
            for field, dash, name in (
                ("speedup", "solid", network),
                ("bound_speedup", "dot", f"{network}: 1x1, bound by compute"),
            ):
                trace = Scatter(
                    x=[100 * row["sparsity"] for row in rows],
                    y=[row[field] for row in rows],
                    mode="lines+markers",
                    name=name,
                    legendgroup=name,
                    showlegend=column == 1,
                    line={"color": colour, "dash": dash},
                    marker={"size": 4},
                    hovertemplate=f"{name}<br>%{{x:.0f}} % zeros: %{{y:.2f}}x<extra></extra>",
                )
                figure.add_trace(trace, row=1, col=column)
        figure.add_hline(y=1, line={"color": "#7f7f7f", "width": 1}, row=1, col=column)
    figure.update_layout(
        title={"text": title, "x": 0.02},
        template="plotly_white",
        font={"family": "Helvetica, Arial, sans-serif", "size": 13},
        height=620,
        legend={"orientation": "h", "y": -0.15},
    )
    figure.update_xaxes(title_text="zeros in the pruned layers, %")
    figure.update_yaxes(title_text="speed-up over dense", type="log", dtick="D2", row=1, col=1)
    return figure


def _colours(count: int) -> list[str]:
    return [_COLOURS[number % len(_COLOURS)] for number in range(count)]

"""The course of a search: reward of each trial, best so far, infeasible trials by cause."""

from collections import Counter
from collections.abc import Sequence
from html import escape
from itertools import accumulate
from pathlib import Path
from typing import Any

from apollo.search.report.files import whole_file
from apollo.search.report.theme import BEST, CAUSES, FEASIBLE, FONT, MARKERS
from apollo.search.trial import Trial, best_of

_LEAST_HEIGHT, _LEAST_WIDTH = 480, 760  # of a page, in pixels
# Without the first line a phone draws a page as if it were 980 pixels wide.
_HEAD = """<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>html, body {{ margin: 0; height: 100% }}
body > div {{ height: 100%; min-height: {height}px; min-width: {width}px }}</style>"""


def convergence_figure(trials: Sequence[Trial], title: str) -> Any:
    """A plotly figure of the trials of a study.

    Above: the reward of every feasible trial and the best so far. Below: a strip with one lane a
    cause of infeasibility ("area", "core_memory", ...), the most frequent on top.
    """
    from plotly.subplots import make_subplots  # slow to import

    causes = Counter(trial.resource for trial in trials if trial.resource).most_common()
    strip = min(0.35, 0.07 * max(1, len(causes)))
    figure = make_subplots(
        rows=2, cols=1, shared_xaxes=True, row_heights=[1 - strip, strip], vertical_spacing=0.03
    )
    for trace in (_feasible_trace(trials), _best_trace(trials), _star_trace(trials)):
        figure.add_trace(trace, row=1, col=1)
    for position, (cause, count) in enumerate(causes):
        figure.add_trace(_cause_trace(trials, cause, count, position), row=2, col=1)
    share = sum(trial.feasible for trial in trials) / max(1, len(trials))
    figure.update_layout(
        title={"text": f"{title}<br><sup>{_subtitle(trials, share)}</sup>", "x": 0.02},
        template="plotly_white",
        font=FONT,
        hovermode="closest",
        height=620,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right"},
        margin={"l": 70, "r": 24, "t": 96, "b": 56},
    )
    figure.update_xaxes(title_text="trial", rangemode="nonnegative", row=2, col=1)
    figure.update_yaxes(title_text="reward", rangemode="tozero", row=1, col=1)
    figure.update_yaxes(
        autorange="reversed", showgrid=False, zeroline=False, ticklabelstandoff=6, row=2, col=1
    )
    return figure


def write_html(figure: Any, path: str | Path) -> None:
    """Write a figure as a page that needs no network: plotly.min.js is written once beside it.

    Raises `ValueError`, one sentence, when a file cannot be written.
    """
    from plotly.offline import get_plotlyjs

    script = Path(path).with_name("plotly.min.js")
    if not script.exists():
        with whole_file(script) as part:
            part.write_text(get_plotlyjs(), encoding="utf-8")
    with whole_file(path) as part:
        part.write_text(_page(figure), encoding="utf-8")


def _page(figure: Any) -> str:
    """It fills the window, but for its own height at least; a narrow window scrolls."""
    from plotly.graph_objects import Figure

    page, title = Figure(figure), figure.layout.title.text or ""
    page.update_layout(height=None)
    text: str = page.to_html(
        include_plotlyjs="directory", default_height="100%", config={"responsive": True}
    )
    least = figure.layout.height or _LEAST_HEIGHT
    head = _HEAD.format(title=escape(title.partition("<br>")[0]), height=least, width=_LEAST_WIDTH)
    return text.replace("<head>", f"<head>{head}", 1)


def _feasible_trace(trials: Sequence[Trial]) -> Any:
    from plotly.graph_objects import Scatter

    feasible = [trial for trial in trials if trial.feasible]
    return Scatter(
        x=[trial.number for trial in feasible],
        y=[trial.reward for trial in feasible],
        mode="markers",
        name="feasible trial",
        marker={"color": FEASIBLE, "size": 6, "opacity": 0.65},
        text=[_hover(trial) for trial in feasible],
        hovertemplate="%{text}<extra></extra>",
    )


def _best_trace(trials: Sequence[Trial]) -> Any:
    from plotly.graph_objects import Scatter

    best = list(accumulate((trial.reward for trial in trials), max))
    return Scatter(
        x=[trial.number for trial in trials],
        y=[reward or None for reward in best],  # no line before the first feasible trial
        mode="lines",
        name="best so far",
        line={"color": BEST, "width": 2.5, "shape": "hv"},
        hovertemplate="best after trial %{x}: %{y:.4f}<extra></extra>",
    )


def _star_trace(trials: Sequence[Trial]) -> Any:
    from plotly.graph_objects import Scatter

    best = best_of(trials)
    return Scatter(
        x=[trial.number for trial in best],
        y=[trial.reward for trial in best],
        mode="markers+text",
        name="best",
        showlegend=False,
        marker={"symbol": "star", "size": 14, "color": BEST, "line": {"color": "white"}},
        text=[f"{trial.reward:.3f}" for trial in best],
        textposition="top center",
        customdata=[_hover(trial) for trial in best],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _cause_trace(trials: Sequence[Trial], cause: str, count: int, position: int) -> Any:
    from plotly.graph_objects import Scatter

    rejected = [trial for trial in trials if trial.resource == cause]
    lane = cause.replace("_", " ")
    return Scatter(
        x=[trial.number for trial in rejected],
        y=[lane] * len(rejected),
        mode="markers",
        name=f"{lane}: {count:,} infeasible",
        marker={
            "symbol": MARKERS[position % len(MARKERS)],
            "color": CAUSES[position % len(CAUSES)],
            "size": 6,
            "opacity": 0.6,
        },
        text=[f"trial {trial.number}<br>{trial.reason}" for trial in rejected],
        hovertemplate="%{text}<extra></extra>",
    )


def _hover(trial: Trial) -> str:
    design = "".join(f"<br>{name} {value:,}" for name, value in trial.parameters.items())
    return f"trial {trial.number}, reward {trial.reward:.4f}{design}"


def _subtitle(trials: Sequence[Trial], share: float) -> str:
    best = next(iter(best_of(trials)), None)
    found = "nothing feasible" if best is None else f"best {best.reward:.4f} at trial {best.number}"
    return f"{len(trials):,} trials, {100 * share:.1f} % feasible, {found}"

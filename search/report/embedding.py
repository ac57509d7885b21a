"""A map of the explored points: t-SNE of their parameters (van der Maaten and Hinton, 2008).

Points that are near to each other on the map have similar parameters; distances between groups
mean little. As in the published exploration, feasible points are sized by their reward,
infeasible ones starred and the maxima crossed.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from apollo.search.report.features import Floats, features_of
from apollo.search.report.sample import spread
from apollo.search.report.theme import CAUSES, MUTED, SCALE, Figure, figure_of
from apollo.search.trial import Trial, best_of

MOST_POINTS = 2000  # takes seconds
LEAST_POINTS = 8
_MAXIMA = 5
Mask = npt.NDArray[np.bool_]
_PERPLEXITY = 30
_STEPS = 500


def sampled_points(trials: Sequence[Trial], most: int = MOST_POINTS) -> list[Trial]:
    """The different points, the maxima among them; of too many, feasible and infeasible ones alike.

    In the order of the search.
    """
    first = {trial.index: trial for trial in reversed(trials)}
    points = sorted(first.values(), key=lambda trial: trial.number)
    if len(points) <= most:
        return points
    best = {trial.index for trial in best_of(points, _MAXIMA)}
    feasible = [trial for trial in points if trial.feasible and trial.index not in best]
    others = [trial for trial in points if not trial.feasible]
    left = most - len(best)
    kept = max(left // 2, left - len(feasible))
    shown = spread(others, kept)
    shown += spread(feasible, left - len(shown))
    shown += [trial for trial in points if trial.index in best]
    return sorted(shown, key=lambda trial: trial.number)


def embed(trials: Sequence[Trial]) -> Floats | None:
    """Places [N, 2] of points on a map; None where they are too few or do not differ."""
    names, features = features_of(trials)
    return None if len(trials) < LEAST_POINTS or not names else placed(features)


def placed(features: Floats) -> Floats:
    """Places [N, 2] of points with `D` features [N, D] that differ, the same for the same."""
    from sklearn.manifold import TSNE  # slow to import
    from threadpoolctl import threadpool_limits

    points, dimensions = features.shape
    perplexity = min(_PERPLEXITY, (points - 1) / 3)
    start = "pca" if dimensions > 1 else "random"
    model = TSNE(perplexity=perplexity, max_iter=_STEPS, init=start, random_state=0)
    with threadpool_limits(1):  # on a busy machine its threads would wait for each other
        places: Floats = model.fit_transform(features).astype(np.float64).round(3)
    return places


def map_figure(trials: Sequence[Trial], places: Floats) -> Figure:
    """The map of points of one study, of which the places may be of a map of several."""
    is_feasible = np.array([trial.feasible for trial in trials])
    best = {trial.index for trial in best_of(trials, _MAXIMA)}
    is_best = np.array([trial.index in best for trial in trials])
    traces = [
        _points(trials, places, ~is_feasible, "infeasible", _STAR),
        _points(trials, places, is_feasible, "feasible, by reward", _circles(trials, is_feasible)),
        _points(trials, places, is_best, f"the best {len(best)}", _CROSS),
    ]
    hidden = {"showticklabels": False, "showgrid": False, "zeroline": False}
    shown = [trace for trace in traces if trace["x"]]
    return figure_of(shown, "", "", 560, xaxis=hidden, yaxis=hidden)


_STAR = {"symbol": "star", "size": 6, "color": MUTED, "opacity": 0.4}
_CROSS = {"symbol": "x-thin", "size": 16, "line": {"color": CAUSES[0], "width": 3}}


def _circles(trials: Sequence[Trial], mask: Mask) -> dict[str, Any]:
    rewards = [trial.reward for trial, kept in zip(trials, mask, strict=True) if kept]
    most = max(rewards, default=1.0) or 1.0
    return {
        "size": [round(4 + 12 * (reward / most) ** 2, 2) for reward in rewards],
        "color": rewards,
        "colorscale": SCALE,
        "opacity": 0.85,
        "line": {"width": 0.5, "color": "#ffffff"},
    }


def _points(
    trials: Sequence[Trial], places: Floats, mask: Mask, name: str, marker: dict[str, Any]
) -> dict[str, Any]:
    shown = [trial for trial, kept in zip(trials, mask, strict=True) if kept]
    return {
        **{"type": "scatter", "mode": "markers", "name": name, "marker": marker},
        "x": places[mask, 0].tolist(),
        "y": places[mask, 1].tolist(),
        "text": [_hover(trial) for trial in shown],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _hover(trial: Trial) -> str:
    return f"trial {trial.number}: " + (
        f"reward {trial.reward:.4f}" if trial.feasible else f"{trial.resource}"
    )

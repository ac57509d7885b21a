"""Figures of the reproduction: what was explored is drawn, in one embedding."""

import numpy as np
import pandas as pd
import pytest

from apollo.arch.space import SPACE
from apollo.search.reproduce.figures.course import BEST, course_figure
from apollo.search.reproduce.figures.diversity import diversity_figure
from apollo.search.reproduce.figures.maps import STOPS, map_figure
from apollo.search.reproduce.figures.places import map_rows, sampled
from apollo.search.reproduce.figures.violins import violin_figure


def log(seed: int, trials: int = 60) -> pd.DataFrame:
    """Trials of 40 points, half of them infeasible."""
    points = np.random.default_rng(seed).integers(40, size=trials) * 1_000_003
    feasible = points % 2 == 0
    rewards = np.where(feasible, (points % 97) / 97 + 0.1, 0.0)
    resources = np.where(feasible, None, "area")
    columns = {"trial": range(trials), "point": points, "feasible": feasible}
    return pd.DataFrame({**columns, "reward": rewards, "resource": resources})


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return map_rows({"random": log(0), "evolutionary": log(1)}, SPACE)


def test_a_point_has_one_place_on_all_maps(rows: pd.DataFrame) -> None:
    assert len(rows.drop_duplicates(["point", "x", "y"])) == rows.point.nunique()
    first, second = (set(rows.point[rows.optimizer == n]) for n in ("random", "evolutionary"))
    assert first & second


def test_the_best_and_both_kinds_are_sampled() -> None:
    whole = log(2, 400)
    kept = sampled(whole, 20)
    assert len(kept) == 20
    assert kept.trial.is_monotonic_increasing
    assert kept.reward.max() == whole.reward.max()
    assert 5 <= (~kept.feasible).sum() <= 10


def test_maps_star_infeasible_size_feasible_and_cross_maxima(rows: pd.DataFrame) -> None:
    figure = map_figure(rows, "points")
    assert len(figure.data) == 6
    stars, circles, crosses = figure.data[:3]
    of_random = rows[rows.optimizer == "random"]
    assert stars.marker.symbol == "star"
    assert len(stars.x) == (~of_random.feasible).sum()
    assert len(circles.x) == of_random.feasible.sum()
    by_reward = sorted(zip(of_random.reward[of_random.feasible], circles.marker.size, strict=True))
    assert [size for _, size in by_reward] == sorted(circles.marker.size)
    assert crosses.marker.symbol == "x-thin"
    assert len(crosses.x) == 5


def test_the_slider_shows_the_first_trials(rows: pd.DataFrame) -> None:
    steps = map_figure(rows, "points").layout.sliders[0].steps
    assert len(steps) == STOPS
    shown = [sum(map(len, step.args[0]["x"])) for step in steps]
    assert shown == sorted(shown)
    assert shown[0] < shown[-1]


def summary() -> pd.DataFrame:
    rows = [
        {"networks": "single", "objective": "speedup", "budget_mm2": budget, "source": None}
        | {"optimizer": optimizer, "seed": seed, "reward": 1 + seed / 10, "maxima": seed}
        | {"optimum": 1.5}
        for budget in (4.8, 6.8)
        for optimizer in ("random", "adaptive_p3bo")
        for seed in range(3)
    ]
    return pd.DataFrame(rows)


def test_violins_have_a_panel_a_budget_and_every_run() -> None:
    figure = violin_figure(summary(), "single", "speedup")
    assert [each.text for each in figure.layout.annotations] == ["6.8 mm²", "4.8 mm²"]
    assert len(figure.data) == 4
    assert all(list(trace.y) == [1.0, 1.1, 1.2] for trace in figure.data)
    assert {shape.y0 for shape in figure.layout.shapes} == {1.5}


def test_diversity_has_every_run() -> None:
    figure = diversity_figure(summary(), "single", "speedup")
    assert [list(trace.y) for trace in figure.data] == [[0, 1, 2, 0, 1, 2]] * 2


def test_the_course_has_a_line_in_its_band() -> None:
    task = {"networks": "single", "objective": "speedup", "budget_mm2": 6.8, "source": None}
    rows = [
        {
            **task,
            "optimizer": "random",
            "trial": t,
            "best_25": t,
            "best_50": t + 1,
            "best_75": t + 2,
        }
        for t in (10, 20)
    ]
    band, line = course_figure(pd.DataFrame(rows), "single", "speedup", BEST).data
    assert list(line.y) == [11, 21]
    assert list(band.y) == [12, 22, 20, 10]

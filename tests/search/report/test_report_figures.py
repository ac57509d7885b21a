"""Figures of a whole study beside its trials; each is one that plotly knows."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import plotly.graph_objects
import pytest

from apollo.search.report.causes import causes_figure, causes_table, levers_table
from apollo.search.report.course import course_figure, improvements
from apollo.search.report.embedding import embed, map_figure, sampled_points
from apollo.search.report.features import features_of
from apollo.search.report.front import Quantity, front_figure, front_trials, quantities
from apollo.search.report.importance import (
    importance_figure,
    importance_of_feasibility,
    importance_of_reward,
)
from apollo.search.report.parallel import parallel_figure, short
from apollo.search.report.sample import spread
from apollo.search.report.source import Source
from apollo.search.report.theme import Figure
from apollo.search.store.detail import DesignRow, LeversRow
from apollo.search.trial import Outcome, Trial
from tests.stored import row, trials

Log = Sequence[Trial]
LOG = trials(60)


def checked(figure: Figure) -> dict[str, Any]:
    """The traces of a figure by name, after plotly has looked at all of it."""
    plotly.graph_objects.Figure(figure)
    return {trace.get("name", ""): trace for trace in figure["data"]}


def source(log: Log, name: str = "s", designs: Sequence[DesignRow] = ()) -> Source:
    return Source(row(name), log, designs)


def test_a_spread_is_even_and_has_both_ends() -> None:
    assert spread(range(10), 4) == [0, 3, 6, 9]
    assert spread(range(3), 4) == [0, 1, 2]
    assert spread(range(3), 1) == [0]


def test_the_front_is_what_no_other_beats_in_both() -> None:
    x, y = Quantity("area_mm2", is_least=True), Quantity("speedup")
    feasible = [trial for trial in LOG if trial.feasible]
    front = front_trials(feasible, x, y)
    for before, after in pairwise(front):
        assert before.metrics["area_mm2"] < after.metrics["area_mm2"]
        assert before.metrics["speedup"] < after.metrics["speedup"]
    for trial in feasible:
        assert any(
            each.metrics["area_mm2"] <= trial.metrics["area_mm2"]
            and each.metrics["speedup"] >= trial.metrics["speedup"]
            for each in front
        )
    kept = checked(front_figure([source(LOG)], x, y))
    assert kept["front"]["x"] == [trial.metrics["area_mm2"] for trial in front]
    assert len(kept["feasible"]["x"]) == len(feasible)


def test_presets_are_marked_where_they_have_the_metrics(run: Any) -> None:
    metrics = {"area_mm2": 3.0, "speedup": 0.7}
    known = DesignRow("edge", None, {}, {}, 0.0, "area", "Too large.", metrics)
    unknown = DesignRow("other", None, {}, {}, 0.0, "area", "Too large.", {"area_mm2": 9.0})
    (pair,) = quantities([source(LOG)])
    marks = checked(front_figure([source(LOG, designs=[known, unknown])], *pair))["preset"]
    assert (marks["text"], marks["x"], marks["y"]) == (["edge"], [3.0], [0.7])


def test_several_objectives_are_compared_in_pairs() -> None:
    goals = ["speedup", "area^2*energy", "area"]
    log = [
        Trial(n, n, Outcome(True, 1.0, {"speedup": n + 1.0}, objectives=(n + 1.0, 5.0 - n, 1.0)))
        for n in range(4)
    ]
    pairs = quantities([Source(row("s", objectives=goals), log)])
    assert [(x.name, y.name) for x, y in pairs] == [
        ("speedup", "area^2*energy"),
        ("speedup", "area"),
        ("area^2*energy", "area"),
    ]
    assert [trial.number for trial in front_trials(log, *pairs[0])] == [0, 1, 2, 3]
    assert [trial.number for trial in front_trials(log, *pairs[1])] == [3]


def test_trials_without_area_and_speedup_have_no_front() -> None:
    assert quantities([source([Trial(0, 0, Outcome(True, 1.0, {"cost": 3.0}))])]) == []
    assert quantities([source([])]) == []


def test_the_course_is_a_line_a_study_to_its_last_trial(log: Log) -> None:
    other = log[:100]
    lines = checked(course_figure([source(log, "a"), source(other, "b")]))
    for name, mine in (("a", log), ("b", other)):
        line = lines[f"{name}: best so far"]
        assert line["y"] == sorted(line["y"])
        assert line["y"][-1] == max(trial.reward for trial in mine)
        assert line["x"][-1] == mine[-1].number
    assert len(checked(course_figure([source(log)]))["feasible trial"]["x"]) > 0


def test_improvements_are_the_best_so_far() -> None:
    best = improvements(LOG)
    seen = [max(t.reward for t in LOG[: number + 1]) for number in range(len(LOG))]
    assert [t.reward for t in best] == sorted({reward for reward in seen if reward})


def test_a_line_goes_through_the_values_of_its_design(log: Log) -> None:
    figure = parallel_figure(log)
    checked(figure)
    (trace,) = figure["data"]
    *axes, reward = trace["dimensions"]
    best = int(np.argmax(reward["values"]))
    trial = max(log, key=lambda trial: trial.reward)
    assert best == len(reward["values"]) - 1  # drawn last
    for axis, value in zip(axes, trial.parameters.values(), strict=True):
        place = axis["tickvals"].index(axis["values"][best])
        assert axis["ticktext"][place] == short(value)


def test_counts_are_written_short() -> None:
    assert [short(n) for n in (12, 1000, 1024, 65536, 1 << 21, 0)] == [
        *("12", "1,000", "1Ki", "64Ki", "2Mi", "0"),
    ]


def _of(parameters: dict[str, int], reward: float) -> Outcome:
    if parameters["b"] > 6:
        return Outcome(False, 0.0, {}, "area", "Too large.")
    return Outcome(True, reward)


def test_the_parameter_that_decides_matters_most() -> None:
    generator = np.random.default_rng(1)
    log = []
    for number in range(300):
        parameters = {name: int(generator.integers(1, 9)) for name in ("a", "b", "c")}
        log.append(Trial(number, number, _of(parameters, float(parameters["a"])), parameters))
    reward, feasible = importance_of_reward(log), importance_of_feasibility(log)
    assert reward is not None
    assert feasible is not None
    assert reward.names[int(np.argmax(reward.losses))] == "a"
    assert feasible.names[int(np.argmax(feasible.losses))] == "b"
    assert min(reward.score, feasible.score) > 0.9
    bars = checked(importance_figure(reward, feasible))
    assert next(iter(bars.values()))["y"][-1] == "a"


def test_few_or_equal_trials_say_nothing_of_parameters(log: Log) -> None:
    assert importance_of_reward(LOG[:10]) is None
    assert importance_of_feasibility([trial for trial in log if trial.feasible]) is None
    assert importance_of_reward([]) is None


def test_every_trial_is_in_a_window_of_the_causes(log: Log) -> None:
    bars = checked(causes_figure(log))
    counts = {name: [int(t.split()[0]) for t in bar["customdata"]] for name, bar in bars.items()}
    assert {name: sum(each) for name, each in counts.items()} == {
        "feasible": sum(trial.feasible for trial in log),
        "area": sum(trial.resource == "area" for trial in log),
        "core memory": sum(trial.resource == "core_memory" for trial in log),
    }
    shares = np.sum([bar["y"] for bar in bars.values()], axis=0)
    assert shares == pytest.approx(100)


def test_causes_and_levers_are_tables(log: Log, levers: list[LeversRow]) -> None:
    table = causes_table(log, "causes")
    assert sum(int(row[1] or 0) for row in table.rows) == sum(not t.feasible for t in log)
    assert levers_table(levers, "levers").rows == [
        ("area", "less PE memory", 3, 8, 2, "trial 7: 4,096 → 1,024"),
        (
            *("area", "less PE memory and more lanes", 1, 8, 3),
            "trial 9: 4,096 → 1,024 and 8 → 16",
        ),
    ]


def test_features_are_the_parameters_that_vary() -> None:
    log = [
        Trial(0, 0, Outcome(True, 1.0), {"a": 1, "b": 5}),
        Trial(1, 1, Outcome(True, 1.0), {"a": 64, "b": 5}),
        Trial(2, 2, Outcome(True, 1.0), {"a": 8, "b": 5}),
    ]
    names, features = features_of(log)
    assert names == ["a"]
    assert features.tolist() == [[0.0], [1.0], [0.5]]


@pytest.mark.parametrize("most", [20, 60, 200])
def test_a_sample_has_the_best_and_no_point_twice(log: Log, most: int) -> None:
    points = sampled_points(log, most)
    different = {trial.index for trial in log}
    assert len(points) == len({trial.index for trial in points}) == min(most, len(different))
    assert max(points, key=lambda t: t.reward).index == max(log, key=lambda t: t.reward).index
    assert {trial.feasible for trial in points} == {True, False}


def test_points_of_similar_parameters_are_near_on_the_map(log: Log) -> None:
    points = sampled_points(log, 150)
    places = embed(points)
    assert places is not None
    _, features = features_of(points)
    apart = np.linalg.norm(features[:, None] - features, axis=2)
    on_map = np.linalg.norm(places[:, None] - places, axis=2)
    nearest = np.argsort(apart, axis=1)[:, 1]
    near = on_map[np.arange(len(points)), nearest]
    assert np.median(near) < np.median(on_map) / 4
    marks = checked(map_figure(points, places))
    assert len(marks["infeasible"]["x"]) == sum(not trial.feasible for trial in points)
    assert len(marks["feasible, by reward"]["x"]) == sum(trial.feasible for trial in points)
    assert len(marks["the best 5"]["x"]) == 5


def test_too_few_points_have_no_map() -> None:
    assert embed([]) is None
    assert embed(LOG[:3]) is None
    assert embed([Trial(n, n, Outcome(True, 1.0), {"a": 1}) for n in range(20)]) is None

"""The front of a study against a comparison of every pair of its trials."""

import re

import pytest

from apollo.search.fronts import front_of_study
from tests.stored import put, row, trials


def undominated(values: dict[int, tuple[float, ...]]) -> set[int]:
    return {
        point
        for point, mine in values.items()
        if not any(
            other != mine and all(a >= b for a, b in zip(other, mine, strict=True))
            for other in values.values()
        )
    }


@pytest.fixture
def log(store):
    found = trials(80)
    put(store, row("s"), found)
    return [trial for trial in found if trial.feasible]


def test_one_objective_is_held_against_the_area(store, log):
    front = front_of_study(store, "s")
    wanted = undominated({t.index: (t.metrics["speedup"], -t.metrics["area_mm2"]) for t in log})
    assert {trial.index for trial in front.trials} == wanted
    assert len(front.trials) == len(wanted) > 1
    assert front.names == ("speedup", "least area_mm2")
    speedups = [trial.objectives[0] for trial in front.trials]
    assert speedups == sorted(speedups, reverse=True)
    assert [trial.objectives[1] for trial in front.trials] == [
        trial.metrics["area_mm2"] for trial in front.trials
    ]


def test_metrics_of_choice(store, log):
    front = front_of_study(store, "s", least=["net.latency_ms"])
    assert len(front.trials) == 1
    assert front.trials[0].objectives == (min(t.metrics["net.latency_ms"] for t in log),)


def test_several_objectives_are_those_of_the_study(store):
    log = trials(80, goals=2)
    put(store, row("s", objectives=["speedup", "area"]), log)
    front = front_of_study(store, "s")
    wanted = undominated({trial.index: trial.objectives for trial in log if trial.feasible})
    assert {trial.index for trial in front.trials} == wanted
    assert front.names == ("speedup", "area")
    assert all(trial.parameters for trial in front.trials)


def test_an_unknown_metric_is_refused(store, log):
    sentence = (
        "There is no metric 'speedups' in this study (known: area_mm2, speedup, net.latency_ms). "
        "Did you mean 'speedup'?"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        front_of_study(store, "s", most=["speedups"])


def test_nothing_feasible_has_no_front(store):
    put(store, row("s"), [trial for trial in trials(30) if not trial.feasible])
    assert front_of_study(store, "s").trials == ()

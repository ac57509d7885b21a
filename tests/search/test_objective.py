import math
import re
from decimal import Decimal

import pytest

from apollo.search.constraint import Constraint
from apollo.search.goals import GOALS, Goal
from apollo.search.objective import Mean, Objective, geometric_mean, parse_weights
from apollo.search.trial import Evaluation

BUDGET = Constraint.of("area_mm2 <= 6.8")
BASE = {"a": {"throughput_per_s": 100.0}, "b": {"throughput_per_s": 10.0}}
OBJECTIVE = Objective("edge_tpu_v3", 4.0, BASE, constraints=(BUDGET,))
BAD = Evaluation(False, {"demand_bytes": 9.0}, "core_memory", "A tile needs 9 bytes.")
FULL = {"throughput_per_s": 100.0, "latency_ms": 20.0, "energy_uj": 50.0, "power_w": 2.0}


def found(throughput: float) -> Evaluation:
    return Evaluation(True, {"throughput_per_s": throughput})


def reward(goal: str, metrics: dict[str, float], area_mm2: float = 4.0) -> float:
    objective = Objective("base", 4.0, {"a": FULL}, (Goal.of(goal),))
    return objective.outcome(area_mm2, {"a": Evaluation(True, FULL | metrics)}).reward


def test_the_baseline_has_reward_1():
    outcome = OBJECTIVE.outcome(4.0, {"a": found(100.0), "b": found(10.0)})
    assert (outcome.feasible, outcome.reward, outcome.metrics["speedup"]) == (True, 1.0, 1.0)
    assert all(reward(goal, {}) == 1.0 for goal in GOALS)


def test_reward_is_the_geometric_mean_of_relative_throughput_per_area():
    outcome = OBJECTIVE.outcome(2.0, {"a": found(400.0), "b": found(10.0)})
    by_hand = math.sqrt((400 / 2) / (100 / 4) * (10 / 2) / (10 / 4))
    assert outcome.reward == pytest.approx(by_hand, rel=1e-15) == 4.0
    assert outcome.metrics == {
        "area_mm2": 2.0,
        "a.throughput_per_s": 400.0,
        "b.throughput_per_s": 10.0,
        "speedup": 2.0,
        "throughput_per_area": 4.0,
    }


@pytest.mark.parametrize(
    ("goal", "metrics", "area_mm2", "ratio"),
    [
        ("speedup", {"throughput_per_s": 300.0}, 8.0, 3.0),
        ("throughput_per_area", {"throughput_per_s": 300.0}, 8.0, 1.5),
        ("latency", {"latency_ms": 5.0}, 4.0, 4.0),
        ("energy", {"energy_uj": 100.0}, 4.0, 0.5),
        # A following inference takes one over the throughput: 10 ms and 50 uJ become 5 and 25.
        ("energy_delay", {"energy_uj": 25.0, "throughput_per_s": 200.0}, 4.0, 4.0),
        ("tops_per_w", {"throughput_per_s": 200.0, "power_w": 1.0}, 4.0, 4.0),
        ("area", {}, 2.0, 2.0),
        ("speedup^3*area", {"throughput_per_s": 200.0}, 64.0, 2 ** (3 / 4) * 2 ** (-4 / 4)),
    ],
)
def test_goals_are_ratios_to_the_baseline(goal, metrics, area_mm2, ratio):
    assert reward(goal, metrics, area_mm2) == pytest.approx(ratio, rel=1e-14)


def test_several_objectives_are_kept_and_their_geometric_mean_is_the_reward():
    goals = (Goal.of("speedup"), Goal.of("area"))
    objective = Objective("base", 4.0, {"a": FULL}, goals)
    outcome = objective.outcome(1.0, {"a": found(900.0)})
    assert (outcome.objectives, outcome.reward) == ((9.0, 4.0), 6.0)
    single = Objective("base", 4.0, {"a": FULL}, goals[:1]).outcome(1.0, {"a": found(900.0)})
    assert (single.objectives, single.reward) == ((), 9.0)


@pytest.mark.parametrize(
    ("mean", "weights", "value"),
    [
        (Mean.GEOMETRIC, {}, 4.0),
        (Mean.GEOMETRIC, {"a": Decimal(3)}, 2.0 * 2.0**0.5),
        (Mean.ARITHMETIC, {}, 5.0),
        (Mean.ARITHMETIC, {"b": Decimal("0.5")}, 4.0),
        (Mean.LEAST, {}, 2.0),
    ],
)
def test_means_over_networks(mean, weights, value):
    goals = (Goal.of("speedup"),)
    objective = Objective("base", 4.0, BASE, goals, weights=weights, mean=mean)
    outcome = objective.outcome(4.0, {"a": found(200.0), "b": found(80.0)})
    assert outcome.reward == pytest.approx(value, rel=1e-15)


def test_one_infeasible_network_makes_the_design_infeasible():
    outcome = OBJECTIVE.outcome(2.0, {"a": found(400.0), "b": BAD})
    assert (outcome.feasible, outcome.reward, outcome.resource) == (False, 0.0, "core_memory")
    assert outcome.reason == "b: A tile needs 9 bytes."
    assert outcome.metrics["b.demand_bytes"] == 9.0


def test_area_over_the_budget_is_rejected_and_at_the_budget_is_not():
    rejected = OBJECTIVE.rejected({"area_mm2": 6.9})
    assert (rejected.resource, rejected.metrics) == ("area", {"area_mm2": 6.9})
    assert rejected.reason == "The area is 6.90 mm², over the budget of 6.80 mm²."
    assert OBJECTIVE.rejected({"area_mm2": 6.8}) is None
    assert Objective("x", 1.0, BASE).rejected({"area_mm2": 1e9}) is None


def test_a_broken_constraint_of_a_network_is_the_reason_and_the_next_is_not_looked_at():
    constraints = (Constraint.of("a.throughput_per_s >= 150"),)
    objective = Objective("base", 4.0, BASE, constraints=constraints)
    assert objective.allows("a", found(150.0))
    assert objective.allows("b", found(1.0))
    assert not objective.allows("a", found(149.0))
    outcome = objective.outcome(4.0, {"a": found(149.0)})
    assert (outcome.feasible, outcome.resource) == (False, "throughput_per_s")
    assert outcome.reason == "a: throughput_per_s is 149, where it must be at least 150."


def test_geometric_mean_is_exact_where_a_double_is():
    assert geometric_mean([8.0, 1.0, 1.0]) == 2.0
    assert geometric_mean([0.1]) == 0.1
    assert geometric_mean([1e300, 1e300]) == 1e300


def test_weights_are_read_as_written():
    assert parse_weights(["a=2", "b=0.1"], ["a", "b"]) == {"a": Decimal(2), "b": Decimal("0.1")}
    assert str(Goal.of(" speedup ^2 * energy")) == "speedup^2*energy"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Objective("x", 1.0, {}), "An objective must have at least one network."),
        (lambda: Objective("x", 1.0, BASE, ()), "A study must have at least one objective."),
        (
            lambda: Objective("x", 1.0, {"a": {"throughput_per_s": 0.0}}),
            "The throughput_per_s of baseline 'x' on a must be a positive number, not 0.0.",
        ),
        (
            lambda: Objective("x", -1.0, BASE),
            "The area of baseline 'x' must be a positive number, not -1.0.",
        ),
        (
            lambda: Goal.of("sped_up"),
            f"There is no objective 'sped_up' (known: {', '.join(GOALS)}). Did you mean 'speedup'?",
        ),
        (
            lambda: Goal.of("speedup+area"),
            "An objective must be as speedup or speedup^2*energy, not 'speedup+area'.",
        ),
        (lambda: Goal.of("area*area"), "Objective 'area*area' must name area once."),
        (lambda: Goal.of("area^0"), "The weight of objective area must be positive, not 0."),
        (
            lambda: parse_weights(["c=1"], ["a", "b"]),
            "--weight must be NETWORK=WEIGHT with one of a, b, not 'c=1'.",
        ),
        (
            lambda: parse_weights(["a=-1"], ["a"]),
            "The weight in 'a=-1' must be a positive number, not '-1'.",
        ),
    ],
)
def test_wrong_arguments_are_refused_in_a_sentence(make, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        make()

import math
import re

import pytest

from apollo.search.objective import Objective, geometric_mean
from apollo.search.trial import Evaluation

OBJECTIVE = Objective("edge_tpu_v3", 4.0, {"a": 100.0, "b": 10.0}, max_area_mm2=6.8)
BAD = Evaluation(False, {"demand_bytes": 9.0}, "core_memory", "A tile needs 9 bytes.")


def found(throughput: float) -> Evaluation:
    return Evaluation(True, {"throughput_per_s": throughput})


def test_the_baseline_has_reward_1():
    outcome = OBJECTIVE.outcome(4.0, {"a": found(100.0), "b": found(10.0)})
    assert (outcome.feasible, outcome.reward, outcome.metrics["speedup"]) == (True, 1.0, 1.0)


def test_reward_is_the_geometric_mean_of_relative_throughput_per_area():
    outcome = OBJECTIVE.outcome(2.0, {"a": found(400.0), "b": found(10.0)})
    by_hand = math.sqrt((400 / 2) / (100 / 4) * (10 / 2) / (10 / 4))
    assert outcome.reward == pytest.approx(by_hand, rel=1e-15) == 4.0
    assert outcome.metrics == {
        "area_mm2": 2.0,
        "a.throughput_per_s": 400.0,
        "b.throughput_per_s": 10.0,
        "speedup": 2.0,
    }


def test_one_infeasible_network_makes_the_design_infeasible():
    outcome = OBJECTIVE.outcome(2.0, {"a": found(400.0), "b": BAD})
    assert (outcome.feasible, outcome.reward, outcome.resource) == (False, 0.0, "core_memory")
    assert outcome.reason == "b: A tile needs 9 bytes."
    assert outcome.metrics["b.demand_bytes"] == 9.0


def test_area_over_the_budget_is_rejected_and_at_the_budget_is_not():
    rejected = OBJECTIVE.rejected(6.9)
    assert (rejected.resource, rejected.metrics) == ("area", {"area_mm2": 6.9})
    assert rejected.reason == "The area is 6.90 mm², over the budget of 6.80 mm²."
    assert OBJECTIVE.rejected(6.8) is None
    assert Objective("x", 1.0, {"a": 1.0}).rejected(1e9) is None


def test_geometric_mean_is_exact_where_a_double_is():
    assert geometric_mean([8.0, 1.0, 1.0]) == 2.0
    assert geometric_mean([0.1]) == 0.1
    assert geometric_mean([1e300, 1e300]) == 1e300


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Objective("x", 1.0, {}), "An objective must have at least one network."),
        (
            lambda: Objective("x", 1.0, {"a": 0.0}),
            "The throughput of baseline 'x' on a must be a positive number, not 0.0.",
        ),
        (
            lambda: Objective("x", -1.0, {"a": 1.0}),
            "The area of baseline 'x' must be a positive number, not -1.0.",
        ),
        (
            lambda: Objective("x", 1.0, {"a": 1.0}, 0.0),
            "The area budget must be a positive number, not 0.0.",
        ),
    ],
)
def test_wrong_arguments_are_refused_in_a_sentence(make, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        make()

import re

import pytest

from apollo.search.constraint import Constraint, check_constraints, violated
from apollo.search.errors import NothingFeasible
from apollo.search.problem import Problem, with_budget

NAMES = (["a", "net.onnx"], ["area_mm2", "cores"], ["latency_ms", "power_w"])


@pytest.mark.parametrize(
    ("text", "constraint"),
    [
        ("area_mm2 <= 6.8", Constraint("area_mm2", 6.8, True)),
        ("  cores>=2 ", Constraint("cores", 2.0, False)),
        ("net.onnx.latency_ms <= 5e-1", Constraint("latency_ms", 0.5, True, "net.onnx")),
    ],
)
def test_sentences_are_read_and_written(text, constraint):
    assert Constraint.of(text) == constraint
    assert Constraint.of(str(constraint)) == constraint


def test_a_constraint_without_network_holds_for_every_one():
    everywhere, of_a = Constraint.of("latency_ms <= 5"), Constraint.of("a.latency_ms <= 4")
    assert violated([everywhere, of_a], {"latency_ms": 4.5}, "b") is None
    assert violated([everywhere, of_a], {"latency_ms": 4.5}, "a") == (of_a, 4.5)
    assert violated([everywhere], {"latency_ms": 5.5}, "b") == (everywhere, 5.5)
    assert violated([everywhere], {"area_mm2": 5.5}) is None


@pytest.mark.parametrize(
    ("texts", "sentence"),
    [
        (["latency <= 5"], "Constraint 'latency <= 5' names no metric. Did you mean 'latency_ms'?"),
        (
            ["a.cores <= 5"],
            "Constraint 'a.cores <= 5' names no metric.",
        ),
        (
            ["b.latency_ms <= 5"],
            "Constraint 'b.latency_ms <= 5' names no network of the study (a, net.onnx).",
        ),
        (
            ["latency_ms >= 5", "a.latency_ms <= 4"],
            "Constraints 'latency_ms >= 5' and 'a.latency_ms <= 4' contradict each other.",
        ),
    ],
)
def test_unknown_names_and_contradictions_are_refused(texts, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        check_constraints([Constraint.of(text) for text in texts], *NAMES)


def test_bounds_of_different_networks_do_not_contradict():
    texts = ["a.latency_ms >= 5", "net.onnx.latency_ms <= 4", "power_w <= 2"]
    check_constraints([Constraint.of(text) for text in texts], *NAMES)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "area < 5",
            "A constraint must be as 'area_mm2 <= 6.8' or 'mobilenet_v2.latency_ms <= 5', "
            "not 'area < 5'.",
        ),
        (
            "area_mm2 <= small",
            "A constraint must be as 'area_mm2 <= 6.8' or 'mobilenet_v2.latency_ms <= 5', "
            "not 'area_mm2 <= small'.",
        ),
        ("area_mm2 <= -1", "The bound of area_mm2 must be at least 0, not -1.0."),
        ("area_mm2 <= inf", "The bound of area_mm2 must be at least 0, not inf."),
    ],
)
def test_what_is_no_sentence_is_refused(text, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        Constraint.of(text)


def test_a_budget_that_no_design_meets_says_the_smallest():
    sentence = "Constraint 'area_mm2 <= 0.5' leaves no design: the smallest has 0.65 mm²."
    with pytest.raises(NothingFeasible, match=f"^{re.escape(sentence)}$"):
        with_budget(Problem(("a",)), 0.5)
    with pytest.raises(NothingFeasible, match=r"^Constraint 'area_mm2 >= 1e\+30' leaves no design"):
        Problem(("a",), constraints=(Constraint.of("area_mm2 >= 1e30"),))
    assert with_budget(Problem(("a",)), 0.7).max_area_mm2 == 0.7

import pytest

from apollo.search.constraint import Constraint
from apollo.search.evaluate import EvaluatePoint
from apollo.search.objective import Objective
from apollo.search.store import Store
from apollo.search.study import Study, run_study
from apollo.search.trial import Evaluation, EvaluationKey

BUDGET = Constraint("area_mm2", 0.9, is_most=True)
BASE = {name: {"throughput_per_s": 1.0} for name in "ab"}
OBJECTIVE = Objective("base", 1.0, BASE, constraints=(BUDGET,))


class Counted:
    """Measures by arithmetic and records what it was asked."""

    def __init__(self) -> None:
        self.calls = []

    def measure(self, index: int, network: str) -> Evaluation:
        self.calls.append((index, network))
        if network == "a" and index % 3 == 0:
            return Evaluation(False, {}, "core_memory", "A tile needs 9 bytes.")
        return Evaluation(True, {"throughput_per_s": 1.0 + index % 7})

    def point(self, cache: Store) -> EvaluatePoint:
        return EvaluatePoint(
            OBJECTIVE, lambda index: area((1 + index % 10) / 10), self.measure, key, cache
        )


def area(value: float) -> dict[str, float]:
    return {"area_mm2": value}


def key(index: int, network: str) -> EvaluationKey:
    return EvaluationKey(f"design {index}", network, "", "1")


@pytest.fixture
def counted():
    return Counted()


def test_a_design_over_the_budget_is_not_measured(store, counted):
    evaluate = EvaluatePoint(OBJECTIVE, lambda index: area(1.0), counted.measure, key, store)
    assert evaluate(1).resource == "area"
    assert counted.calls == []


def test_the_first_network_that_does_not_fit_ends_the_evaluation(store, counted):
    outcome = counted.point(store)(3)
    assert outcome.reason == "a: A tile needs 9 bytes."
    assert counted.calls == [(3, "a")]
    assert outcome.evaluations == (key(3, "a"),)


def test_an_evaluation_that_is_cached_is_not_run_again(store, counted):
    evaluate = counted.point(store)
    assert evaluate(4) == evaluate(4)
    assert counted.calls == [(4, "a"), (4, "b")]


def test_two_names_of_one_network_are_one_evaluation(store, counted):
    evaluate = EvaluatePoint(
        OBJECTIVE, lambda index: area(0.5), counted.measure, lambda index, _: key(index, "b"), store
    )
    assert evaluate(4).evaluations == (key(4, "b"),)
    result = run_study(store, Study("s", "random", 1, "1"), evaluate, 8)
    assert store.trials("s") == list(result.trials)


def test_a_second_study_runs_only_what_the_first_did_not(store, counted):
    evaluate = counted.point(store)
    first = run_study(store, Study("first", "random", 1, "1"), evaluate, 40)
    calls = len(counted.calls)
    again = run_study(store, Study("second", "random", 1, "1"), evaluate, 40)
    assert [t.reward for t in first.trials] == [t.reward for t in again.trials]
    assert len(counted.calls) == calls > 0

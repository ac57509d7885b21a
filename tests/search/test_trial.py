import re

import pytest

from apollo.search.trial import Evaluation, Outcome, Trial, best_of

BAD = Outcome(False, 0.0, {}, "area", "Too large.")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: Outcome(False, 0.0),
            "An outcome that is infeasible must have a resource and a reason.",
        ),
        (
            lambda: Outcome(True, 1.0, {}, "area", "Too large."),
            "An outcome that is feasible must have no resource and no reason.",
        ),
        (
            lambda: Evaluation(False, {}, "area"),
            "An evaluation that is infeasible must have a resource and a reason.",
        ),
        (
            lambda: Outcome(False, 1.0, {}, "area", "Too large."),
            "The reward of an infeasible point must be 0, not 1.0.",
        ),
        (lambda: Outcome(True, -1.0), "A reward must be a number of at least 0, not -1.0."),
        (lambda: Outcome(True, float("nan")), "A reward must be a number of at least 0, not nan."),
        (
            lambda: Outcome(True, 1.0, {"area_mm2": float("inf")}),
            "Metric area_mm2 must be a finite number, not inf.",
        ),
        (lambda: Trial(-1, 0, BAD), "The number of a trial must be at least 0, not -1."),
        (lambda: Trial(0, -5, BAD), "The index of a trial must be at least 0, not -5."),
    ],
)
def test_wrong_values_are_refused_in_a_sentence(make, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        make()


def test_best_are_feasible_distinct_and_the_earlier_of_equals():
    rewards = [(5, 1.0), (6, 2.0), (7, 2.0), (6, 2.0), (8, 0.5)]
    log = [Trial(k, index, Outcome(True, reward)) for k, (index, reward) in enumerate(rewards)]
    log.append(Trial(5, 9, BAD))
    assert [trial.number for trial in best_of(log, 3)] == [1, 2, 0]
    assert [trial.number for trial in best_of(log)] == [1]
    assert best_of(log[5:]) == []

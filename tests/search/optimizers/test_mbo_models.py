import numpy as np
import pytest

from apollo.arch.area import area_of
from apollo.arch.space import RADICES, SPACE
from apollo.search.optimizers.mbo.ensemble import Candidate, cross_validate, select
from apollo.search.optimizers.mbo.feasibility import Feasibility
from apollo.search.optimizers.mbo.log import Log
from apollo.search.optimizers.mbo.metric import MetricModel
from apollo.search.optimizers.mbo.regressors import FAMILIES, KernelRegressor, Linear, Trees
from apollo.search.trial import Outcome, Trial


def smooth(count: int, seed: int):
    """Points on a grid and a smooth function of them."""
    features = np.random.default_rng(seed).integers(0, 8, size=(count, 4)) / 7
    return features, np.sin(2 * features[:, 0]) + features[:, 1] * features[:, 2]


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_predicts_what_it_did_not_learn(name):
    features, targets = smooth(300, seed=0)
    regressor = FAMILIES[name](np.random.default_rng(1)).fit(features[:200], targets[:200])
    error = np.mean((regressor.predict(features[200:]) - targets[200:]) ** 2)
    assert error < 0.15 * targets.var()


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_is_the_same_function_of_the_same_data(name):
    features, targets = smooth(60, seed=0)
    twice = [
        FAMILIES[name](np.random.default_rng(1)).fit(features, targets).predict(features)
        for _ in range(2)
    ]
    assert (twice[0] == twice[1]).all()


def test_a_tree_of_one_cut_has_the_means_of_both_sides():
    features = np.array([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0], [3.0, 5.0]])
    targets = np.array([1.0, 3.0, 10.0, 12.0])
    tree = Trees(1, 1, 1, 1.0, False, 0.0, 0).fit(features, targets)
    asked = np.array([[0.0, 5.0], [1.4, 9.0], [2.0, 5.0], [9.0, 5.0]])
    assert tree.predict(asked).tolist() == pytest.approx([2.0, 2.0, 11.0, 11.0])


def test_a_leaf_has_no_fewer_points_than_asked():
    features, targets = np.arange(6.0)[:, None], np.array([0.0, 0, 0, 0, 0, 60.0])
    tree = Trees(1, 9, 3, 1.0, False, 0.0, 0).fit(features, targets)
    assert tree.predict(features).tolist() == pytest.approx([0, 0, 0, 20, 20, 20])


def test_boosting_adds_what_is_left():
    features, targets = smooth(200, seed=0)
    errors = [
        np.mean((Trees(n, 3, 1, 1.0, False, 0.2, 0).fit(features, targets).predict(features)
                 - targets) ** 2)
        for n in (1, 10, 100)
    ]  # fmt: skip
    assert errors[0] > 3 * errors[1] > 9 * errors[2]


def test_the_line_finds_the_coefficients_of_a_quadratic():
    features, _ = smooth(100, seed=0)
    targets = 1 + 2 * features[:, 0] - 3 * features[:, 1] * features[:, 2]
    assert Linear(1e-9).fit(features, targets).predict(features) == pytest.approx(targets)


def test_a_kernel_regressor_keeps_its_points_and_knows_what_it_does_not_know():
    features, targets = smooth(50, seed=0)
    regressor = KernelRegressor(2.0, 0.1, 1e-8).fit(features, targets)
    assert regressor.predict(features) == pytest.approx(targets, abs=1e-3)
    assert regressor.variance(features).max() < 1e-3
    assert regressor.variance(features + 100).min() > 0.99
    covariance = regressor.covariance(features + 0.05)
    assert np.diag(covariance) == pytest.approx(regressor.variance(features + 0.05), abs=1e-6)


def test_errors_of_points_left_out_are_those_of_learning_the_others():
    features, targets = smooth(20, seed=0)
    features = features + np.arange(20)[:, None] / 1000  # no point twice
    targets = targets - targets.mean()
    left_out = KernelRegressor(2.0, 0.1, 1e-2).fit(features, targets).left_out()
    for held in range(0, 20, 5):
        others = np.arange(20) != held
        shifted = KernelRegressor(2.0, 0.1, 1e-2)
        shifted.fit(features[others], targets[others])
        error = targets[held] - shifted.predict(features[[held]])[0]
        assert left_out[held] == pytest.approx(error, abs=0.1)


class Constant:
    def fit(self, features, targets):
        return self

    def predict(self, features):
        return np.full(len(features), 7.0)


def test_cross_validation_scores_what_was_not_learned():
    features, targets = smooth(100, seed=0)

    class Remembers:
        """Perfect on what it learned, useless elsewhere."""

        def fit(self, features, targets):
            pairs = zip(features.tolist(), targets, strict=True)
            self.known = {tuple(point): value for point, value in pairs}
            return self

        def predict(self, features):
            return np.array([self.known.get(tuple(point), 99.0) for point in features.tolist()])

    alone = features + np.arange(100)[:, None]  # no point twice
    assert cross_validate(Remembers, alone, targets) < -100
    assert cross_validate(lambda: KernelRegressor(2.0, 0.01, 1e-6), features, targets) > 0.98


def test_bad_regressors_are_dropped():
    features, targets = smooth(100, seed=0)
    makes = {
        "constant": Constant,
        "kernel": lambda: KernelRegressor(2.0, 0.01, 1e-6),
        "shallow": lambda: Trees(1, 1, 1, 1.0, False, 0.0, 0),
    }
    scored = [
        Candidate(n, make, cross_validate(make, features, targets)) for n, make in makes.items()
    ]
    assert [each.name for each in select(scored, members=3, threshold=0.8)] == ["kernel"]
    kept = select(scored, members=3, threshold=0.1)
    assert [each.name for each in kept] == ["kernel", "shallow"]
    assert len(select(scored, members=1, threshold=0.1)) == 1


def test_when_all_are_useless_the_least_bad_is_kept():
    scored = [Candidate(str(score), Constant, score) for score in (-3.0, -1.0, -2.0)]
    assert [each.name for each in select(scored, members=3, threshold=0.8)] == ["-1.0"]


def told(count: int, budget_mm2: float, parameters: bool) -> Log:
    """The areas of designs, feasible within a budget and with other than four lanes."""
    log = Log()
    indices = np.random.default_rng(0).integers(0, SPACE.size, size=count).tolist()
    for number, index in enumerate(indices):
        area = area_of(SPACE.accelerator_at(index)).total_mm2
        values = SPACE.values_at(index)
        good = area <= budget_mm2 and values["lanes"] != 4
        cause = (None, None) if good else ("area", "Too large.")
        outcome = Outcome(good, 1.0 * good, {"area_mm2": area}, *cause)
        digits = np.array([SPACE.digits_of(index)])
        log.append([Trial(number, index, outcome, values if parameters else {})], digits)
    return log


def test_the_area_of_designs_is_learned_to_a_percent():
    log, radices = told(400, 50.0, parameters=True), np.array(RADICES)
    seen = (log.features(log.indices, radices), log.monomials(log.indices, radices))
    areas = log.known_metrics(np.arange(400))[:, 0]
    model = MetricModel(seen[0][:200], seen[1][:200], areas[:200])
    errors = np.abs(model.predict(seen[0][200:], seen[1][200:]) - areas[200:])
    assert np.median(errors) < 0.01
    assert model.error < 0.02


@pytest.mark.parametrize("parameters", [True, False])
def test_feasible_and_infeasible_points_are_told_apart(parameters):
    log, radices = told(900, 50.0, parameters), np.array(RADICES)
    features = log.features(log.indices, radices)
    monomials = log.monomials(log.indices, radices)
    metrics = log.known_metrics(np.arange(900))
    learned, others = slice(0, 600), slice(600, 900)
    feasibility = Feasibility(
        features[learned], monomials[learned], log.feasible[learned], metrics[learned]
    )
    likely = feasibility.probability(features[others], monomials[others]) > 0.5
    assert np.mean(likely == log.feasible[others]) > (0.95 if parameters else 0.85)


def test_nothing_is_infeasible_while_nothing_was():
    features = np.random.default_rng(0).random((20, 3))
    feasibility = Feasibility(features, np.empty((20, 0)), np.ones(20, bool), np.empty((20, 0)))
    assert (feasibility.probability(features, np.empty((20, 0))) == 1).all()


def test_what_is_learned_is_capped_distinct_and_holds_the_best_and_the_newest():
    log = Log()
    for number in range(1000):
        reward = 500.0 if number == 3 else float(number % 97)
        trial = Trial(number, number // 2, Outcome(True, reward))
        log.append([trial], np.array([[number // 2]]))
    chosen = log.chosen(60, 1000, log.feasible)
    assert len(chosen) <= 60
    assert len(set(log.indices[chosen].tolist())) == len(chosen)
    assert 998 in chosen
    best = max(log.rewards[:1000:2])
    assert log.rewards[chosen].max() == best

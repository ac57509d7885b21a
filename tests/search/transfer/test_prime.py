"""The model of stored trials: what it learns from, and what it proposes."""

import re
from dataclasses import replace

import numpy as np
import pytest
from transfer_studies import OTHER, SMALL, small_problem

from apollo.search.explore import explore
from apollo.search.goals import AREA
from apollo.search.task import Task
from apollo.search.transfer.prime.ascent import climb, evolve, mutated
from apollo.search.transfer.prime.propose import admits_of, proposals, propose, value_of
from apollo.search.transfer.prime.rows import Rows, make_rows
from apollo.search.transfer.prime.settings import PrimeSettings
from apollo.search.transfer.prime.train import rank_correlation, train
from apollo.search.transfer.source import read_sources
from apollo.search.transfer.warm_start import By, WarmStart

RADICES = (4, 4, 4, 4)
MEDIUM = PrimeSettings(steps=600)
QUICK = PrimeSettings(steps=400, rows=64, hidden=32, members=2)


@pytest.fixture(scope="module")
def task() -> Task:
    return Task.of(small_problem(area=4.8, objectives=["speedup"]))


@pytest.fixture(scope="module")
def rows(results, task) -> Rows:
    return make_rows(read_sources(["one"], results), task)


def test_rows_are_the_trials_under_every_budget(rows, task, explored):
    """Made again from the trials, by another way."""
    trials = {trial.index: trial for trial in explored("one").result.trials}
    wanted = {}
    for budget in (4.8, 6.8):
        for index, trial in trials.items():
            area = trial.metrics[AREA]
            if trial.feasible:
                value = np.log(trial.metrics["speedup"]) if area <= budget else None
                wanted[index, budget] = value
            elif area > budget or trial.resource != "area":
                wanted[index, budget] = None
    found = {}
    for n in range(len(rows)):
        budget = round(float(2 ** rows.contexts[n, -1]), 3)
        index = task.problem.space.index_of(rows.points[n].tolist())
        found[index, budget] = float(rows.values[n]) if rows.feasible[n] else None
    assert found.keys() == wanted.keys()
    both = [key for key, value in wanted.items() if value is not None]
    assert [key for key, value in found.items() if value is not None].sort() == both.sort()
    differences = [found[key] - wanted[key] for key in both]
    assert np.ptp(differences) < 1e-5  # but for the median
    assert len(both) > 20


def test_a_trial_of_two_networks_is_rows_of_both(results, explored):
    task = Task.of(small_problem(SMALL, OTHER))
    found = make_rows(read_sources(["two"], results), task)
    feasible = {t.index for t in explored("two").result.trials if t.feasible}
    for network in (0, 1):
        ran = found.at((found.networks == network) & found.feasible)
        assert len(ran) == len(feasible)
        assert np.median(ran.values) == pytest.approx(0, abs=1e-6)
    assert len({tuple(context) for context in found.contexts.tolist()}) == 2


def test_a_constraint_on_a_shared_network_makes_rows_infeasible(results):
    sources = read_sources(["one"], results)
    free = make_rows(sources, Task.of(small_problem()))
    latencies = [t.metrics[f"{SMALL}.latency_ms"] for t in sources[0].trials if t.feasible]
    middle = float(np.median(latencies))
    bound = make_rows(sources, Task.of(small_problem(constraints=[f"latency_ms <= {middle}"])))
    assert 0 < bound.feasible.sum() < free.feasible.sum()
    assert len(bound) == len(free)


def test_a_network_that_changed_is_refused(results, task):
    source = read_sources(["one"], results)[0]
    edited = replace(source, contents=source.contents | {SMALL: "edited"})
    sentence = f"Network {SMALL} is not what study 'one' ran; it changed."
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        make_rows([edited], task)


def test_studies_without_a_feasible_trial_teach_nothing(results, task):
    source = read_sources(["one"], results)[0]
    poor = replace(source, trials=tuple(t for t in source.trials if not t.feasible))
    with pytest.raises(ValueError, match=r"^Studies must have a feasible trial for a model"):
        make_rows([poor], task)


def value(points):
    """Greatest at (3, 3, 3, 3)."""
    return points.sum(axis=1).astype(np.float32)


def test_mutants_are_other_points_of_the_space():
    points = np.random.default_rng(0).integers(0, RADICES, size=(200, 4))
    mutants = mutated(points, np.array(RADICES), np.random.default_rng(1))
    assert ((mutants != points).sum(axis=1) >= 1).all()
    assert mutants.min() >= 0
    assert (mutants < RADICES).all()


def test_climbing_never_goes_down():
    points = np.zeros((50, 4), dtype=np.int64)
    climbed = climb(points, value, np.array(RADICES), 20, np.random.default_rng(0))
    assert (value(climbed) >= value(points)).all()
    assert value(climbed).mean() > 8


def test_evolution_finds_the_best_admitted_point_and_nothing_else():
    def admits(points):
        return points[:, 0] + points[:, 1] <= 3

    start = np.random.default_rng(0).integers(0, RADICES, size=(32, 4))
    found = evolve(start, value, admits, np.array(RADICES), 20, np.random.default_rng(1))
    assert value(found)[0] == 9
    assert admits(found).all()
    assert len(np.unique(found, axis=0)) == len(found)
    assert (np.diff(value(found)) <= 0).all()


def test_evolution_that_admits_nothing_finds_nothing():
    start = np.zeros((8, 4), dtype=np.int64)
    found = evolve(start, value, lambda p: np.zeros(len(p), bool), np.array(RADICES), 3, _seed())
    assert len(found) == 0


def _seed():
    return np.random.default_rng(0)


def synthetic(count: int = 600) -> Rows:
    """Feasible are points with a low first digit; the others are never good to learn."""
    generator = np.random.default_rng(0)
    points = generator.integers(0, RADICES, size=(count, 4))
    contexts = np.repeat(generator.choice([1.0, 2.0], size=(count, 1)), 2, axis=1)
    feasible = points[:, 0] <= 1
    values = np.where(feasible, value(points) * contexts[:, 0] / 4, 0)
    networks = (contexts[:, 0] > 1).astype(np.int64)
    return Rows(points, contexts.astype(np.float32), networks, values.astype(np.float32), feasible)


def predicted(rows: Rows, settings: PrimeSettings):
    trained = train(rows, RADICES, settings, seed=1)
    return trained, trained.model.values(rows.points, rows.contexts)


def test_the_model_ranks_what_it_did_not_see():
    trained, _ = predicted(synthetic(), replace(QUICK, alpha=0.0, beta=0.0))
    assert trained.rank_correlation > 0.8
    new = synthetic(900)
    assert rank_correlation(trained.model, new.at(new.feasible)) > 0.8


def test_infeasible_rows_are_held_down_by_their_penalty():
    rows = synthetic()
    _, with_penalty = predicted(rows, replace(QUICK, alpha=0.0, beta=0.5))
    _, without = predicted(rows, replace(QUICK, alpha=0.0, beta=0.0))
    assert with_penalty[~rows.feasible].max() < with_penalty[rows.feasible].mean()
    assert with_penalty[~rows.feasible].max() < without[~rows.feasible].max()


def test_adversarial_designs_are_held_down_by_theirs():
    """Two thirds of the space is never shown."""
    rows = synthetic()
    rows = rows.at(rows.feasible)
    unseen = synthetic()
    unseen = unseen.at(~unseen.feasible)
    means = []
    for alpha in (0.0, 1.0):
        trained, _ = predicted(rows, replace(QUICK, alpha=alpha, beta=0.0))
        means.append(trained.model.values(unseen.points, unseen.contexts).mean())
    assert means[1] < means[0]


def test_the_same_seed_gives_the_same_model():
    rows = synthetic(200)
    quick = replace(QUICK, steps=50)
    first, second = (predicted(rows, quick)[1] for _ in range(2))
    assert first.tolist() == second.tolist()


def test_predictions_do_not_depend_on_how_many_are_asked():
    trained, all_values = predicted(synthetic(100), replace(QUICK, steps=50))
    rows = synthetic(100)
    for count in (0, 1, 37):
        some = trained.model.values(rows.points[:count], rows.contexts[:count])
        assert some == pytest.approx(all_values[:count], abs=1e-5)


def test_proposals_keep_the_budget_and_are_good(results, rows, task):
    model = train(rows, task.problem.space.radices, MEDIUM, seed=0).model
    found = proposals(model, rows, task, 16, 0, admits_of(task))
    assert len(set(found)) == 16
    assert all(task.known_at(index)[AREA] <= 4.8 for index in found)
    points = np.array([task.problem.space.digits_of(index) for index in found])
    values = value_of(model, task)(points)
    assert (np.diff(values) <= 1e-5).all()
    known = explore(
        small_problem(area=4.8, objectives=["speedup"]),
        trials=16,
        study="proposed",
        output=results,
        warm_start=WarmStart(("one",), points=16, by=By.PRIME, prime=MEDIUM),
    )
    assert [trial.index for trial in known.result.trials] == list(found)
    stored = [t.reward for t in read_sources(["one"], results)[0].trials if t.feasible]
    assert known.result.best.reward > np.median(stored)


def test_a_study_begun_by_the_model_resumes_without_training(results, monkeypatch):
    start = WarmStart(("one",), points=40, by=By.PRIME, prime=replace(QUICK, steps=50))
    problem = small_problem(area=4.8)
    options = {"study": "resumed", "output": results, "warm_start": start}
    first = explore(problem, trials=10, **options).result.trials
    monkeypatch.setattr("apollo.search.transfer.prime.train.train", None)
    assert explore(problem, trials=40, **options).result.trials[:10] == first
    other = replace(start, prime=replace(start.prime, alpha=0.2))
    with pytest.raises(
        ValueError, match=r"^Study 'resumed' was made with warm_start\.by\.prime\.alpha"
    ):
        explore(problem, trials=40, **options | {"warm_start": other})


def test_proposals_are_a_function_of_sources_settings_and_seed(results, task):
    sources = read_sources(["one"], results)
    quick = replace(QUICK, steps=50)
    first = propose(sources, task, 8, quick, seed=3)
    assert propose(sources, task, 8, quick, seed=3) == first
    assert propose(sources, task, 8, quick, seed=4) != first


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"alpha": -1}, "alpha must be at least 0, not -1."),
        ({"beta": -0.5}, "beta must be at least 0, not -0.5."),
        ({"steps": 0}, "steps must be a positive integer, not 0."),
        ({"members": 1.5}, "members must be a positive integer, not 1.5."),
        ({"rate": 1}, "rate must be in 0..1, not 1."),
    ],
)
def test_settings_out_of_range_are_refused_in_a_sentence(settings, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        PrimeSettings(**settings)

"""What policies find on toy problems."""

import itertools

import numpy as np
import pytest
from toys import optimum, problem_of, random_problem, recurrent_problem

from apollo.search.placement.found import Budget
from apollo.search.placement.learning.learn import fine_tune, learn, place, train
from apollo.search.placement.learning.policy import Policy
from apollo.search.placement.learning.settings import Algorithm, LearningSettings
from apollo.search.placement.learning.train import Training

SMALL = Budget(1_500)


def random_search(problem, count, seed):
    groups, devices = problem.groups.compute_ns.shape
    placements = np.random.default_rng(seed).integers(0, devices, (count, groups))
    return float(problem.costs(placements).ranked.min())


def best_on_one(problem):
    groups, devices = problem.groups.compute_ns.shape
    return min(problem.cost(np.full(groups, device)) for device in range(devices))


def check(problem, found, budget=SMALL):
    assert found.simulations == budget.simulations
    assert found.cost == problem.cost(found.placement)
    counts, costs = zip(*found.curve, strict=True)
    assert list(costs) == sorted(costs, reverse=True)
    assert costs[-1] == found.cost
    assert all(0 < count <= budget.simulations for count in counts)


@pytest.mark.parametrize("seed", range(2))
def test_near_the_optimum_of_small_problems(seed):
    problem = random_problem(20 + seed, groups=12, devices=2)
    budget = Budget(4_000)
    found = learn(problem, budget, seed)
    check(problem, found, budget)
    assert found.cost <= 1.02 * optimum(problem)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("number", range(4))
def test_near_the_optimum_of_more_problems(number, seed):
    problem = random_problem(20 + number, *((12, 3), (16, 2), (10, 3), (14, 2))[number], width=3)
    assert learn(problem, Budget(4_000), seed).cost <= 1.02 * optimum(problem)


@pytest.mark.parametrize("algorithm", Algorithm)
def test_better_than_random_search(algorithm):
    problem = recurrent_problem(3, 4, 3)
    found = learn(problem, SMALL, settings=LearningSettings(algorithm))
    check(problem, found)
    assert found.cost <= min(random_search(problem, 1_500, seed) for seed in range(3))


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", Algorithm)
def test_far_better_than_random_search(algorithm):
    problem = random_problem(0, 60, 4)
    found = learn(problem, Budget(3_000), settings=LearningSettings(algorithm))
    assert found.cost < 0.9 * min(random_search(problem, 3_000, seed) for seed in range(3))


def test_equal_seeds_find_the_same_and_others_something_else():
    problem, budget = random_problem(1, 16, 2), Budget(200)
    one, same, other = (learn(problem, budget, seed) for seed in (3, 3, 4))
    assert one.curve == same.curve
    assert (one.placement == same.placement).all()
    assert one.curve != other.curve


def test_a_budget_is_kept_to_the_last_placement():
    problem = random_problem(1, 16, 2)
    for simulations in (1, 2, 3, 19, 40):
        assert learn(problem, Budget(simulations)).simulations == simulations
    found = learn(problem, Budget(10**9, seconds=1e-3))
    assert 0 < found.simulations < 10_000


def test_groups_go_only_where_they_may():
    allowed = np.ones((16, 3), np.bool_)
    allowed[::2, 0] = allowed[1::3, 2] = False
    problem = random_problem(2, 16, 3, allowed=allowed)
    tried = []

    def costs(placements):
        tried.append(placements)
        return problem.costs(placements)

    watched = type(problem)(
        problem.name, problem.device_names, problem.memory_bytes, problem.groups, costs
    )
    learn(watched, Budget(200))
    every = np.concatenate(tried)
    assert allowed[np.arange(16)[None, :], every].all()
    assert len(np.unique(every, axis=0)) > 100


def test_memory_is_kept_where_that_is_hard():
    """Room for 1.3 times the memory of all groups: random placements hardly ever fit."""
    problem = random_problem(3, 16, 4, tight=True)
    found = learn(problem, Budget(800))
    assert np.isfinite(found.cost)
    assert not np.isfinite(best_on_one(problem))


def test_a_problem_without_a_feasible_placement_has_an_infinite_cost():
    compute = np.full((3, 2), 1000)
    problem = problem_of("full", compute, [(0, 1), (1, 2)], [8, 8], [10, 10, 10], [15, 8])
    found = learn(problem, Budget(100))
    assert not np.isfinite(found.cost)
    assert problem.costs(found.placement[None, :]).overflow_bytes[0] == 7


def test_one_policy_for_graphs_and_clusters_of_any_size():
    family = [random_problem(seed, 12 + seed, 2 + seed % 3, width=3) for seed in range(4)]
    policy = train(family, Budget(1_600), settings=LearningSettings(visit=4))
    unseen = random_problem(99, 30, 5)
    found = place(unseen, policy, Budget(64), seed=1)
    assert found.simulations == 64
    assert found.cost < best_on_one(unseen)
    near = random_problem(98, 16, 4)
    assert fine_tune(near, policy, Budget(400), seed=1).cost < best_on_one(near)


def test_a_family_is_visited_evenly():
    family = [random_problem(seed, 12, 2) for seed in range(3)]
    settings = LearningSettings(visit=2)
    training = Training(family, Policy.new(settings, 0), Budget(6 + 12 * 16), 0)
    training.run()
    visits = [row.problem for row in training.rows]
    assert len(visits) == 12
    assert visits[::2] == visits[1::2]
    assert sorted(visits[:6:2]) == sorted(visits[6::2]) == sorted(p.name for p in family)
    assert training.rows[-1].simulations == training.simulations == 6 + 12 * 16


def test_what_finds_nothing_better_begins_again():
    problem, settings = random_problem(20, 12, 2), LearningSettings(patience=12)
    training = Training([problem], Policy.new(settings, 0), Budget(2_000), 0)
    training.run()
    entropies = [row.entropy for row in training.rows if row.entropy is not None]
    assert any(two - one > 0.2 for one, two in itertools.pairwise(entropies))
    bests = [row.best_cost for row in training.rows]
    assert bests == sorted(bests, reverse=True)


def test_what_is_no_training():
    with pytest.raises(ValueError, match=r"^There must be a problem to learn\.$"):
        Training([], Policy.new(LearningSettings(), 0), SMALL, 0)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"samples": 1}, "Setting samples must be at least 2, not 1."),
        ({"rate": 0}, "Setting rate must be above 0, not 0."),
        ({"entropy": -0.1}, "Setting entropy must be above 0, not -0.1."),
        (
            {"keep": 0.5, "blind": 0.75},
            "Settings keep and blind must be at most 1 together, not 1.25.",
        ),
        ({"baseline_decay": 1.0}, "Setting baseline_decay must be below 1, not 1.0."),
    ],
)
def test_settings_out_of_range(arguments, sentence):
    with pytest.raises(ValueError, match="^" + sentence.replace(".", r"\.") + "$"):
        LearningSettings(**arguments)

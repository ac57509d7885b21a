"""A policy imitates what a search has found."""

import numpy as np
import pytest
from toys import random_problem, recurrent_problem

from apollo.search.placement.found import Budget
from apollo.search.placement.learning.imitation import (
    EPOCHS,
    example_of,
    imitate,
    teach,
    unlikelihood,
)
from apollo.search.placement.learning.learn import family_training, place
from apollo.search.placement.learning.policy import Policy
from apollo.search.placement.learning.settings import LearningSettings

NEW = Policy.new(LearningSettings(), 0)
NAMES = ([0, 1, 2], [2, 0, 1], [0, 2, 1])
FAMILY = [random_problem(seed, 16, 3) for seed in range(6)]


def loss(policy, problem, placement):
    return float(unlikelihood(policy.parameters, example_of(problem, placement)))


def test_a_new_policy_finds_all_devices_as_likely():
    placement = np.random.default_rng(0).integers(0, 3, 16)
    assert np.isclose(loss(NEW, FAMILY[0], placement), np.log(3))


def test_what_was_shown_becomes_likelier_whatever_the_devices_are_called():
    """Groups in turn over devices that are alike: the same under every renaming of them."""
    alike = [recurrent_problem(3, steps, 3) for steps in (2, 3, 4)]
    shown = [example_of(each, np.arange(len(each.groups.names)) % 3) for each in alike]
    policy = imitate(NEW, shown, 2 * EPOCHS, seed=0)
    unseen = recurrent_problem(3, 5, 3)
    after = [loss(policy, unseen, np.array(names)[np.arange(20) % 3]) for names in NAMES]
    assert np.allclose(after, after[0], atol=1e-4)
    assert after[0] < 0.8 * np.log(3)
    assert loss(policy, unseen, np.zeros(20, np.int64)) > np.log(3)


def test_teaching_counts_and_helps():
    taught = teach(NEW, FAMILY, Budget(1_200), 0)
    assert 0 < taught.simulations <= 1_200
    unseen = [random_problem(seed, 16, 3) for seed in range(50, 54)]

    def costs(policy):
        return np.array([place(each, policy, Budget(40)).cost for each in unseen])

    assert np.log(costs(taught.policy) / costs(NEW)).mean() < 0


def test_who_cannot_be_taught_is_as_before():
    grouping = Policy.new(LearningSettings(slots=4), 0)
    assert teach(grouping, FAMILY, Budget(1_000), 0).policy is grouping
    assert teach(NEW, FAMILY, Budget(5), 0).simulations == 0  # less than one for each
    full = random_problem(3, 16, 4, tight=True)
    nowhere = type(full)(
        full.name, full.device_names, full.memory_bytes // 9, full.groups, full.costs, full.links
    )
    assert teach(NEW, [nowhere], Budget(20), 0).simulations == 20


def test_a_family_has_one_budget_for_both():
    training = family_training(FAMILY, Budget(600), seed=1)
    assert training.policy.settings.rate < LearningSettings().rate
    used = 600 - training.budget.simulations
    assert 0 < used <= 300
    training.run()
    assert training.simulations == training.budget.simulations


def test_a_lesson_may_be_ended_after_every_search_and_step():
    calls = []

    def pause():
        calls.append(1)
        if len(calls) == len(FAMILY) + 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        teach(NEW, FAMILY, Budget(60 * len(FAMILY)), 0, pause)
    assert len(calls) == len(FAMILY) + 2

"""The search as an environment of Gymnasium."""

import re

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from apollo.search.environment import DesignEnvironment, make
from apollo.search.explore import make_problem
from apollo.search.store import Store
from apollo.search.task import Task
from tests.environments import assert_several_at_once, played

SMALL = "mobilenet_v1_0.25_128"
PROBLEM = make_problem([SMALL], objectives=["speedup"], max_area_mm2=6.8)


@pytest.fixture(scope="module")
def environment() -> DesignEnvironment:
    return DesignEnvironment(PROBLEM)


class Memory(dict):
    put = dict.__setitem__


def digits_of(index: int) -> list[int]:
    return list(PROBLEM.space.digits_of(index))


@pytest.mark.filterwarnings("ignore:.*different from the unwrapped version")  # it is a wrapper
@pytest.mark.parametrize("is_whole", [False, True])
def test_gymnasium_accepts_it(is_whole):
    check_env(make(PROBLEM, is_whole=is_whole), skip_render_check=True)


def test_the_reward_is_the_study_s(environment):
    evaluate = Task.of(PROBLEM).evaluator()(Memory())
    generator = np.random.default_rng(0)
    seen = set()
    for _ in range(400):
        index = int(generator.integers(PROBLEM.space.size))
        outcome = evaluate(index)
        if (outcome.resource in seen) and not outcome.feasible:
            continue
        seen.add(outcome.resource)
        _, reward, terminated, truncated, info = played(environment, digits_of(index))
        assert (reward, terminated, truncated) == (outcome.reward, True, False)
        assert info["index"] == index
        assert info["feasible"] == outcome.feasible
        assert (info["reason"], info["resource"]) == (outcome.reason or "", outcome.resource or "")
        assert info["metrics"] == outcome.metrics
        assert info["parameters"] == PROBLEM.space.values_at(index)
    assert {"area", None} <= seen


def test_parameters_are_set_in_the_order_of_the_space(environment):
    observation, info = environment.reset(seed=0)
    assert not observation["digits"].any()
    digits = digits_of(12_345_678)
    for position, digit in enumerate(digits):
        assert observation["parameter"].tolist() == [n == position for n in range(10)]
        assert (observation["action_mask"] == info["action_mask"]).all()
        observation, reward, terminated, _, info = environment.step(digit)
        chosen = [each + 1 for each in digits[: position + 1]]
        assert observation["digits"].tolist() == chosen + [0] * (9 - position)
        assert terminated == (position == 9)
        assert terminated or reward == 0
        assert observation in environment.observation_space
    assert not observation["parameter"].any()
    assert not observation["action_mask"].any()


def test_the_mask_excludes_what_no_completion_repairs(environment):
    """Whoever keeps to the mask keeps the budget; what it excludes exceeds it, whatever follows."""
    generator = np.random.default_rng(1)
    excluded = 0
    for episode in range(30):
        observation, _ = environment.reset(seed=episode)
        digits: list[int] = []
        for position, radix in enumerate(PROBLEM.space.radices):
            mask = observation["action_mask"]
            assert not mask[radix:].any()
            for choice in np.flatnonzero(mask[:radix] == 0)[:1]:
                rest = [int(generator.integers(r)) for r in PROBLEM.space.radices[position + 1 :]]
                index = PROBLEM.space.index_of([*digits, int(choice), *rest])
                assert environment.task.known_at(index)["area_mm2"] > 6.8
                excluded += 1
            digits.append(int(generator.choice(np.flatnonzero(mask))))
            observation, _, _, _, info = environment.step(digits[-1])
        assert info["metrics"]["area_mm2"] <= 6.8
    assert excluded > 20


def test_lower_bounds_are_in_the_mask():
    environment = DesignEnvironment(make_problem([SMALL], constraints=["pes_x >= 8"]))
    mask = environment.reset()[0]["action_mask"]
    assert mask[:10].tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]
    observation = environment.step(0)[0]  # allowed, but in vain
    for _ in range(9):
        assert observation["action_mask"].any()  # agents need one
        observation, _, terminated, _, info = environment.step(0)
    assert terminated
    assert info["resource"] == "pes_x"


def test_an_action_that_is_no_choice_ends_the_episode(environment):
    environment.reset()
    environment.step(0)
    environment.step(0)
    _, reward, terminated, _, info = environment.step(9)
    assert (reward, terminated, info["feasible"]) == (0, True, False)
    assert info["reason"] == "lanes must be a choice in 0..6, not 9."
    sentence = "The design is finished: reset the environment for another one."
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        environment.step(0)


def test_a_whole_design_is_one_step(environment):
    whole = make(PROBLEM, is_whole=True)
    for seed in range(5):
        whole.reset(seed=seed)
        whole.action_space.seed(seed)
        action = whole.action_space.sample()
        found, reward, terminated, _, info = whole.step(action)
        stepped = played(environment, action)
        assert terminated
        assert (reward, info["index"]) == (stepped[1], stepped[4]["index"])
        assert (found["digits"] == stepped[0]["digits"]).all()


def test_evaluations_are_kept_in_a_store(tmp_path):
    with Store(tmp_path / "study.db") as store:
        environment = DesignEnvironment(PROBLEM, store)
        digits = [0, 0, 3, 0, 2, 4, 3, 1, 2, 2]
        first = played(environment, digits)
        assert len(store._waiting) == 1
        assert played(environment, digits)[1] == first[1]
        assert len(store._waiting) == 1


def test_several_at_once():
    assert_several_at_once(lambda: DesignEnvironment(PROBLEM), 10)

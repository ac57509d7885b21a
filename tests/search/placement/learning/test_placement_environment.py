"""Placement as an environment of Gymnasium."""

import re

import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from toys import problem_of, random_problem

from apollo.search.placement.learning.environment import PlacementEnvironment
from apollo.search.placement.problem import PlacementProblem
from tests.environments import assert_several_at_once, played

PROBLEM = random_problem(5, 12, 3, tight=True)


@pytest.fixture(scope="module")
def environment() -> PlacementEnvironment:
    return PlacementEnvironment(PROBLEM)


def test_gymnasium_accepts_it():
    check_env(PlacementEnvironment(random_problem(6, 12, 3)), skip_render_check=True)


def test_the_reward_is_minus_the_root_of_the_cost(environment):
    generator = np.random.default_rng(0)
    alone = np.repeat(np.arange(3)[:, None], 12, axis=1)
    reference = PROBLEM.costs(alone)
    assert (reference.overflow_bytes > 0).all()  # so none of them fits, and the cheapest counts
    seen = set()
    for _ in range(60):
        placement = generator.integers(0, 3, 12)
        costs = PROBLEM.costs(placement[None, :])
        lacking = int(costs.overflow_bytes[0])
        expected = -np.sqrt(costs.cost[0] / reference.cost.min())
        if lacking:
            expected -= 2 * (1 + lacking / PROBLEM.memory_bytes.sum())
        observation, reward, terminated, truncated, info = played(environment, placement)
        assert (terminated, truncated) == (True, False)
        assert reward == pytest.approx(expected)
        assert (info["cost"], info["overflow_bytes"]) == (costs.cost[0], lacking)
        assert info["feasible"] == (lacking == 0)
        assert (info["placement"] == placement).all()
        assert not observation["position"].any()
        assert not observation["action_mask"].any()
        seen.add(info["feasible"])
    assert seen == {True, False}


def test_the_mask_is_room_and_ability():
    allowed = np.ones((4, 2), np.bool_)
    allowed[1, 0] = False
    problem = problem_of(
        "four", np.full((4, 2), 1000), [(0, 1)], [8], [6, 5, 3, 9], [10, 10], allowed
    )
    environment = PlacementEnvironment(problem)
    observation, info = environment.reset()
    masks = [observation["action_mask"].tolist()]
    for position, device in enumerate([0, 1, 0]):
        assert observation["position"].tolist() == [number == position for number in range(4)]
        assert (observation["action_mask"] == info["action_mask"]).all()
        assert observation in environment.observation_space
        observation, reward, terminated, _, info = environment.step(device)
        assert not terminated
        assert reward == 0
        masks.append(observation["action_mask"].tolist())
    # The first two: all room, and what can run it. Then 4 and 5 bytes are left, then 1 and 5: the
    # last one fits nowhere, and most is left on the second.
    assert masks == [[1, 1], [0, 1], [1, 1], [0, 1]]
    assert environment.step(1)[4]["overflow_bytes"] == 4


def test_an_action_that_is_no_device_ends_the_episode():
    allowed = np.ones((2, 3), np.bool_)
    allowed[1, 1] = False
    problem = problem_of("two", np.full((2, 3), 9), [(0, 1)], [8], [1, 1], [9, 9, 9], allowed)
    environment = PlacementEnvironment(problem)
    for device in (1, 3, -1):
        environment.reset()
        environment.step(0)
        _, reward, terminated, _, info = environment.step(device)
        assert (reward, terminated, info["feasible"]) == (-10.0, True, False)
        assert info["reason"] == (
            f"'group1' must go to a device that can run it, 0 (device0), 2 (device2), not {device}."
        )
        sentence = "All groups are placed: reset the environment for another placement."
        with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
            environment.step(0)


def test_what_is_observed_has_no_unit():
    """The same problem in other units, of time and memory, looks the same."""
    problem = random_problem(7, 12, 3)
    groups, links = problem.groups, problem.links
    other = PlacementProblem(
        "other",
        problem.device_names,
        problem.memory_bytes * 1024,
        type(groups)(
            groups.names,
            groups.compute_ns * 8,
            groups.allowed,
            groups.memory_bytes * 1024,
            groups.output_bytes,
            groups.source,
            groups.target,
            groups.edge_bytes,
        ),
        lambda placements: problem.costs(placements)._replace(
            cost=8 * problem.costs(placements).cost
        ),
        type(links)(links.fixed_ns * 8, links.ns_per_byte * 8),
    )
    one, two = PlacementEnvironment(problem), PlacementEnvironment(other)
    seen, also = one.reset()[0], two.reset()[0]
    for device in np.random.default_rng(0).integers(0, 3, 12):
        for name, value in seen.items():
            np.testing.assert_allclose(value, also[name], rtol=1e-4, atol=1e-5)
        seen, reward, *_ = one.step(device)
        also, same, *_ = two.step(device)
        assert reward == pytest.approx(same)


def test_the_estimate_is_when_a_group_would_run():
    """A chain over two devices: the last feature is when each is free, over the even share."""
    compute = np.array([[100_000, 200_000], [100_000, 100_000], [50_000, 50_000]])
    problem = problem_of("chain", compute, [(0, 1), (1, 2)], [10_000, 10_000], [1, 1, 1], [9, 9])
    environment = PlacementEnvironment(problem)
    environment.reset()
    environment.step(1)  # ends at 200 µs
    observation, *_ = environment.step(0)  # begins after 20 µs and 10,000 bytes at 0.5 ns
    even = (100_000 + 100_000 + 50_000) / 2
    free = np.array([200_000 + 25_000 + 100_000, 200_000])
    np.testing.assert_allclose(observation["devices"][:, -1], np.tanh(free / even), rtol=1e-5)
    begin = np.array([325_000, 325_000 + 25_000])  # where its input is, and where it must be sent
    late = begin - begin.min()
    np.testing.assert_allclose(
        observation["devices"][:, 1], np.tanh(2 * late / even), rtol=1e-4, atol=1e-5
    )


def test_several_at_once():
    assert_several_at_once(lambda: PlacementEnvironment(PROBLEM), 12)

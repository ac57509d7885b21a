import itertools

import numpy as np
import pytest

from apollo.search.placement.graphs.known import Known, chain, chains, fork_join, loads
from apollo.search.placement.instance import instance_of
from apollo.search.placement.step import problem_of
from tests.search.placement.graphs.clusters import equal_devices

SMALL = {
    "a chain": (chain(6, seed=1), 2, 1),
    "chains": (chains(4, 2, 2, seed=2), 2, 1),
    "chains on three": (chains(3, 2, 3, seed=3), 3, 1),
    "loads": (loads(8, 2, seed=4), 2, 1),
    "loads on three": (loads(7, 3, seed=5), 3, 1),
    **{
        f"{branches} branches, {transfer} ns": (fork_join(branches, 10, transfer), 2, transfer)
        for branches in (1, 2, 3, 4, 5, 6)
        for transfer in (1, 4, 6, 10)
    },
}


@pytest.mark.parametrize("name", SMALL)
def test_the_optimum_is_the_least_of_all_placements(name: str) -> None:
    known, devices, transfer_ns = SMALL[name]
    problem = problem_of(instance_of(known.graph, equal_devices(devices, transfer_ns)))
    every = np.array([*itertools.product(range(devices), repeat=known.graph.groups)])
    assert problem.costs(every).ranked.min() == known.step_ns
    assert problem.cost(known.placement) == known.step_ns


@pytest.mark.parametrize(
    "known",
    [chain(200, 1), chains(40, 5, 4, 2), loads(100, 4, 3), fork_join(50, 1000, 700)],
    ids=lambda known: str(known.graph.name),
)
def test_the_placement_of_a_large_one_takes_just_that(known: Known) -> None:
    devices = int(known.placement.max()) + 1
    transfer_ns = 700 if known.graph.name == "fork_join" else 1
    problem = problem_of(instance_of(known.graph, equal_devices(devices, transfer_ns)))
    assert problem.cost(known.placement) == known.step_ns


def test_chains_must_be_spread_evenly() -> None:
    with pytest.raises(ValueError, match=r"^Chains must be a multiple of 2 devices, not 3\.$"):
        chains(3, 2, 2, seed=1)


def test_a_transfer_must_not_be_longer_than_a_branch() -> None:
    with pytest.raises(ValueError, match=r"^A transfer must take 1 to 10 ns, not 11\.$"):
        fork_join(3, 10, 11)


def test_the_seed_makes_the_graph() -> None:
    one, same, other = (loads(20, 2, seed).graph.operations.tolist() for seed in (1, 1, 2))
    assert one == same
    assert one != other

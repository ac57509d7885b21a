"""What every baseline must do, over the table of them."""

from typing import Any

import numpy as np
import pytest

from apollo.arch.cluster import Order
from apollo.search.placement.baselines.devices import on_allowed
from apollo.search.placement.baselines.table import BASELINES, baseline_of
from apollo.search.placement.found import Budget, Found
from apollo.search.placement.graphs.known import Known, chain, chains, fork_join, loads
from apollo.search.placement.instance import Instance, instance_of
from apollo.search.placement.step import problem_of
from tests.search.placement.baselines.problems import counted, layered, separable
from tests.search.placement.graphs.clusters import equal_devices

NEVERGRAD = "nevergrad:TwoPointsDE"
NAMES = [*(name for name in BASELINES if name != "exhaustive"), NEVERGRAD]
BY_OPERATORS = ("heft", "m_etf", "m_sct", "cp_sat")
IMPROVE = ("local_search", "evolutionary", "p3bo", "cp_sat", NEVERGRAD)  # on one device
LEARN = ("local_search", "evolutionary", "p3bo", NEVERGRAD)
BUDGET = Budget(300)
SMALL = {"operators": 8, "groups": 5}  # what is proved at once


def case_of(name: str, seed: int, **changes: Any) -> Instance:
    """An instance that a baseline can do quickly."""
    return layered(seed, **(SMALL if name == "cp_sat" else {}), **changes)


def place(name: str, instance: Instance, seed: int = 0, budget: Budget = BUDGET) -> Found:
    return baseline_of(name)(problem_of(instance), instance, budget, seed)


@pytest.mark.parametrize("name", NAMES)
def test_placements_are_allowed_and_counts_and_costs_are_true(name: str) -> None:
    for order in Order:
        instance = case_of(name, seed=1, order=order)
        problem, calls = counted(problem_of(instance))
        found = baseline_of(name)(problem, instance, BUDGET, 0)
        groups = np.arange(instance.graph.groups)
        assert problem.groups.allowed[groups, found.placement].all()
        assert found.simulations == sum(calls) <= BUDGET.simulations
        assert found.cost == problem_of(instance).cost(found.placement) < np.inf
        assert found.curve[-1][1] == found.cost
        assert [each[1] for each in found.curve] == sorted(
            (c for _, c in found.curve), reverse=True
        )


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_finds_the_same(name: str) -> None:
    one, same = (place(name, case_of(name, seed=2), seed=7) for _ in range(2))
    assert one.placement.tolist() == same.placement.tolist()
    assert (one.cost, one.simulations, one.curve) == (same.cost, same.simulations, same.curve)


@pytest.mark.parametrize("name", ["random", *LEARN])
def test_another_seed_draws_others(name: str) -> None:
    curves = {place(name, layered(seed=2), seed).curve for seed in range(3)}
    assert len(curves) > 1


@pytest.mark.parametrize("name", NAMES)
def test_a_budget_of_one_is_kept(name: str) -> None:
    assert place(name, case_of(name, seed=3), budget=Budget(1)).simulations == 1


@pytest.mark.parametrize("name", NAMES)
def test_where_nothing_fits_the_placement_is_infeasible(name: str) -> None:
    instance = case_of(name, seed=4, memory_bytes=250 if name == "cp_sat" else 500)
    problem = problem_of(instance)
    found = baseline_of(name)(problem, instance, Budget(100), 0)
    costs = problem.costs(found.placement[None, :])
    assert found.cost == np.inf
    assert costs.overflow_bytes[0] > 0
    assert found.curve == ()


@pytest.mark.parametrize("name", ["heft", "m_etf", "m_sct", *LEARN, "metis"])
def test_memory_is_kept_where_one_device_does_not_hold_all(name: str) -> None:
    instance = layered(seed=5, memory_bytes=2000)
    assert place("single", instance).cost == np.inf
    assert place(name, instance).cost < np.inf


@pytest.mark.parametrize("name", IMPROVE)
def test_none_is_worse_than_where_it_starts(name: str) -> None:
    for seed in range(3):
        instance = case_of(name, seed)
        for budget in (Budget(5), BUDGET):
            start = place("single", instance).cost
            assert place(name, instance, seed, budget).cost <= start


@pytest.mark.parametrize("name", ["local_search", "evolutionary", "p3bo"])
def test_search_is_better_than_random(name: str) -> None:
    ours, others = (
        [place(each, layered(seed), seed, Budget(1000)).cost for seed in range(3)]
        for each in (name, "random")
    )
    assert np.prod(np.array(ours) / np.array(others)) < 0.8


KNOWN: dict[str, tuple[Known, int, int]] = {  # devices, ns of a transfer
    "chain": (chain(7, seed=1), 2, 1),
    "chains": (chains(4, 2, 2, seed=2), 2, 1),
    "loads": (loads(7, 3, seed=5), 3, 1),
    "fork_join": (fork_join(5, 10, 4), 2, 4),
}


@pytest.mark.parametrize("graph", KNOWN)
@pytest.mark.parametrize(
    "name",
    ["exhaustive", *LEARN[:-1], pytest.param(NEVERGRAD, marks=pytest.mark.slow)],  # it is slow
)
def test_the_known_optimum_is_found(name: str, graph: str) -> None:
    known, devices, transfer_ns = KNOWN[graph]
    instance = instance_of(known.graph, equal_devices(devices, transfer_ns))
    assert place(name, instance, budget=Budget(2500)).cost == known.step_ns


def test_local_search_comes_close_to_how_to_spread_many_chains() -> None:
    known = chains(8, 3, 4, seed=2)
    instance = instance_of(known.graph, equal_devices(4))
    found = place("local_search", instance, budget=Budget(20_000))
    assert known.step_ns <= found.cost <= 1.02 * known.step_ns


@pytest.mark.parametrize("name", [name for name in [*NAMES, "exhaustive"] if name in BASELINES])
def test_a_problem_without_operators(name: str) -> None:
    problem = separable(groups=5, devices=3)
    if name in BY_OPERATORS:
        with pytest.raises(
            ValueError,
            match=r"^\S+ places by operators, which the problem 'separable' does not have\.$",
        ):
            baseline_of(name)(problem, None, BUDGET, 0)
        return
    found = baseline_of(name)(problem, None, BUDGET, 0)
    assert found.cost == problem.cost(found.placement)
    if name in ("exhaustive", "local_search", "evolutionary", "p3bo"):
        assert found.cost == 5


@pytest.mark.parametrize("name", ["local_search", "evolutionary", "p3bo"])
def test_more_placements_than_63_bits_count(name: str) -> None:
    problem = separable(groups=150, devices=4)
    found = baseline_of(name)(problem, None, Budget(3000), 0)
    assert found.cost < 0.7 * baseline_of("random")(problem, None, Budget(3000), 0).cost


def test_what_a_device_cannot_run_goes_to_the_fastest_that_can() -> None:
    problem = problem_of(layered(seed=1))
    groups = len(problem.groups.names)
    assert on_allowed(problem, np.full(groups, 1)).tolist() == [2] + [1] * (groups - 1)
    assert on_allowed(problem, np.full(groups, 0)).tolist() == [0] * (groups - 1) + [1]


def test_too_many_placements_to_try_all() -> None:
    with pytest.raises(
        ValueError,
        match=r"^The problem 'separable' has 243 placements; to try all of them the budget must be "
        r"that many, not 242\.$",
    ):
        baseline_of("exhaustive")(separable(5, 3), None, Budget(242), 0)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^There is no baseline 'heff' \(known: single, random, "):
        baseline_of("heff")
    with pytest.raises(ValueError, match=r"^Nevergrad has no optimizer 'TwoPointDE'\."):
        baseline_of("nevergrad:TwoPointDE")

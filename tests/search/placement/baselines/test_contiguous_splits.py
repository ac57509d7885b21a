"""Contiguous parts against all of them, cut by hand."""

import itertools

import numpy as np
import pytest

from apollo.search.placement.baselines.contiguous import contiguous_placements
from apollo.search.placement.baselines.orders import spectral
from apollo.search.placement.problem import Costs, GroupGraph, Ints, LinkTimes, PlacementProblem


def problem_of(
    compute: Ints, edges: Ints, memory: Ints, room: int, devices: int
) -> PlacementProblem:
    """Groups whose cost is the heaviest device: compute, and half of every transfer at its ends."""
    count = len(compute)
    groups = GroupGraph(
        tuple(map(str, range(count))),
        np.repeat(compute[:, None], devices, axis=1),
        np.ones((count, devices), np.bool_),
        memory,
        np.ones(count, np.int64),
        *edges.T,
    )
    apart = 1 - np.eye(devices, dtype=np.int64)

    def costs(placements: Ints) -> Costs:
        load = np.stack([(compute * (placements == d)).sum(axis=1) for d in range(devices)], axis=1)
        held = np.stack([(memory * (placements == d)).sum(axis=1) for d in range(devices)], axis=1)
        heavy = load.astype(float)
        for source, target, size in edges.tolist():
            one, two = placements[:, source], placements[:, target]
            for end in (one, two):
                heavy[np.arange(len(heavy)), end] += np.where(one != two, (3 + 2 * size) / 2, 0)
        return Costs(heavy.max(axis=1), np.maximum(held - room, 0).sum(axis=1))

    names = tuple(f"device{number}" for number in range(devices))
    capacity = np.full(devices, room)
    return PlacementProblem(
        "cut", names, capacity, groups, costs, LinkTimes(3 * apart, 2.0 * apart)
    )


def random_problem(seed: int, room: int = 1000, groups: int = 9) -> PlacementProblem:
    """A chain of groups with some edges more, on three devices."""
    generator = np.random.default_rng(seed)
    pairs = {(n, n + 1) for n in range(groups - 1)}
    more = generator.integers(0, groups, (6, 2)).tolist()
    pairs |= {(min(pair), max(pair)) for pair in more if pair[0] != pair[1]}
    edges = np.array([(*pair, generator.integers(0, 20)) for pair in sorted(pairs)])
    compute, memory = generator.integers(1, 100, (2, groups))
    return problem_of(compute, edges, memory, room, devices=3)


def best_cut(problem: PlacementProblem, parts: int) -> float:
    """The least cost of all cuts of the order into so many parts."""
    count = len(problem.groups.names)
    cuts = np.array(list(itertools.combinations(range(1, count), parts - 1)))
    placements = (np.arange(count)[None, None, :] >= cuts[:, :, None]).sum(axis=1)
    return float(problem.costs(placements).ranked.min())


@pytest.mark.parametrize("room", [1000, 250])
@pytest.mark.parametrize("seed", range(8))
def test_no_cut_of_a_chain_is_better(seed: int, room: int) -> None:
    problem = random_problem(seed, room)
    best = {parts: best_cut(problem, parts) for parts in (2, 3)}
    found = contiguous_placements(problem)
    costs = problem.costs(found).ranked
    assert np.isfinite(costs).all()
    for parts, cost in best.items():  # a chain has one order from its beginning to its end
        in_order = [(np.diff(split) >= 0).all() and split[-1] == parts - 1 for split in found]
        assert costs[in_order].min(initial=np.inf) == cost


def test_what_reads_nothing_is_beside_its_reader() -> None:
    """Weights first, then the operators that read one each: the other order cuts no weight off."""
    edges = np.array([(n, n + 4, 50) for n in range(4)] + [(n, n + 1, 1) for n in range(4, 7)])
    compute = np.array([1, 1, 1, 1, 9, 9, 9, 9])
    problem = problem_of(compute, edges, np.ones(8, np.int64), 100, devices=2)
    found = contiguous_placements(problem)
    best = found[problem.costs(found).cost.argmin()]
    assert best.tolist() == [0, 0, 1, 1, 0, 0, 1, 1]


def test_an_order_that_says_nothing_is_grown_anew() -> None:
    """A chain in a drawn order: the best split cuts one of its edges."""
    names = np.random.default_rng(1).permutation(12)
    pairs = np.stack([names[:-1], names[1:], np.full(11, 30)], axis=1)
    problem = problem_of(np.full(12, 9), pairs, np.ones(12, np.int64), 100, devices=2)
    found = contiguous_placements(problem)
    assert problem.costs(found).cost.min() == 6 * 9 + (3 + 2 * 30) / 2


def test_there_may_be_no_split() -> None:
    assert contiguous_placements(random_problem(0, room=20)).shape == (0, 9)


def test_a_spectral_order_follows_a_chain() -> None:
    """A chain in a drawn order comes out as the chain, from the end with the lower number."""
    chain = np.random.default_rng(2).permutation(15)
    taken = np.zeros((15, 15))
    taken[chain[:-1], chain[1:]] = taken[chain[1:], chain[:-1]] = np.arange(3.0, 17.0)
    assert spectral(taken).tolist() == (chain if chain[0] < chain[-1] else chain[::-1]).tolist()


def test_a_spectral_order_keeps_parts_apart_that_exchange_nothing() -> None:
    taken = np.zeros((6, 6))
    for one, two in ((0, 3), (3, 5), (1, 4), (4, 2)):
        taken[one, two] = taken[two, one] = 7.0
    order = spectral(taken).tolist()
    assert {frozenset(order[:3]), frozenset(order[3:])} == {
        frozenset({0, 3, 5}),
        frozenset({1, 2, 4}),
    }


@pytest.mark.parametrize("groups", [1, 2, 3])
def test_a_spectral_order_of_few_or_silent_groups_has_all(groups: int) -> None:
    assert sorted(spectral(np.zeros((groups, groups)))) == list(range(groups))

"""What parts weigh, against counting by hand; parts on devices of another kind, against all."""

import itertools

import numpy as np
import pytest

from apollo.search.placement.baselines.contiguous import contiguous_placements
from apollo.search.placement.baselines.shares import kinds_of
from apollo.search.placement.partition.contiguous import place_linear
from apollo.search.placement.partition.problem import partition_problem
from apollo.search.placement.partition.read import partition_graphs, read_partition_file
from apollo.search.placement.problem import (
    Costs,
    GroupGraph,
    Ints,
    LinkTimes,
    PlacementProblem,
    nets_of,
)

HOST = 2  # a device that is slower, and in whose memory the two others read


def problem_of(seed: int, groups: int = 8) -> PlacementProblem:
    """A chain with tensors that several read; transfers cost accelerators, and the host nothing."""
    generator = np.random.default_rng(seed)
    pairs = {(n, n + 1) for n in range(groups - 1)}
    more = generator.integers(0, groups, (8, 2)).tolist()
    pairs |= {(min(pair), max(pair)) for pair in more if pair[0] != pair[1]}
    source, target = np.array(sorted(pairs)).T
    sizes = generator.integers(1, 40, groups)[source]  # a group writes one tensor
    fast = generator.integers(1, 60, groups)
    compute = np.stack([fast, fast, 3 * fast], axis=1)
    crossed = np.array([[0, 2, 1], [2, 0, 1], [1, 1, 0]])

    def costs(placements: Ints) -> Costs:
        loads = [_loads(placement, compute, source, target, sizes) for placement in placements]
        return Costs(np.array(loads).max(axis=1), np.zeros(len(placements), np.int64))

    graph = GroupGraph(
        tuple(map(str, range(groups))),
        compute,
        np.ones_like(compute, np.bool_),
        np.ones(groups, np.int64),
        sizes,
        source,
        target,
        sizes,
        nets_of(source, source, target, sizes),
    )
    links = LinkTimes(np.zeros((3, 3), np.int64), crossed.astype(float))
    return PlacementProblem("host", ("one", "two", "host"), np.full(3, 99), graph, costs, links)


def _loads(placement: Ints, compute: Ints, source: Ints, target: Ints, sizes: Ints) -> list[float]:
    """Of every device: compute, and once every tensor that crosses its border."""
    loads = [float(compute[placement == device, device].sum()) for device in range(3)]
    for group in range(len(placement)):
        own = int(placement[group])
        elsewhere = {int(device) for device in placement[target[source == group]]} - {own}
        size = int(sizes[source == group][0]) if elsewhere else 0
        for device in ({own} | elsewhere if elsewhere else set()) - {HOST}:
            loads[device] += size
    return loads


@pytest.mark.parametrize("seed", range(6))
def test_a_part_weighs_what_it_takes_and_what_crosses_its_border(seed: int) -> None:
    problem = problem_of(seed)
    kinds, order = kinds_of(problem, np.array([0, 1])), np.arange(8)
    fast, other = (kind.weights_ns(order) for kind in kinds)
    for begin, end in itertools.combinations(range(9), 2):
        inside = (order >= begin) & (order < end)
        rows = problem.groups
        alone = _loads(
            np.where(inside, 0, 1), rows.compute_ns, rows.source, rows.target, rows.edge_bytes
        )
        assert fast[begin, end] == alone[0]
        assert other[begin, end] == rows.compute_ns[inside, HOST].sum()


@pytest.mark.parametrize("seed", range(6))
def test_a_slower_device_has_a_part_where_that_is_lighter(seed: int) -> None:
    """No way to cut the chain, each device with one part at most, is lighter."""
    problem = problem_of(seed)
    best = np.inf
    for devices in itertools.permutations(range(3)):
        for cuts in itertools.combinations_with_replacement(range(9), 2):
            part = (np.arange(8)[:, None] >= cuts).sum(axis=1)
            best = min(best, problem.cost(np.array(devices)[part]))
    found = contiguous_placements(problem)
    singles = [problem.cost(np.full(8, device)) for device in range(3)]
    assert min(problem.costs(found).cost.min(), *singles) <= best


def test_no_part_has_a_group_that_its_device_cannot_run() -> None:
    problem = problem_of(0)
    problem.groups.allowed[3, HOST] = False
    other = kinds_of(problem, np.array([0, 1])).other.weights_ns(np.arange(8))
    assert np.isinf(other[:4, 4:]).all()
    assert np.isfinite(other[0, 1:4]).all()


@pytest.mark.parametrize("name", [name for name in partition_graphs() if "throughput" in name])
def test_the_dynamic_program_of_one_order_is_hardly_better(name: str) -> None:
    """It counts with the times of the file, `contiguous` with bytes and a rate for all."""
    graph = read_partition_file(name)
    problem = partition_problem(graph)
    cost = problem.costs(contiguous_placements(problem)).ranked.min()
    assert cost <= 1.0001 * problem.cost(place_linear(graph))

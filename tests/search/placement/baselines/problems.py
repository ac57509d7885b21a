"""Small problems on which something is scarce, for whoever places."""

from dataclasses import replace

import numpy as np

from apollo.arch.cluster import Cluster, Device, Link, Order, pairs
from apollo.search.placement.instance import Instance
from apollo.search.placement.problem import Costs, GroupGraph, Ints, PlacementProblem
from tests.search.placement.cases import instance_of_columns, with_gaps


def layered(
    seed: int,
    operators: int = 40,
    groups: int = 14,
    memory_bytes: int = 10_000,
    order: Order = Order.FIFO,
) -> Instance:
    """A slow host and three devices that are alike, every sender with a queue."""
    generator = np.random.default_rng(seed)
    names = ["host", "gpu0", "gpu1", "gpu2"]
    devices = tuple(Device(n, memory_bytes, gflop_per_s=1, gb_per_s=1) for n in names)
    links = {(one, two): Link(f"{one}->", 500, 20, 3) for one, two in pairs(names)}
    taken = generator.integers(50, 500, operators)
    edges = {
        (int(one), two): int(generator.integers(1, 200))
        for two in range(1, operators)
        for one in generator.integers(max(0, two - 8), two, generator.integers(1, 3))
    }
    drawn = np.sort(generator.integers(0, groups, operators))
    instance = instance_of_columns(
        np.stack([6 * taken, taken, taken, taken], axis=1).tolist(),
        [(one, two, size) for (one, two), size in sorted(edges.items())],
        Cluster("case", devices, links, order),
        group=np.unique(drawn, return_inverse=True)[1].tolist(),
        parameter_bytes=generator.integers(0, 100, operators).tolist(),
        output_bytes=generator.integers(1, 200, operators).tolist(),
    )
    return with_gaps(with_gaps(instance, operator=0, device=1), operators - 1, device=0)


def counted(problem: PlacementProblem) -> tuple[PlacementProblem, list[int]]:
    """The problem, and how many placements each call of its costs was given."""
    calls: list[int] = []

    def costs(placements: Ints) -> Costs:
        calls.append(len(placements))
        return problem.costs(placements)

    return replace(problem, costs=costs), calls


def separable(groups: int, devices: int) -> PlacementProblem:
    """A problem without operators: a cost for every group and device, the best one of them 1."""
    each = np.random.default_rng(0).integers(2, 9, (groups, devices))
    each[np.arange(groups), np.arange(groups) % devices] = 1

    def costs(placements: Ints) -> Costs:
        total = each[np.arange(groups), placements].sum(axis=1).astype(float)
        return Costs(total, np.zeros(len(placements), np.int64))

    numbers = np.arange(groups)
    graph = GroupGraph(
        names=tuple(f"group{number}" for number in numbers),
        compute_ns=each,
        allowed=np.ones((groups, devices), np.bool_),
        memory_bytes=numbers,
        output_bytes=numbers,
        source=numbers[:-1],
        target=numbers[1:],
        edge_bytes=numbers[1:],
    )
    names = tuple(f"device{number}" for number in range(devices))
    return PlacementProblem("separable", names, np.full(devices, 1 << 40), graph, costs)

"""Small placement problems with a step time of their own: list execution in the groups' order."""

from itertools import product

import numba
import numpy as np

from apollo.search.placement.problem import Costs, GroupGraph, LinkTimes, PlacementProblem

FIXED_NS, NS_PER_BYTE = 20_000, 0.5


@numba.njit(cache=True)
def _makespans(placements, compute, first, source, size, memory, room, fixed, per_byte):
    count, groups = placements.shape
    devices = len(room)
    cost, overflow = np.zeros(count), np.zeros(count, np.int64)
    finish = np.zeros(groups)
    for p in range(count):
        free, link, held = np.zeros(devices), np.zeros(devices), np.zeros(devices, np.int64)
        for group in range(groups):
            device = placements[p, group]
            begin = free[device]
            for edge in range(first[group], first[group + 1]):
                maker = source[edge]
                sender = placements[p, maker]
                arrival = finish[maker]
                if sender != device:  # one queue for each sending device
                    link[sender] = max(link[sender], arrival) + fixed + per_byte * size[edge]
                    arrival = link[sender]
                begin = max(begin, arrival)
            finish[group] = begin + compute[group, device]
            free[device] = finish[group]
            held[device] += memory[group]
        cost[p] = finish.max()
        overflow[p] = np.maximum(held - room, 0).sum()
    return cost, overflow


def problem_of(name, compute, edges, sizes, memory, room, allowed=None, knows_links=True):
    groups, devices = compute.shape
    edges = np.array(edges, np.int64).reshape(-1, 2)
    sizes = np.asarray(sizes, np.int64)
    order = np.argsort(edges[:, 1], kind="stable")
    source, target, sizes = edges[order, 0], edges[order, 1], sizes[order]
    first = np.searchsorted(target, np.arange(groups + 1))
    allowed = np.ones(compute.shape, np.bool_) if allowed is None else allowed
    memory, room = np.asarray(memory, np.int64), np.asarray(room, np.int64)

    def costs(placements):
        placements = np.ascontiguousarray(placements, np.int64)
        return Costs(
            *_makespans(
                placements, compute, first, source, sizes, memory, room, FIXED_NS, NS_PER_BYTE
            )
        )

    apart = 1 - np.eye(devices, dtype=np.int64)
    graph = GroupGraph(
        tuple(f"group{number}" for number in range(groups)),
        compute,
        allowed,
        memory,
        np.bincount(source, sizes, groups).astype(np.int64),
        source,
        target,
        sizes,
    )
    return PlacementProblem(
        name,
        tuple(f"device{number}" for number in range(devices)),
        room,
        graph,
        costs,
        LinkTimes(FIXED_NS * apart, NS_PER_BYTE * apart) if knows_links else None,
    )


def random_problem(seed, groups, devices, width=4, tight=False, **arguments):
    """A layered graph of about `width` groups a layer, on devices of two speeds."""
    generator = np.random.default_rng(seed)
    work = generator.lognormal(12, 0.8, groups)
    speed = np.where(np.arange(devices) < (devices + 1) // 2, 1.0, 1.5)
    compute = np.maximum(1, work[:, None] * speed[None, :]).astype(np.int64)
    layer = np.sort(generator.integers(0, max(2, groups // width), groups))
    edges = []
    for group in range(1, groups):
        before = np.flatnonzero(layer < layer[group])
        near = before[-2 * width :]
        if len(near):
            makers = generator.choice(near, min(len(near), int(generator.integers(1, 4))), False)
            edges += [(int(maker), group) for maker in makers]
    sizes = generator.lognormal(11.5, 1, len(edges))
    memory = generator.integers(1, 100, groups)
    room = np.full(devices, int(memory.sum() * (1.3 if tight else 10) / devices))
    return problem_of(f"random{seed}", compute, edges, sizes, memory, room, **arguments)


def recurrent_problem(layers, steps, devices, **arguments):
    """Cells of layers that are unrolled over time, with a large layer at the end of each step."""
    groups, compute, edges, sizes = layers + 1, [], [], []
    for step in range(steps):
        for layer in range(groups):
            number = step * groups + layer
            compute.append(400_000 if layer < layers else 900_000)
            if layer:
                edges.append((number - 1, number))
                sizes.append(200_000)
            if step and layer < layers:
                edges.append((number - groups, number))
                sizes.append(100_000)
    table = np.repeat(np.array(compute, np.int64)[:, None], devices, axis=1)
    room = np.full(devices, 10**6)
    memory = np.ones(len(compute))
    return problem_of(f"rnn{layers}x{steps}", table, edges, sizes, memory, room, **arguments)


def optimum(problem):
    """The least cost of all placements."""
    groups, devices = problem.groups.compute_ns.shape
    every = np.array(list(product(range(devices), repeat=groups)), np.int64)
    return float(problem.costs(every).ranked.min())

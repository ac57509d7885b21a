"""Contiguous parts: an order of the groups is cut where the heaviest part is lightest.

For 2, 3, … of the devices that are alike, by dynamic programming over the ends of parts:

    heaviest(k, j) = min over i of max(heaviest(k - 1, i), weight(i, j))                        (1)

where weight(i, j) is what the groups i..j-1 take on a device, and half of what the tensors across
their border take on a link, as either side pays its half. Parts that exceed a memory weigh
infinitely much. These are the splits of pipelines; the simulator says which one is best.

Three orders are cut: that of the problem; one in which groups come as late as their readers let
them, so that what reads nothing is beside its reader; and one that grows by the group after which
least crosses the border, for graphs whose order says little, as where forward and backward
operators share a group.
"""

import numpy as np

from apollo.search.placement.baselines.devices import device_sets, on_allowed
from apollo.search.placement.baselines.single import single_placements
from apollo.search.placement.found import Budget, Found, Tries
from apollo.search.placement.instance import Instance
from apollo.search.placement.problem import Floats, GroupGraph, Ints, PlacementProblem


def contiguous(
    problem: PlacementProblem, instance: Instance | None, budget: Budget, seed: int
) -> Found:
    """The best of the splits; where none is within the memories, of one device. Draws nothing."""
    placements = contiguous_placements(problem)
    if len(placements) == 0:
        placements = single_placements(problem)
    tries = Tries(problem, budget)
    tries.costs(placements[: tries.left])
    return tries.found()


def contiguous_placements(problem: PlacementProblem) -> Ints:
    """[K, G] The splits of all orders for every number of devices that has one; none twice."""
    count = len(problem.groups.names)
    orders = (np.arange(count), _late(problem.groups), _tight(problem))
    splits = {split.tobytes(): split for order in orders for split in _splits(problem, order)}
    return np.array([*splits.values()], np.int64).reshape(-1, count)


def _splits(problem: PlacementProblem, order: Ints) -> list[Ints]:
    """The splits of an order, those over the fewest devices first."""
    devices, count = device_sets(problem)[0], len(order)
    weight = _weights(problem, devices, order)
    heaviest, begins, splits = weight[0], list[Ints](), list[Ints]()
    for _ in range(2, min(len(devices), count) + 1):
        candidates = np.maximum(heaviest[:, None], weight)
        begins.append(candidates.argmin(axis=0))
        heaviest = candidates.min(axis=0)
        if np.isfinite(heaviest[count]):
            split = np.empty(count, np.int64)
            split[order] = devices[_parts(begins, count)]
            splits.append(on_allowed(problem, split))
    return splits


def _parts(begins: list[Ints], count: int) -> Ints:
    """[G] The part of every place, from where the last part of each split begins."""
    part, end = np.zeros(count, np.int64), count
    for number in range(len(begins), 0, -1):
        begin = int(begins[number - 1][end])
        part[begin:end] = number
        end = begin
    return part


def _weights(problem: PlacementProblem, devices: Ints, order: Ints) -> Floats:
    """[G + 1, G + 1] What places i..j-1 weigh, in ns; infinite where there is no such part."""
    groups, count = problem.groups, len(order)
    place = np.argsort(order)
    compute = np.where(groups.allowed, groups.compute_ns, 0)[:, devices].mean(axis=1)
    taken = np.zeros((count + 1, count + 1))
    ends = place[groups.source] + 1, place[groups.target] + 1
    np.add.at(taken, ends, _transfers_ns(problem, devices))
    both_ways = taken.sum(axis=0) + taken.sum(axis=1)
    up_to = taken.cumsum(axis=0).cumsum(axis=1)
    inside = np.diag(up_to)[:, None] + np.diag(up_to)[None, :] - up_to - up_to.T
    weight = _between(compute[order]) + _between(both_ways[1:]) / 2 - inside
    fits = _between(groups.memory_bytes[order]) <= problem.memory_bytes[devices].min()
    part: Floats = np.where(np.triu(fits, 1), weight, np.inf)
    return part


def _transfers_ns(problem: PlacementProblem, devices: Ints) -> Floats:
    """[E] What the tensors of an edge take from one of the devices to another, by mean."""
    links, pairs = problem.links, len(devices) * (len(devices) - 1)
    if links is None or pairs == 0:
        return np.zeros(len(problem.groups.source))
    among = np.ix_(devices, devices)
    fixed, per_byte = links.fixed_ns[among].sum() / pairs, links.ns_per_byte[among].sum() / pairs
    taken: Floats = fixed + per_byte * problem.groups.edge_bytes
    return taken


def _between(column: Floats | Ints) -> Floats:
    """[G + 1, G + 1] The sum of a column's entries i..j-1."""
    total = np.concatenate([[0.0], np.cumsum(column, dtype=np.float64)])
    sums: Floats = total[None, :] - total[:, None]
    return sums


def _late(groups: GroupGraph) -> Ints:
    """[G] The groups from last to first: each once all of its readers are there; backwards.

    Of those that may come next one that reads nothing is taken, else the one that became so last.
    Readers are those along edges that go forward in the order of the groups.
    """
    count = len(groups.names)
    sources: list[list[int]] = [[] for _ in range(count)]
    readers = [0] * count
    for source, target in zip(groups.source.tolist(), groups.target.tolist(), strict=True):
        if source < target:
            sources[target].append(source)
            readers[source] += 1
    ready, backwards = [group for group in range(count) if readers[group] == 0], list[int]()
    while ready:
        backwards.append(group := ready.pop())
        for source in sources[group]:
            readers[source] -= 1
        free = [source for source in sources[group] if readers[source] == 0]
        ready += sorted(free, key=lambda source: not sources[source])
    return np.array(backwards[::-1], np.int64)


def _tight(problem: PlacementProblem) -> Ints:
    """[G] The groups, each time the one after which least crosses from those before to the rest.

    It begins where the same from the first group ends: at a far end, not amid the graph.
    """
    groups, count = problem.groups, len(problem.groups.names)
    taken = np.zeros((count, count))
    taken_ns = _transfers_ns(problem, device_sets(problem)[0])
    np.add.at(taken, (groups.source, groups.target), taken_ns)
    taken += taken.T
    return _grown(taken, int(_grown(taken, 0)[-1]))


def _grown(taken: Floats, first: int) -> Ints:
    """[G] The order that begins with that group."""
    growth, order = taken.sum(axis=1), np.empty(len(taken), np.int64)
    order[0] = first
    for place in range(1, len(order)):
        growth[order[place - 1]] = np.inf
        growth -= 2 * taken[order[place - 1]]
        order[place] = growth.argmin()
    return order

"""Contiguous parts: an order of the groups is cut where the heaviest part is lightest.

Devices are of two kinds: those that are about as fast as the fastest, and all others. For k parts
on the former and l on the latter, by dynamic programming over the ends of parts:

    heaviest(k, l, j) = min over i of min(max(heaviest(k - 1, l, i), fast(i, j)),
                                          max(heaviest(k, l - 1, i), other(i, j)))              (1)

where fast(i, j) and other(i, j) are what the groups i..j-1 take on a device of that kind, and its
share of what the tensors across their border take on a link. Parts that exceed a memory weigh
infinitely much. These are the splits of pipelines; the simulator says which one is best.

Four orders are cut (`orders.py`): which one fits a graph is not known before its splits are
simulated.
"""

from typing import NamedTuple

import numpy as np

from apollo.search.placement.baselines.devices import device_sets, on_allowed
from apollo.search.placement.baselines.orders import orders_of
from apollo.search.placement.baselines.shares import Kinds, kinds_of
from apollo.search.placement.baselines.single import single_placements
from apollo.search.placement.found import Budget, Found, Tries
from apollo.search.placement.instance import Instance
from apollo.search.placement.problem import Bools, Floats, Ints, PlacementProblem

_MOST_OTHERS = 2  # parts on devices that are not as fast as the others


class _Chain(NamedTuple):
    """The best parts of the first `j` places, for every j in 0..G."""

    heaviest: Floats  # [G + 1] ns, infinite where there are none
    begin: Ints  # [G + 1] of the last part
    by_other: Bools  # [G + 1] whether a device of the other kind has the last part


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
    fast = device_sets(problem)[0]
    kinds = kinds_of(problem, fast)
    splits = {
        split.tobytes(): split
        for order in orders_of(problem, fast)
        for split in _splits(problem, kinds, order)
    }
    return np.array([*splits.values()], np.int64).reshape(-1, count)


def _splits(problem: PlacementProblem, kinds: Kinds, order: Ints) -> list[Ints]:
    """The splits of an order, those over the fewest fast devices first.

    For every number of these there is the one over them alone, and one with parts on others if
    that is lighter.
    """
    chains, splits = _chains(kinds, order), list[Ints]()
    for fast in range(1, len(kinds.fast.devices) + 1):
        heaviest = [chain.heaviest[-1] for (count, _), chain in chains.items() if count == fast]
        others = [0] if fast > 1 and np.isfinite(heaviest[0]) else []
        lightest = int(np.argmin(heaviest))
        for other in [*others, lightest] if lightest else others:
            split = np.empty(len(order), np.int64)
            split[order] = _devices(chains, kinds, (fast, other))
            splits.append(on_allowed(problem, split))
    return splits


def _chains(kinds: Kinds, order: Ints) -> dict[tuple[int, int], _Chain]:
    """For every number of parts on devices of the two kinds (1)."""
    weights = [kind.weights_ns(order) for kind in kinds]
    count = len(order) + 1
    start = _Chain(np.full(count, np.inf), np.zeros(count, np.int64), np.zeros(count, np.bool_))
    start.heaviest[0] = 0
    chains = {(0, 0): start}
    others = min(len(kinds.other.devices), _MOST_OTHERS)
    for fast in range(len(kinds.fast.devices) + 1):
        for other in range(fast == 0, others + 1):
            before = (fast - 1, other), (fast, other - 1)
            chains[fast, other] = _longer([chains.get(one) for one in before], weights)
    return chains


def _longer(shorter: list[_Chain | None], weights: list[Floats]) -> _Chain:
    """A part more, on a device of one kind or the other; on a fast one where both are equal."""
    ways = []
    for number, (chain, weight) in enumerate(zip(shorter, weights, strict=True)):
        if chain is not None:
            candidates = np.maximum(chain.heaviest[:, None], weight)
            by_other = np.full(len(weight), number == 1)
            ways.append(_Chain(candidates.min(axis=0), candidates.argmin(axis=0), by_other))
    best = np.argmin([way.heaviest for way in ways], axis=0)
    return _Chain(*(np.choose(best, columns) for columns in zip(*ways, strict=True)))


def _devices(chains: dict[tuple[int, int], _Chain], kinds: Kinds, parts: tuple[int, int]) -> Ints:
    """[G] The device of every place, from where the last part begins to the first part."""
    end = len(chains[parts].heaviest) - 1
    devices = np.zeros(end, np.int64)
    fast, other = parts
    while end:
        chain = chains[fast, other]
        begin, by_other = int(chain.begin[end]), bool(chain.by_other[end])
        fast, other = fast - (not by_other), other - by_other
        devices[begin:end] = kinds.other.devices[other] if by_other else kinds.fast.devices[fast]
        end = begin
    return devices

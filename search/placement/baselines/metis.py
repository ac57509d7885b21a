"""Min-cut: parts of balanced work between which the fewest bytes go, by METIS.

G. Karypis, V. Kumar, "A fast and high quality multilevel scheme for partitioning irregular graphs"
(SIAM J. Sci. Comput. 20, 1998). Vertices are groups, weighted by their time on the fastest device;
edges are weighted by bytes, in either direction. A part is as large as its device is fast. Ours:
what does not fit the memories is repaired (`repair.py`), by parameters, then with outputs too.
"""

import numpy as np

from apollo.search.placement.baselines.devices import device_sets, on_allowed, slowness
from apollo.search.placement.baselines.repair import repaired
from apollo.search.placement.found import Budget, Found, Tries
from apollo.search.placement.instance import Instance
from apollo.search.placement.problem import Floats, Ints, PlacementProblem

_LARGEST = 1 << 20  # of a weight: METIS adds them in 32 bits
_PARTITIONS = 8  # by seeds


def metis(problem: PlacementProblem, instance: Instance | None, budget: Budget, seed: int) -> Found:
    """The best of some partitions over the devices that are alike, and over all."""
    tries, groups = Tries(problem, budget), problem.groups
    demands = (groups.memory_bytes, groups.memory_bytes + groups.output_bytes)
    for number in range(_PARTITIONS):
        for devices in device_sets(problem):
            placement = on_allowed(problem, partition(problem, devices, seed + number))
            for demand in (None, *demands):
                if demand is not None:
                    placement = repaired(problem, placement, demand)
                if tries.left == 0:
                    return tries.found()
                if tries.costs(placement[None, :]).overflow_bytes[0] == 0:
                    break
    return tries.found()


def partition(problem: PlacementProblem, devices: Ints, seed: int) -> Ints:
    """[G] One of these devices for every group."""
    if len(devices) == 1:
        return np.full(len(problem.groups.names), devices[0])
    import pymetis  # loads a library

    first, neighbours, weights = _neighbours(problem)
    speeds = 1 / slowness(problem)[devices]
    parts = pymetis.part_graph(
        len(devices),
        pymetis.CSRAdjacency(first.tolist(), neighbours.tolist()),
        vweights=_work(problem).tolist(),
        eweights=weights.tolist(),
        tpwgts=(speeds / speeds.sum()).tolist(),
        recursive=False,
        options=pymetis.Options(seed=seed % (1 << 31)),
    ).vertex_part
    return devices[np.array(parts, np.int64)]


def _work(problem: PlacementProblem) -> Ints:
    """[G] The weight of every vertex, at least 1."""
    groups = problem.groups
    taken = np.where(groups.allowed, groups.compute_ns, np.iinfo(np.int64).max).min(axis=1)
    return _scaled(np.asarray(taken, float))


def _neighbours(problem: PlacementProblem) -> tuple[Ints, Ints, Ints]:
    """The undirected graph by rows: `first` [G + 1], neighbours and weights."""
    groups, count = problem.groups, len(problem.groups.names)
    one = np.concatenate([groups.source, groups.target])
    two = np.concatenate([groups.target, groups.source])
    key, where = np.unique(one * count + two, return_inverse=True)
    size = np.zeros(len(key))
    np.add.at(size, where, np.tile(groups.edge_bytes, 2))
    first: Ints = np.searchsorted(key // count, np.arange(count + 1))
    return first, key % count, _scaled(size)


def _scaled(weights: Floats) -> Ints:
    """As integers of at least 1."""
    scale = min(1.0, _LARGEST / max(float(weights.max(initial=0)), 1.0))
    scaled: Ints = np.maximum(1, np.rint(weights * scale)).astype(np.int64)
    return scaled

"""Orders of the groups in which those that belong together are near each other, to be cut.

- that of the problem;
- *late*: groups come as late as their readers let them, so that what reads nothing is beside its
  reader;
- *tight*: it grows by the group after which least crosses the border;
- *spectral*: by the eigenvector of the second least eigenvalue of the Laplacian, which puts what
  exchanges much close together (M. Fiedler 1973; J. E. Atkins, E. G. Boman, B. Hendrickson, "A
  spectral algorithm for seriation and the consecutive ones problem", 1998).

The last two are for graphs whose order says little, as where forward and backward operators share a
group.
"""

import numpy as np

from apollo.search.placement.baselines.shares import transfers_ns
from apollo.search.placement.problem import Floats, GroupGraph, Ints, PlacementProblem

_LOOSE = 1e-9  # of the heaviest edge, between any two groups: so that all hang together
_DIGITS = 9  # of an eigenvector whose last ones are noise


def orders_of(problem: PlacementProblem, fast: Ints) -> tuple[Ints, ...]:
    """All of them, [G] each, with what tensors take between the fast devices."""
    taken_ns = _exchanged_ns(problem, fast)
    given: Ints = np.arange(len(taken_ns))
    return given, late(problem.groups), tight(taken_ns), spectral(taken_ns)


def _exchanged_ns(problem: PlacementProblem, fast: Ints) -> Floats:
    """[G, G] What the tensors between two groups take, either way."""
    groups, count = problem.groups, len(problem.groups.names)
    taken = np.zeros((count, count))
    taken_ns = transfers_ns(problem, groups.edge_bytes, fast, fast)
    np.add.at(taken, (groups.source, groups.target), taken_ns)
    return taken + taken.T


def late(groups: GroupGraph) -> Ints:
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


def tight(taken: Floats) -> Ints:
    """[G] The groups, each time the one after which least crosses from those before to the rest.

    It begins where the same from the first group ends: at a far end, not amid the graph.
    """
    return _grown(taken, int(_grown(taken, 0)[-1]))


def spectral(taken: Floats) -> Ints:
    """[G] The groups as they lie along the line on which near ones exchange most."""
    joined = taken + _LOOSE * taken.max()
    np.fill_diagonal(joined, 0)
    laplacian = np.diag(joined.sum(axis=1)) - joined
    place = np.linalg.eigh(laplacian).eigenvectors[:, min(1, len(taken) - 1)]
    order: Ints = np.argsort(np.round(place, _DIGITS), kind="stable")
    return order if order[0] <= order[-1] else order[::-1].copy()


def _grown(taken: Floats, first: int) -> Ints:
    """[G] The order that begins with that group."""
    growth, order = taken.sum(axis=1), np.empty(len(taken), np.int64)
    order[0] = first
    for place in range(1, len(order)):
        growth[order[place - 1]] = np.inf
        growth -= 2 * taken[order[place - 1]]
        order[place] = growth.argmin()
    return order

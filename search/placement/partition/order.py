"""Topological order, depth first: of the nodes that may come next, the one that became so last."""

import numpy as np

from apollo.search.placement.problem import Ints


def topological_order(nodes: int, ends: Ints) -> tuple[Ints, list[int]]:
    """The nodes, each behind the sources of its edges [E, 2]; and a cycle, if there is one."""
    targets: list[list[int]] = [[] for _ in range(nodes)]
    waiting = [0] * nodes
    for source, target in ends.tolist():
        targets[source].append(target)
        waiting[target] += 1
    ready = [node for node in range(nodes) if waiting[node] == 0]
    order = []
    while ready:
        node = ready.pop()
        order.append(node)
        for target in targets[node]:
            waiting[target] -= 1
            if waiting[target] == 0:
                ready.append(target)
    stuck = sorted(set(range(nodes)) - set(order))
    return np.array(order, dtype=np.int64), _cycle(set(stuck), ends)


def _cycle(stuck: set[int], ends: Ints) -> list[int]:
    """A cycle among nodes of which each has a source among them."""
    before = {target: source for source, target in ends.tolist() if source in stuck}
    path: list[int] = []
    node = min(stuck, default=-1)
    while stuck and node not in path:
        path.append(node)
        node = before[node]
    return path[path.index(node) :][::-1] if path else []

"""Groups merged into fewer, and what a placement of those means for the groups."""

import numpy as np

from apollo.search.placement.problem import GroupGraph, Ints


def in_order(slot: Ints) -> Ints:
    """The slot of every group [G], numbered from 0 in the order of the first group of each."""
    _, first, which = np.unique(slot, return_index=True, return_inverse=True)
    number = np.empty(len(first), np.int64)
    number[np.argsort(first)] = np.arange(len(first))
    return number[which]


def merged(groups: GroupGraph, slot: Ints) -> GroupGraph:
    """The graph of slots, numbered as `in_order` does.

    A slot may go where all of its groups may, or if they share no device, where any of them may.
    A group that may not go there counts as on its fastest device, as `spread` will place it.
    """
    count = int(slot.max()) + 1
    fastest = np.where(groups.allowed, groups.compute_ns, np.iinfo(np.int64).max).min(axis=1)
    taken = np.where(groups.allowed, groups.compute_ns, fastest[:, None])
    able = _summed(groups.allowed.astype(np.int64), slot, count)
    members = np.bincount(slot, minlength=count)[:, None]
    every = able == members
    one, two = slot[groups.source], slot[groups.target]
    between = one != two
    key, where = np.unique((one * count + two)[between], return_inverse=True)
    return GroupGraph(
        names=tuple(f"slot{number}" for number in range(count)),
        compute_ns=_summed(taken, slot, count),
        allowed=np.where(every.any(axis=1, keepdims=True), every, able > 0),
        memory_bytes=_summed(groups.memory_bytes, slot, count),
        output_bytes=_summed(groups.output_bytes, slot, count),
        source=key // count,
        target=key % count,
        edge_bytes=_summed(groups.edge_bytes[between], where, len(key)),
    )


def spread(groups: GroupGraph, slot: Ints, device: Ints) -> Ints:
    """The placement [G] of groups whose slots [S] are on devices; the fastest where one may not."""
    wanted = device[slot]
    fastest = np.where(groups.allowed, groups.compute_ns, np.iinfo(np.int64).max).argmin(axis=1)
    return np.where(groups.allowed[np.arange(len(slot)), wanted], wanted, fastest)


def _summed(column: Ints, slot: Ints, count: int) -> Ints:
    total = np.zeros((count, *column.shape[1:]), np.int64)
    np.add.at(total, slot, column)
    return total

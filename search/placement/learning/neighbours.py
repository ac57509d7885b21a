"""The neighbours of a group that are placed before it."""

from typing import NamedTuple

import numpy as np

from apollo.search.placement.problem import Bools, GroupGraph, Ints


class Earlier(NamedTuple):
    """For each of `G` padded groups the earlier neighbours, `K` at most, a power of two."""

    group: Ints  # [G, K]; G where there is none
    edge_bytes: Ints  # [G, K]
    is_input: Bools  # [G, K] whether the group reads from there; else that one reads the group's


def earlier_neighbours(groups: GroupGraph, padded: int, least: int) -> Earlier:
    """The earlier neighbours along edges of both directions, in the order of the groups."""
    later = np.maximum(groups.source, groups.target)
    earlier = np.minimum(groups.source, groups.target)
    by_later = np.argsort(later, kind="stable")
    later, earlier = later[by_later], earlier[by_later]
    place = np.arange(len(later)) - np.searchsorted(later, later)
    most = max(least, 1 << max(0, int(place.max(initial=0))).bit_length())
    index = np.full((padded, most), padded, np.int64)
    size = np.zeros((padded, most), np.int64)
    is_input = np.zeros((padded, most), np.bool_)
    index[later, place] = earlier
    size[later, place] = groups.edge_bytes[by_later]
    is_input[later, place] = groups.target[by_later] == later
    return Earlier(index, size, is_input)

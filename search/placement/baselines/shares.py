"""What stretches of an order weigh on a device of a kind: compute, and its share of transfers.

A tensor between two of the fast devices takes each of them half of its time. Between one of these
and another device the fast one has the same share, and the other one the rest: nothing where, as
with a CPU in whose memory its accelerators read, transfers among its kind are free.
"""

from typing import NamedTuple

import numpy as np

from apollo.search.placement.problem import Bools, Floats, Ints, PlacementProblem


class Kind(NamedTuple):
    """Devices that are taken for alike."""

    problem: PlacementProblem
    devices: Ints  # [D] of the problem
    compute_ns: Floats  # [G] by mean; 0 where a group has to go elsewhere
    refused: Bools  # [G] whether a group is in no part of these devices
    share_ns: Floats  # [T] of every tensor that goes from group to group

    def weights_ns(self, order: Ints) -> Floats:
        """[G + 1, G + 1] What places i..j-1 weigh; infinite where there is no such part."""
        count = len(order)
        if len(self.devices) == 0:
            return np.full((count + 1, count + 1), np.inf)
        room = self.problem.memory_bytes[self.devices].min()
        fits = _between(self.problem.groups.memory_bytes[order]) <= room
        fits &= _between(self.refused[order]) == 0
        weight = _between(self.compute_ns[order]) + self._crossing_ns(order)
        part: Floats = np.where(np.triu(fits, 1), weight, np.inf)
        return part

    def _crossing_ns(self, order: Ints) -> Floats:
        """[G + 1, G + 1] The shares of the tensors with groups both in i..j-1 and elsewhere.

        A tensor has groups in a part when the first of them from i on is before j, and all of them
        when the first of all is not before i and the last is before j: corners of rectangles.
        """
        nets, place = self.problem.groups.nets, np.argsort(order)
        at = place[nets.group]
        by_place = np.lexsort((at, nets.net))
        net, at = nets.net[by_place], at[by_place]
        is_first = np.append(True, net[1:] != net[:-1])[: len(net)]
        is_last = np.append(is_first[1:], True)[: len(net)]
        behind = np.where(is_first, 0, np.roll(at, 1) + 1)
        share_ns = self.share_ns[net]
        crossing = np.zeros((len(order) + 1, len(order) + 1))
        np.add.at(crossing, (behind, at + 1), share_ns)
        np.add.at(crossing, (at + 1, at + 1), -share_ns)
        np.add.at(crossing, (0, at[is_last] + 1), -share_ns[is_last])
        np.add.at(crossing, (at[is_first] + 1, at[is_last] + 1), share_ns[is_last])
        corners: Floats = crossing.cumsum(axis=0).cumsum(axis=1)
        return corners


class Kinds(NamedTuple):
    """The two kinds."""

    fast: Kind
    other: Kind


def kinds_of(problem: PlacementProblem, fast: Ints) -> Kinds:
    """Those devices, and all others, which get no part with a group that they cannot run."""
    groups = problem.groups
    other: Ints = np.setdiff1d(np.arange(len(problem.device_names)), fast)
    sent = groups.nets.sent_bytes
    half = 0.5 * transfers_ns(problem, sent, fast, fast if len(fast) > 1 else other)
    rest = np.maximum(transfers_ns(problem, sent, fast, other) - half, 0)
    taken = np.where(groups.allowed, groups.compute_ns, 0)
    none = np.zeros(len(taken), np.bool_)
    refused = (~groups.allowed[:, other]).sum(axis=1) > 0
    return Kinds(
        Kind(problem, fast, taken[:, fast].mean(axis=1), none, half),
        Kind(problem, other, taken[:, other].sum(axis=1) / max(1, len(other)), refused, rest),
    )


def transfers_ns(problem: PlacementProblem, sent_bytes: Ints, some: Ints, others: Ints) -> Floats:
    """[T] What tensors take between one of some devices and one of others, by mean."""
    links = problem.links
    pairs = [(one, two) for one in some for two in others if one != two]
    if links is None or not pairs:
        return np.zeros(len(sent_bytes))
    ends = tuple(np.array([*pairs, *((two, one) for one, two in pairs)]).T)
    taken: Floats = links.fixed_ns[ends].mean() + links.ns_per_byte[ends].mean() * sent_bytes
    return taken


def _between(column: Floats | Ints | Bools) -> Floats:
    """[G + 1, G + 1] The sum of a column's entries i..j-1."""
    total = np.concatenate([[0.0], np.cumsum(column, dtype=np.float64)])
    sums: Floats = total[None, :] - total[:, None]
    return sums

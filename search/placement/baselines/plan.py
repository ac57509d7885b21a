"""The plan of a list scheduler: which operators ran where and when, were no link ever busy.

What HEFT, ETF and SCT have in common. A group goes where its first operator goes. A device has
room for a group while the parameters and outputs of what it holds stay within its memory, as
Baechi counts; where no device has, a group goes where most is left.
"""

from collections.abc import Sequence

import numpy as np

from apollo.search.placement.costs import CANNOT_RUN
from apollo.search.placement.instance import Instance
from apollo.search.placement.problem import Bools, Floats, Ints, PlacementProblem


def operators_of(name: str, problem: PlacementProblem, instance: Instance | None) -> Instance:
    """The instance, for a method that needs operators. Raises `ValueError` when there is none."""
    if instance is None:
        raise ValueError(
            f"{name} places by operators, which the problem '{problem.name}' does not have."
        )
    return instance


class Plan:
    """Grows by an operator at a time, each after all of its producers."""

    def __init__(self, problem: PlacementProblem, instance: Instance, devices: Ints) -> None:
        """Nothing is planned; groups go to `devices` where these may run them."""
        self.instance = instance
        groups, edges = problem.groups, instance.edges
        self.operators = range(len(instance.graph.names))
        self.group: list[int] = instance.graph.group.tolist()
        self.duration_ns: list[list[int]] = instance.duration_ns.tolist()
        self.placement: list[int] = [-1] * len(groups.names)  # device of every group, or -1
        self.finish_ns: list[int] = [0] * len(self.operators)
        self._held: list[int] = (groups.memory_bytes + groups.output_bytes).tolist()
        self._room: list[int] = problem.memory_bytes.tolist()
        self._devices = [_preferred(row, devices) for row in groups.allowed]
        self._mean_transfer_ns: dict[int, float] = {}  # by size
        self._links = [column.tolist() for column in instance.links]
        self.producers = _rows(edges.first_input, edges.producer)
        self.consumers = _rows(edges.first, edges.consumer)
        sizes = {
            (one, two): size
            for one, row in enumerate(self.consumers)
            for two, size in zip(row, edges.sent_bytes[edges.first[one] :].tolist(), strict=False)
        }
        self.input_bytes = [
            [sizes[one, two] for one in row] for two, row in enumerate(self.producers)
        ]

    def devices_of(self, operator: int) -> Sequence[int]:
        """Where an operator can go: to its group, else where room is, else where most is left."""
        group = self.group[operator]
        if self.placement[group] >= 0:
            return (self.placement[group],)
        devices = [d for d in self._devices[group] if self._room[d] >= self._held[group]]
        return devices or (max(self._devices[group], key=self._room.__getitem__),)

    def transfer_ns(self, size_bytes: int, source: int, target: int) -> int:
        """From the end of a producer until the tensor is there (P5)."""
        if source == target:
            return 0
        _, rate, overhead, latency = (column[source][target] for column in self._links)
        return int(max(1, overhead - (-1000 * size_bytes // rate)) + latency)

    def arrival_ns(self, operator: int, device: int) -> int:
        """When all inputs of an operator are on a device."""
        latest = 0
        for one, size in zip(self.producers[operator], self.input_bytes[operator], strict=True):
            source = self.placement[self.group[one]]
            latest = max(latest, self.finish_ns[one] + self.transfer_ns(size, source, device))
        return latest

    def add(self, operator: int, device: int, start_ns: int) -> None:
        """Run an operator, and let its group stay there."""
        group = self.group[operator]
        if self.placement[group] < 0:
            self.placement[group] = device
            self._room[device] -= self._held[group]
        self.finish_ns[operator] = start_ns + self.duration_ns[operator][device]

    def upward_ranks(self) -> list[float]:
        """HEFT's rank_u: the longest way to the end, by mean durations and mean transfers."""
        mean: list[float] = self.mean_duration_ns().tolist()
        ranks = mean.copy()
        for operator in reversed(self.operators):
            sizes = zip(self.producers[operator], self.input_bytes[operator], strict=True)
            for one, size in sizes:
                way = mean[one] + self.mean_transfer_ns(size) + ranks[operator]
                ranks[one] = max(ranks[one], way)
        return ranks

    def mean_duration_ns(self) -> Floats:
        """[N] Over the devices that can run an operator."""
        durations = self.instance.duration_ns
        mean: Floats = durations.sum(axis=1) / (durations != CANNOT_RUN).sum(axis=1)
        return mean

    def mean_transfer_ns(self, size_bytes: int) -> float:
        """Over all pairs of devices."""
        known = self._mean_transfer_ns.get(size_bytes)
        if known is None:
            devices = range(len(self._room))
            taken = [
                self.transfer_ns(size_bytes, one, two)
                for one in devices
                for two in devices
                if one != two
            ]
            known = self._mean_transfer_ns[size_bytes] = sum(taken) / max(len(taken), 1)
        return known


def _rows(first: Ints, column: Ints) -> list[list[int]]:
    """The column by rows that begin at `first`."""
    return [part.tolist() for part in np.split(column, first[1:-1])]


def _preferred(allowed: Bools, devices: Ints) -> list[int]:
    """Those of the devices that may run a group, else all that may."""
    mine = devices[allowed[devices]]
    return (mine if len(mine) else np.flatnonzero(allowed)).tolist()  # type: ignore[no-any-return]

"""A graph on a cluster: everything that the step time depends on but the placement, as columns."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from apollo.arch.cluster import ANY_KIND, Cluster, Order, pairs
from apollo.search.placement.costs import CANNOT_RUN, durations_ns
from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.problem import Bools, Ints


class Edges(NamedTuple):
    """Edges by producer and by consumer; `first[n]:first[n + 1]` are those of operator `n`."""

    first: Ints  # [N + 1]
    consumer: Ints  # [E]
    sent_bytes: Ints  # [E]
    first_input: Ints  # [N + 1]
    producer: Ints  # [E]


class Links(NamedTuple):
    """Links from device to device."""

    channel: Ints  # [D, D]
    bytes_per_us: Ints  # [D, D]
    overhead_ns: Ints  # [D, D]
    latency_ns: Ints  # [D, D]


@dataclass(frozen=True)
class Instance:
    """What is simulated.

    Raises `ValueError`, one sentence, for an operator without a device and for a device that has
    no memory for any operator.
    """

    graph: OperatorGraph
    cluster: Cluster
    duration_ns: Ints  # [N, D], `CANNOT_RUN` where the device cannot
    order: Order
    rank: Ints  # [N] 0..N-1; the lower, the sooner: of those that were ready at once, or of all

    def __post_init__(self) -> None:
        """Check that all can run somewhere."""
        for number, device in enumerate(self.cluster.devices):
            if (self.duration_ns[:, number] == CANNOT_RUN).all():
                raise ValueError(
                    f"Device '{device.name}' of cluster '{self.cluster.name}' can run no operator "
                    f"of '{self.graph.name}': give it an efficiency_percent of their kinds, or "
                    f"{ANY_KIND}, or a design that runs them."
                )
            if not (self.fits[:, number] & (self.duration_ns[:, number] != CANNOT_RUN)).any():
                raise ValueError(
                    f"Device '{device.name}' of cluster '{self.cluster.name}' has no memory for "
                    f"any operator of '{self.graph.name}' that it can run: the least takes "
                    f"{self._held_bytes.min():,} bytes, not {device.memory_bytes:,}."
                )

    @property
    def fits(self) -> Bools:
        """[N, D] Whether an operator alone fits the memory of a device."""
        return self._held_bytes[:, None] <= self.memory_bytes[None, :]

    @cached_property
    def _held_bytes(self) -> Ints:
        return self.graph.parameter_bytes + self.graph.output_bytes

    @cached_property
    def memory_bytes(self) -> Ints:
        """[D] Of every device."""
        return np.array([device.memory_bytes for device in self.cluster.devices], np.int64)

    @cached_property
    def edges(self) -> Edges:
        """The edges of the graph, by producer and by consumer, doubles as one."""
        graph, count = self.graph, len(self.graph.names)
        key = graph.source * count + graph.target
        _, where = np.unique(key, return_inverse=True)
        sent = np.zeros(int(where.max(initial=-1)) + 1, np.int64)
        np.maximum.at(sent, where, graph.edge_bytes)
        kept = np.unique(key)
        source, target = kept // count, kept % count
        by_target = np.argsort(target, kind="stable")
        return Edges(
            first=np.searchsorted(source, np.arange(count + 1)),
            consumer=target,
            sent_bytes=sent,
            first_input=np.searchsorted(target[by_target], np.arange(count + 1)),
            producer=source[by_target],
        )

    @cached_property
    def links(self) -> Links:
        """The links of the cluster; those of a device to itself are never used."""
        names = [device.name for device in self.cluster.devices]
        number = {name: index for index, name in enumerate(names)}
        channels = {name: index for index, name in enumerate(self.cluster.channels)}
        shape = (len(names), len(names))
        links = Links(*(np.zeros(shape, np.int64) for _ in Links._fields))
        links.bytes_per_us[:] = 1
        for pair in pairs(names):
            link, at = self.cluster.links[pair], (number[pair[0]], number[pair[1]])
            links.channel[at] = channels[link.channel]
            links.bytes_per_us[at] = link.bytes_per_us
            links.overhead_ns[at] = link.overhead_ns
            links.latency_ns[at] = link.latency_ns
        return links


def instance_of(
    graph: OperatorGraph, cluster: Cluster, micro_batch: Ints | None = None
) -> Instance:
    """The graph on the cluster.

    By rank those come first that have the longest way to the end (HEFT's order). Where the
    `micro_batch` [N] of every operator is given, a device always starts the earliest of them.

    Raises `ValueError`, one sentence, as `Instance` and `durations_ns` do.
    """
    durations = durations_ns(graph, cluster)
    operators = np.arange(len(durations))
    if micro_batch is not None:
        way = -_longest_way(graph, durations)
        order = np.lexsort((operators, way, micro_batch))
        return Instance(graph, cluster, durations, Order.RANK, _places(order))
    if cluster.order is Order.FIFO:
        return Instance(graph, cluster, durations, Order.FIFO, operators)
    order = np.lexsort((operators, -_longest_way(graph, durations)))
    return Instance(graph, cluster, durations, Order.RANK, _places(order))


def _places(order: Ints) -> Ints:
    """The place of every operator in an order."""
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    return places


def _longest_way(graph: OperatorGraph, durations: Ints) -> Ints:
    """[N] The longest way from an operator's start to the end, by mean durations."""
    can = durations != CANNOT_RUN
    mean = durations.sum(axis=1) // can.sum(axis=1)
    longest: Ints = mean.copy()
    for edge in np.argsort(graph.source, kind="stable")[::-1]:
        one, two = graph.source[edge], graph.target[edge]
        longest[one] = max(longest[one], mean[one] + longest[two])
    return longest

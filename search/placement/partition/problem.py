"""Partition graphs as placement problems, for every optimizer that there is."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from apollo.search.placement.partition.devices import Devices, devices_of
from apollo.search.placement.partition.graph import PartitionGraph
from apollo.search.placement.partition.kernels.overflow import overflow
from apollo.search.placement.partition.objectives import Objective, objective_of
from apollo.search.placement.partition.read import read_partition_file
from apollo.search.placement.problem import (
    Costs,
    GroupGraph,
    Ints,
    LinkTimes,
    PlacementProblem,
    nets_of,
)
from apollo.search.placement.units import NS_PER_MS


def partition_problem(
    graph: str | Path | PartitionGraph, objective: Objective | str = Objective.MAX_LOAD
) -> PlacementProblem:
    """A graph, or a file or name of one, to be placed for `max_load` or `latency`.

    Costs are in milliseconds. Max-load has a device for every CPU core; for latency all cores are
    one device, as none of their nodes waits for another. Raises `ValueError` for an invalid file
    or an unknown objective.
    """
    if not isinstance(graph, PartitionGraph):
        graph = read_partition_file(graph)
    if objective not in list(Objective):
        raise ValueError(f"Objective must be max_load or latency, not '{objective}'.")
    objective = Objective(objective)
    cpus = graph.cpus if objective is Objective.MAX_LOAD else min(graph.cpus, 1)
    devices = devices_of(graph, cpus)
    return PlacementProblem(
        name=f"{graph.name} {objective}",
        device_names=devices.names,
        memory_bytes=devices.capacity_bytes,
        groups=_group_graph(graph, devices),
        costs=_Costs(graph, devices, objective),
        links=_link_times(graph, len(devices.names)),
    )


@dataclass(frozen=True)
class _Costs:
    """Cost and lacking memory of placements; it can be pickled."""

    graph: PartitionGraph
    devices: Devices
    objective: Objective

    def __call__(self, placements: Ints) -> Costs:
        """[P, G] -> costs in milliseconds."""
        devices = self.devices
        placements = np.ascontiguousarray(placements, dtype=np.int64)
        if placements.size and not 0 <= placements.min() <= placements.max() < len(devices.names):
            raise ValueError(f"Devices must be numbers in 0..{len(devices.names) - 1}.")
        lacking: Ints = np.zeros(len(placements), dtype=np.int64)
        memory = self._memory_bytes
        overflow(placements, memory, devices.allowed, devices.capacity_bytes, lacking)
        return Costs(self._objective(placements) / NS_PER_MS, lacking)

    @cached_property
    def _memory_bytes(self) -> Ints:
        return self.graph.of_groups(self.graph.size_bytes)

    @cached_property
    def _objective(self) -> Callable[[Ints], Ints]:
        return objective_of(self.graph, self.devices, self.objective)


def _link_times(graph: PartitionGraph, devices: int) -> LinkTimes:
    """An output goes out of an accelerator and into one; between CPUs it need not go at all.

    The files have a time for every edge, and all of a file have the same bytes a second but for
    rounding: the mean is what a byte takes. Where the files have no bytes nothing is known.
    """
    borders = (np.arange(devices) < graph.accelerators).astype(np.float64)
    crossed = borders[:, None] + borders[None, :]
    np.fill_diagonal(crossed, 0)
    sent_ns, sent_bytes = graph.output_ns[graph.source].sum(), graph.edge_bytes.sum()
    ns_per_byte = float(sent_ns) / max(1, int(sent_bytes))
    return LinkTimes(np.zeros_like(crossed, dtype=np.int64), crossed * ns_per_byte)


def _group_graph(graph: PartitionGraph, devices: Devices) -> GroupGraph:
    """The groups; bytes of an edge are those of every output once, as the objectives count."""
    written: Ints = np.zeros(len(graph.names), dtype=np.int64)
    np.maximum.at(written, graph.source, graph.edge_bytes)
    crossing = graph.group[graph.source] != graph.group[graph.target]
    pairs = np.stack([graph.source[crossing], graph.group[graph.target[crossing]]], axis=1)
    pairs = np.unique(pairs, axis=0)
    ends = np.stack([graph.group[pairs[:, 0]], pairs[:, 1]], axis=1)
    edges, place = np.unique(ends, axis=0, return_inverse=True)
    edge_bytes: Ints = np.zeros(len(edges), dtype=np.int64)
    np.add.at(edge_bytes, place.reshape(-1), written[pairs[:, 0]])
    first = np.unique(graph.group, return_index=True)[1]
    return GroupGraph(
        names=tuple(graph.names[node] for node in first),
        compute_ns=devices.compute_ns,
        allowed=devices.allowed,
        memory_bytes=graph.of_groups(graph.size_bytes),
        output_bytes=graph.of_groups(written),
        source=edges[:, 0],
        target=edges[:, 1],
        edge_bytes=edge_bytes,
        shared=nets_of(
            graph.source, graph.group[graph.source], graph.group[graph.target], graph.edge_bytes
        ),
    )

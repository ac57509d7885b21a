"""Splits by human experts, as the paper's authors publish them: nodes of every device."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from apollo.search.placement.partition.graph import PartitionGraph
from apollo.search.placement.partition.read import DATA, Record, read_object
from apollo.search.placement.problem import Ints

NOWHERE = -1


def expert_file(graph: PartitionGraph) -> Path:
    """The file with an expert's split of a graph, by its name.

    A training step without one takes that of inference: backward nodes go along with their colour
    class. Raises `ValueError` when there is neither.
    """
    for name in (graph.name, graph.name.replace("training", "inference")):
        path = DATA / "experts" / f"{name}_expert.json"
        if path.is_file():
            return path
    raise ValueError(f"There is no expert's split of '{graph.name}'.")


def place_as_expert(graph: PartitionGraph, path: str | Path | None = None) -> Ints:
    """[G] The split in a file, or that which comes with Apollo; CPUs are behind accelerators.

    Raises `ValueError`, one sentence, when it is no split of this graph.
    """
    path = path or expert_file(graph)
    what = f"Split '{path}'"
    group_of = dict(zip(graph.ids.tolist(), graph.group.tolist(), strict=True))
    placement: Ints = np.full(graph.groups, NOWHERE, dtype=np.int64)
    for device, node in _nodes(read_object(path), graph, what):
        if node not in group_of:
            raise ValueError(f"{what}: node {node} is not in '{graph.name}'.")
        group = group_of[node]
        if placement[group] not in (NOWHERE, device):
            raise ValueError(f"{what}: the colour class of node {node} is on two devices.")
        placement[group] = device
    for group in np.flatnonzero(placement == NOWHERE):
        node = graph.ids[np.argmax(graph.group == group)]
        raise ValueError(f"{what}: node {node} of '{graph.name}' is on no device.")
    return placement


def _nodes(record: Record, graph: PartitionGraph, what: str) -> Iterator[tuple[int, int]]:
    """Device and node of every entry."""
    kinds = (("fpgas", 0, graph.accelerators), ("cpus", graph.accelerators, graph.cpus))
    for kind, first, count in kinds:
        parts = _parts(record, kind, what)
        if any(parts[count:]):
            raise ValueError(f"{what}: there are {count} {kind}, not {len(parts)}.")
        for number, nodes in enumerate(parts):
            for node in nodes:
                yield first + number, node


def _parts(record: Record, kind: str, what: str) -> list[list[int]]:
    """The nodes of every device of a kind."""
    devices = record.get(kind)
    listed = devices if isinstance(devices, list) else [None]
    parts = [device.get("nodes") if isinstance(device, dict) else None for device in listed]
    for part in parts:
        if not isinstance(part, list) or not all(isinstance(node, int) for node in part):
            raise ValueError(f"{what}: '{kind}' must be devices with a list 'nodes' of numbers.")
    return [part for part in parts if part is not None]

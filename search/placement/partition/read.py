"""Reader of partition graphs: JSON as the paper's authors publish it.

Times are of no stated unit; we take them for milliseconds and round to whole nanoseconds, so that
sums are exact. Sizes are bytes. `colorClass` may be missing: such a node is a group of its own.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from apollo.search.placement.partition.graph import PartitionGraph
from apollo.search.placement.partition.ideals import in_order
from apollo.search.placement.partition.order import topological_order
from apollo.search.placement.problem import Ints
from apollo.search.placement.units import NS_PER_MS

DATA = Path(__file__).resolve().parent.parent / "data" / "partition_graphs"
Record = Mapping[str, Any]


def partition_graphs() -> list[str]:
    """Names of the graphs that come with Apollo, such as `throughput/gnmt_inference`."""
    folders = ("latency", "throughput")
    return [
        f"{folder}/{path.stem}"
        for folder in folders
        for path in sorted((DATA / folder).glob("*.json"))
    ]


def read_partition_file(path: str | Path) -> PartitionGraph:
    """The graph in a file, or that of a name of `partition_graphs`.

    Raises `ValueError`, one sentence, when there is no such file or it is no valid graph.
    """
    if str(path) in partition_graphs():
        path = DATA / f"{path}.json"
    return in_order(_Reader(path, read_object(path)).graph())


def read_object(path: str | Path) -> Record:
    """The object in a JSON file; `ValueError`, one sentence, if there is none."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"There is no partition graph '{path}'.") from None
    except RecursionError:
        raise ValueError(f"Partition graph '{path}' is not readable JSON: too deep.") from None
    except (ValueError, OSError) as error:
        raise ValueError(f"Partition graph '{path}' is not readable JSON: {error}.") from None
    if not isinstance(found, dict):
        raise ValueError(f"Partition graph '{path}' must be a JSON object.")
    return found


class _Reader:
    """Checks fields as it takes them."""

    def __init__(self, path: str | Path, record: Record) -> None:
        self._what = f"Partition graph '{path}'"
        self._name = Path(path).stem
        self._record = record

    def graph(self) -> PartitionGraph:
        """The whole of it, nodes in topological order."""
        nodes, edges = self._list("nodes"), self._list("edges")
        if not nodes:
            raise self._fail("there must be nodes")
        ids = [int(self._number(node, "id", f"node {number}")) for number, node in enumerate(nodes)]
        ends = self._ends(edges, ids)
        outputs = self._outputs(edges, ids)
        order, stuck = topological_order(len(ids), ends)
        if stuck:
            cycle = " -> ".join(str(ids[node]) for node in (*stuck, stuck[0]))
            raise self._fail(f"there is a cycle {cycle}")
        place: Ints = np.argsort(order)
        ends = place[ends]

        def column(field: str, scale: int = 1) -> Ints:
            return self._column([nodes[node] for node in order], field, scale)

        return PartitionGraph(
            name=self._name,
            ids=np.array(ids, dtype=np.int64)[order],
            names=tuple(str(nodes[node].get("name", ids[node])) for node in order),
            accelerator_ns=column("fpgaLatency", NS_PER_MS),
            cpu_ns=column("cpuLatency", NS_PER_MS),
            output_ns=outputs[order],
            size_bytes=column("size"),
            on_accelerator=column("supportedOnFpga") != 0,
            is_backward=column("isBackwardNode") != 0,
            group=_groups([self._colour(nodes[node]) for node in order]),
            source=ends[:, 0],
            target=ends[:, 1],
            edge_bytes=self._edge_bytes(edges),
            accelerators=int(self._limit("maxFPGAs")),
            cpus=int(self._limit("maxCPUs")),
            accelerator_bytes=int(self._limit("maxSizePerFPGA")),
        )

    def _ends(self, edges: Sequence[Record], ids: Sequence[int]) -> Ints:
        """[E, 2] Source and target of every edge, as positions in the file."""
        place = {number: position for position, number in enumerate(ids)}
        if len(place) < len(ids):
            twice = next(number for number in ids if ids.count(number) > 1)
            raise self._fail(f"there must be one node {twice}, not several")
        ends = []
        for number, edge in enumerate(edges):
            for field in ("sourceId", "destId"):
                end = int(self._number(edge, field, f"edge {number}"))
                if end not in place:
                    raise self._fail(f"edge {number} names node {end}, which is not there")
                ends.append(place[end])
        return np.array(ends, dtype=np.int64).reshape(-1, 2)

    def _outputs(self, edges: Sequence[Record], ids: Sequence[int]) -> Ints:
        """[V] The cost of the edges out of every node: it must be one, as there is one output."""
        found: dict[int, int] = {}
        for number, edge in enumerate(edges):
            source = int(edge["sourceId"])
            cost = round(self._number(edge, "cost", f"edge {number}") * NS_PER_MS)
            if found.setdefault(source, cost) != cost:
                raise self._fail(f"edges out of node {source} must have the same cost")
        return np.array([found.get(number, 0) for number in ids], dtype=np.int64)

    def _edge_bytes(self, edges: Sequence[Record]) -> Ints:
        """[E] The size of every edge, which need not be there."""
        sizes = [
            self._number({"size": 0} | dict(edge), "size", f"edge {number}")
            for number, edge in enumerate(edges)
        ]
        return np.array([round(size) for size in sizes], dtype=np.int64)

    def _column(self, nodes: Sequence[Record], field: str, scale: int) -> Ints:
        values = [self._number(node, field, f"node {node['id']}") for node in nodes]
        return np.array([round(value * scale) for value in values], dtype=np.int64)

    def _colour(self, node: Record) -> int | None:
        colour = node.get("colorClass")
        if colour is not None and not isinstance(colour, int):
            raise self._fail(f"colorClass of node {node['id']} must be an integer, not {colour!r}")
        return colour

    def _limit(self, field: str) -> float:
        return self._number(self._record, field, "the graph")

    def _list(self, field: str) -> Sequence[Record]:
        found = self._record.get(field)
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise self._fail(f"'{field}' must be a list of objects")
        return found

    def _number(self, record: Record, field: str, what: str) -> float:
        value = record.get(field)
        if not isinstance(value, int | float) or not 0 <= value < float("inf"):
            said = "is missing" if value is None else f"is {value!r}"
            raise self._fail(f"{field} of {what} must be a number of 0 or more; it {said}")
        return value

    def _fail(self, reason: str) -> ValueError:
        return ValueError(f"{self._what}: {reason}.")


def _groups(colours: Sequence[int | None]) -> Ints:
    """[V] The number of every node's colour class, by first use; without one, a class alone."""
    numbers: dict[object, int] = {}
    keys = [(colour, None if colour is not None else node) for node, colour in enumerate(colours)]
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)

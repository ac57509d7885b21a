"""An operator graph: what is placed, as columns.

`N` operators in a topological order, `E` edges, `G` groups of operators that must share a device.
An operator writes one tensor; an edge says that another operator reads it, or with `edge_bytes` 0
that it only waits for it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import networkx as nx  # type: ignore[import-untyped]
import numpy as np

from apollo.search.placement.problem import Bools, Ints
from apollo.workloads.graph import Graph


@dataclass(frozen=True)
class OperatorGraph:
    """A graph of operators, valid by construction.

    Raises `ValueError`, one sentence, when an edge does not go forward or a column has a wrong
    length; `ordered` brings operators into order and names a cycle.
    """

    name: str
    names: tuple[str, ...]  # [N] unique
    kinds: tuple[str, ...]  # [N] such as `Convolution`; what devices know costs by
    operations: Ints  # [N] arithmetic operations, two a multiply-accumulate
    traffic_bytes: Ints  # [N] read and written: parameters, inputs, output
    parameter_bytes: Ints  # [N] that stay on the device, with optimizer state where it trains
    output_bytes: Ints  # [N] of the tensor written
    group: Ints  # [N] operators of a group share a device; 0..G-1, each used
    is_backward: Bools  # [N]
    source: Ints  # [E]
    target: Ints  # [E] later than `source`
    edge_bytes: Ints  # [E] of the tensor that goes over the edge; 0 for mere order
    # Whose operators have these names: what a device that is a design compiles. None of graphs
    # that are no network, such as published ones.
    network: Graph | None = None

    def __post_init__(self) -> None:
        """Check lengths, order and groups."""
        for column in ("kinds", "operations", "traffic_bytes", "parameter_bytes", "output_bytes"):
            self._check_length(column, len(self.names))
        self._check_length("group", len(self.names))
        self._check_length("is_backward", len(self.names))
        self._check_length("target", len(self.source))
        self._check_length("edge_bytes", len(self.source))
        if len(set(self.names)) < len(self.names):
            raise self._fail("operators must have unique names")
        if len(self.source) and (self.source.min() < 0 or self.target.max() >= len(self.names)):
            raise self._fail("edges must join operators that are there")
        for edge in np.flatnonzero(self.source >= self.target):
            one, two = self.names[self.source[edge]], self.names[self.target[edge]]
            raise self._fail(f"operator '{one}' must come before '{two}', which reads it")
        if len(self.group) == 0 or not np.array_equal(
            np.unique(self.group), np.arange(self.group.max() + 1)
        ):
            raise self._fail("there must be operators, and groups numbered from 0 without a gap")
        for column in ("operations", "traffic_bytes", "parameter_bytes", "output_bytes"):
            if (getattr(self, column) < 0).any():
                raise self._fail(f"{column} must not be negative")

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return int(self.group.max()) + 1

    @cached_property
    def group_names(self) -> tuple[str, ...]:
        """[G] The name of the first operator of every group."""
        _, first = np.unique(self.group, return_index=True)
        return tuple(self.names[operator] for operator in first)

    def _check_length(self, column: str, length: int) -> None:
        if len(getattr(self, column)) != length:
            raise self._fail(f"{column} must have {length} entries")

    def _fail(self, reason: str) -> ValueError:
        return ValueError(f"Operator graph '{self.name}': {reason}.")


def ordered(name: str, names: Sequence[str], edges: Mapping[tuple[str, str], int]) -> list[str]:
    """The names in a topological order that keeps neighbours of the given order together.

    Raises `ValueError`, one sentence, when there is a cycle or an edge to nowhere.
    """
    place = {item: number for number, item in enumerate(names)}
    for one, two in edges:
        for end in (one, two):
            if end not in place:
                raise ValueError(f"Operator graph '{name}': there is no operator '{end}'.")
    flow = nx.DiGraph()
    flow.add_nodes_from(names)
    flow.add_edges_from(edges)
    try:
        return list(nx.lexicographical_topological_sort(flow, key=place.__getitem__))
    except nx.NetworkXUnfeasible:
        cycle = [one for one, _ in nx.find_cycle(flow)]
        path = " -> ".join([*cycle, cycle[0]])
        raise ValueError(f"Operator graph '{name}': there is a cycle {path}.") from None

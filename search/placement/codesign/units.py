"""Where a network may be cut: units of operators that are one program's business.

An operator that rides on the one before it (`compiler/fuse.py`) stays with it, and one without any
instruction (a view, a look-up by the host) with what follows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from apollo.compiler.fuse import fused_into
from apollo.compiler.lower import lower
from apollo.compiler.network import Network
from apollo.compiler.tables import TensorColumn
from apollo.search.placement.codesign.cut import crossing
from apollo.search.placement.codesign.nests import operators_of
from apollo.search.placement.problem import Ints
from apollo.workloads.graph import INT8_BYTES, Graph
from apollo.workloads.shapes import elements


@dataclass(frozen=True)
class Units:
    """A network as a chain of units, in a topological order."""

    graph: Graph
    names: tuple[tuple[str, ...], ...]  # [U] operators of every unit
    width_bytes: Mapping[str, int]  # of an element of a tensor

    def operators(self, first: int, end: int) -> tuple[str, ...]:
        """The operators of the units from the first up to the end."""
        return tuple(name for unit in self.names[first:end] for name in unit)

    @cached_property
    def cut_bytes(self) -> Ints:
        """[U + 1] Of all tensors that go over the cut before each unit; 0 at both ends."""
        count = len(self.names)
        cut = np.zeros(count + 1, np.int64)
        for at in range(1, count):
            before, behind = {*self.operators(0, at)}, {*self.operators(at, count)}
            names = crossing(self.graph, before, behind)
            cut[at] = sum(tensor_bytes(self.graph, name, self.width_bytes) for name in names)
        return cut


def units_of(graph: Graph) -> Units:
    """The units of a network.

    Raises `ValueError`, one sentence, when it has an operator without lowering.
    """
    network, hosts = lower(graph), fused_into(graph)
    computes = {*operators_of(graph, network.layer_names)}
    units: list[list[str]] = []
    where: dict[str, list[str]] = {}  # the unit of an operator that computes
    waiting: list[str] = []
    for item in graph.operators:
        if item.name in hosts:
            where[hosts[item.name]].append(item.name)
        elif item.name in computes:
            where[item.name] = [*waiting, item.name]
            units.append(where[item.name])
            waiting = []
        else:
            waiting.append(item.name)
    units[-1] += waiting
    return Units(graph, tuple(map(tuple, units)), widths_of(network))


def widths_of(network: Network) -> dict[str, int]:
    """Bytes of an element of every tensor that the machine stores, by name."""
    widths = network.tensors[:, TensorColumn.WIDTH]
    return {name: int(widths[number]) for name, number in network.numbers.items()}


def tensor_bytes(graph: Graph, name: str, widths: Mapping[str, int]) -> int:
    """What a tensor takes on its way from chip to chip."""
    return elements(graph.tensor(name).shape) * widths.get(name, INT8_BYTES)

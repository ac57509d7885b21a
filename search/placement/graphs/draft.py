"""A graph of operators in the making.

What an operator reads is a `Tensor`; the bytes of the parts that one operator reads of another add
up to the bytes of their edge. A tensor goes once to a device, with the most bytes that an edge to
it has (docs/placement.md, P5). So an operator may write several tensors where readers of one read
the others, too, as those of a cell's memory read its hidden state: its output is their sum, each
edge carries what is read, and all of them live until the last has been read. What is taken apart
for different readers is so by operators of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from apollo.search.placement.graph import OperatorGraph, ordered
from apollo.search.placement.problem import Ints

INPUT, VARIABLE = "Input", "Variable"  # operators that compute nothing
HELD = (INPUT, VARIABLE)


class Tensor(NamedTuple):
    """What an operator writes, or one of the parts of that."""

    operator: str
    size_bytes: int
    part: str = ""


@dataclass(frozen=True)
class Drafted:
    """An operator and what it reads; fields are those of `OperatorGraph`."""

    name: str
    kind: str
    reads: tuple[Tensor, ...]
    operations: int
    traffic_bytes: int
    parameter_bytes: int
    output_bytes: int
    group: str
    is_backward: bool


class Draft:
    """Collects operators, those read before those that read them, as far as one can.

    Attributes:
        name: of the graph.
        operators: by name, in the order given.

    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.operators: dict[str, Drafted] = {}

    def add(
        self,
        name: str,
        kind: str,
        reads: Iterable[Tensor],
        output_bytes: int,
        operations: int = 0,
        parameter_bytes: int = 0,
        group: str = "",
        traffic_bytes: int | None = None,
        is_backward: bool = False,
    ) -> Tensor:
        """One more operator, and the tensor it writes.

        A tensor read twice is read once. Without a `group` the operator is one of its own; without
        `traffic_bytes` it reads what it reads and its parameters, and writes its output, once.
        """
        if name in self.operators:
            raise ValueError(f"Operator graph '{self.name}': there are two operators '{name}'.")
        parts = tuple(dict.fromkeys(reads))
        if traffic_bytes is None:
            traffic_bytes = parameter_bytes + output_bytes + sum(part.size_bytes for part in parts)
        self.operators[name] = Drafted(
            name=name,
            kind=kind,
            reads=parts,
            operations=operations,
            traffic_bytes=traffic_bytes,
            parameter_bytes=parameter_bytes,
            output_bytes=output_bytes,
            group=group or name,
            is_backward=is_backward,
        )
        return Tensor(name, output_bytes)

    def variable(self, name: str, size_bytes: int, group: str = "") -> Tensor:
        """Weights that several operators read, on one device.

        They are parameters, not an output: where they lie they take room once, and a reader on
        another device gets them over an edge.
        """
        self.add(name, VARIABLE, (), 0, 0, size_bytes, group, traffic_bytes=0)
        return Tensor(name, size_bytes)

    def input(self, name: str, size_bytes: int, group: str = "") -> Tensor:
        """What is given from outside; it is there and costs no time."""
        return self.add(name, INPUT, (), size_bytes, 0, 0, group, traffic_bytes=0)

    @classmethod
    def of(cls, graph: OperatorGraph) -> "Draft":
        """The operators of a graph, to add to; groups have their numbers as labels."""
        draft = cls(graph.name)
        reads: list[list[Tensor]] = [[] for _ in graph.names]
        for source, target, size in zip(graph.source, graph.target, graph.edge_bytes, strict=True):
            reads[target].append(Tensor(graph.names[source], int(size)))
        for number, name in enumerate(graph.names):
            draft.operators[name] = Drafted(
                name=name,
                kind=graph.kinds[number],
                reads=tuple(reads[number]),
                operations=int(graph.operations[number]),
                traffic_bytes=int(graph.traffic_bytes[number]),
                parameter_bytes=int(graph.parameter_bytes[number]),
                output_bytes=int(graph.output_bytes[number]),
                group=str(graph.group[number]),
                is_backward=bool(graph.is_backward[number]),
            )
        return draft

    def graph(self) -> OperatorGraph:
        """The graph, in order; groups are numbered as they first come.

        Raises `ValueError`, one sentence, when there is a cycle or an edge to nowhere.
        """
        edges: dict[tuple[str, str], int] = {}
        for item in self.operators.values():
            for part in item.reads:
                edge = (part.operator, item.name)
                edges[edge] = edges.get(edge, 0) + part.size_bytes
        order = ordered(self.name, list(self.operators), edges)
        items = [self.operators[name] for name in order]
        place = {name: number for number, name in enumerate(order)}
        ends = [(place[source], place[target]) for source, target in edges]
        return OperatorGraph(
            name=self.name,
            names=tuple(order),
            kinds=tuple(item.kind for item in items),
            operations=ints(item.operations for item in items),
            traffic_bytes=ints(item.traffic_bytes for item in items),
            parameter_bytes=ints(item.parameter_bytes for item in items),
            output_bytes=ints(item.output_bytes for item in items),
            group=numbered([item.group for item in items]),
            is_backward=np.array([item.is_backward for item in items], dtype=np.bool_),
            source=ints(source for source, _ in ends),
            target=ints(target for _, target in ends),
            edge_bytes=ints(edges.values()),
        )


def variables(
    draft: Draft, layer: str, values: Mapping[str, int], bytes_per_value: int
) -> dict[str, Tensor]:
    """Variables of so many values by label, in the group `LAYER/weights`."""
    return {
        label: draft.variable(f"{layer}/{label}", count * bytes_per_value, f"{layer}/weights")
        for label, count in values.items()
    }


def sliced(draft: Draft, name: str, whole: Tensor, count: int, group: str) -> list[Tensor]:
    """Equal parts of a tensor, each by an operator that runs where the tensor is."""
    size = whole.size_bytes // count
    return [
        draft.add(
            f"{name}/slice{number}", "Slice", [whole], size, group=group, traffic_bytes=2 * size
        )
        for number in range(count)
    ]


def ints(values: Iterable[int]) -> Ints:
    """A column of integers."""
    return np.fromiter(values, dtype=np.int64)


def numbered(labels: Sequence[object]) -> Ints:
    """[N] The number of each label, in the order in which they first come."""
    numbers: dict[object, int] = {}
    return ints(numbers.setdefault(label, len(numbers)) for label in labels)

"""A node of an ONNX file, and the state of an import that goes through all of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from onnx import NodeProto

from apollo.workloads.graph import Graph, GraphBuilder
from apollo.workloads.onnx.constants import Constants, Values, attributes
from apollo.workloads.operators import Operator
from apollo.workloads.shapes import Shape


class Node:
    """A node of the file, with its attributes and a title for messages."""

    def __init__(self, proto: NodeProto, number: int) -> None:
        self.kind = proto.op_type
        self.inputs = [*proto.input]
        self.outputs = [*proto.output]
        self.output = proto.output[0] if proto.output else ""
        self.name = proto.name or self.output
        self.title = f"node {proto.name!r}" if proto.name else f"node number {number}"
        self._attributes = attributes(proto)

    def get(self, name: str, default: Any) -> Any:
        """An attribute or its default."""
        return self._attributes.get(name, default)

    def text(self, name: str, default: str) -> str:
        """A text attribute or its default."""
        value: bytes = self._attributes.get(name, default.encode())
        return value.decode()

    def has(self, index: int) -> bool:
        """Whether an optional input is given."""
        return index < len(self.inputs) and self.inputs[index] != ""

    def fail(self, reason: str) -> ValueError:
        """An error about this node."""
        return ValueError(f"{self.kind} of {self.title} {reason}")

    def require_single_output(self, readers: Counter[str]) -> None:
        """Refuse a node of which more than the first output is read, such as a mask or indices."""
        for index, name in enumerate(self.outputs[1:], start=1):
            if name and readers[name]:
                raise self.fail(f"must not have its output number {index} ({name!r}) read")


@dataclass
class Importing:
    """An import on its way.

    Attributes:
        builder: the network so far.
        constants: what is known to be constant.
        opset: version of ONNX's operators that the file asks for.

    """

    builder: GraphBuilder
    constants: Constants
    opset: int

    def __post_init__(self) -> None:
        self.readers: Counter[str] = Counter()
        self._aliases: dict[str, str] = {}
        self._names: Counter[str] = Counter()

    def count_readers(self, nodes: Iterable[tuple[int, NodeProto]], outputs: Iterable[str]) -> None:
        """Note how often each tensor is read, by nodes or as an output."""
        self.readers.update(outputs)
        for _, node in nodes:
            self.readers.update(node.input)

    def shape_of(self, name: str) -> Shape:
        """Shape of a computed tensor."""
        return self.builder.shape(self._aliases.get(name, name))

    def tensor(self, node: Node, index: int = 0) -> str:
        """Our name of a computed input."""
        name = node.inputs[index] if node.has(index) else ""
        if not name or name in self.constants:
            raise node.fail(f"must have a computed tensor as its input number {index}")
        return self._aliases.get(name, name)

    def weight(self, node: Node, index: int) -> Shape:
        """Shape of an input that must be constant."""
        if not node.has(index) or node.inputs[index] not in self.constants:
            raise node.fail(f"must have constant weights as its input number {index}")
        return self.constants.shape(node.inputs[index])

    def values(self, node: Node, index: int) -> Values | None:
        """Values of an optional input that must be constant; None if it is not given."""
        if not node.has(index):
            return None
        values = None
        if node.inputs[index] in self.constants:
            values = self.constants.values(node.inputs[index])
        if values is None:
            raise node.fail(f"must have small constant values as its input number {index}")
        return values

    def image(self, node: Node) -> Shape:
        """Shape of the first input, which must be (n, c, h, w)."""
        shape = self.builder.shape(self.tensor(node))
        if len(shape) != 4:
            raise node.fail(f"must have an input of shape (n, c, h, w), not {shape}")
        return shape

    def add(self, operator: Operator) -> str:
        """Append an operator under a name not taken yet."""
        self._names[operator.name] += 1
        if self._names[operator.name] > 1:
            operator = replace(operator, name=f"{operator.name}#{self._names[operator.name]}")
        return self.builder.add(operator)

    def skip(self, node: Node) -> None:
        """Let the output of a node be its first input."""
        self._aliases[node.output] = self.tensor(node)

    def build(self, outputs: Sequence[str]) -> Graph:
        """The finished network."""
        return self.builder.build([self._aliases.get(name, name) for name in outputs])


Importer = Callable[[Node, Importing], None]

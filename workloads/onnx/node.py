"""A node of an ONNX file, with its attributes and a title for messages."""

from typing import Any

from onnx import GraphProto, NodeProto, helper


class Node:
    """A node that is to be imported."""

    def __init__(self, proto: NodeProto) -> None:
        self.proto = proto
        self.kind = proto.op_type
        self.inputs = [*proto.input]
        self.outputs = [*proto.output]
        self.output = proto.output[0] if proto.output else ""
        self.name = proto.name or self.output
        self.title = f"node {proto.name!r}" if proto.name else f"the node of {self.output!r}"
        self._attributes = {item.name: item for item in proto.attribute}

    def get(self, name: str, default: Any) -> Any:
        """An attribute or its default."""
        item = self._attributes.get(name)
        return default if item is None else helper.get_attribute_value(item)

    def text(self, name: str, default: str) -> str:
        """A text attribute or its default."""
        value: bytes = self.get(name, default.encode())
        return value.decode()

    def texts(self, name: str) -> list[str]:
        """A list of texts, empty if it is not given."""
        values: list[bytes] = self.get(name, [])
        return [value.decode() for value in values]

    def branch(self, name: str) -> GraphProto:
        """An attribute that is a graph."""
        graph: GraphProto = self._attributes[name].g
        return graph

    def has(self, index: int) -> bool:
        """Whether an optional input is given."""
        return index < len(self.inputs) and self.inputs[index] != ""

    def wants(self, index: int) -> str:
        """Name of an optional output, empty if it is not wanted."""
        return self.outputs[index] if index < len(self.outputs) else ""

    def fail(self, reason: str) -> ValueError:
        """An error about this node."""
        return ValueError(f"{self.kind} of {self.title} {reason}")

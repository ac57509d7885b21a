"""An ONNX model on its way: nodes and stored tensors, with names that nobody else has."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper

from apollo.workloads.model import Model, Values
from apollo.workloads.operators import Operator
from apollo.workloads.shapes import Shape

OPSET = 17


class Writing:
    """Collects the nodes of a model.

    Attributes:
        model: what is exported.
        nodes: so far, in order.
        weights: stored tensors.

    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.nodes: list[NodeProto] = []
        self.weights: list[TensorProto] = []
        self._renamed: dict[str, str] = {}

    def shape(self, tensor: str) -> Shape:
        """Shape of a tensor of the graph."""
        return self.model.graph.tensor(tensor).shape

    def source(self, tensor: str) -> str:
        """The name by which a tensor of the graph is read."""
        return self._renamed.get(tensor, tensor)

    def rename(self, tensor: str, name: str) -> None:
        """Let a tensor of the graph be read by another name from here on."""
        self._renamed[tensor] = name

    def sources(self, operator: Operator) -> list[str]:
        """The names by which an operator reads its inputs."""
        return [self.source(name) for name in operator.inputs]

    def store(self, name: str, values: Values) -> str:
        """A stored tensor; returns its name, which no computed one has."""
        name = f"{name}:stored"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def integers(self, name: str, values: Sequence[int]) -> str:
        """A stored list of integers."""
        return self.store(name, np.array(values, np.int64))

    def role(self, operator: Operator, role: str, shape: Shape | None = None) -> str:
        """A stored tensor of an operator, as real numbers."""
        constant = self.model.constant(operator.name, role)
        values, rule = constant.values, constant.quantization
        name = f"{operator.name}/{role}"
        if rule is not None and rule.bits < 32 and shape is None:
            return self.quantized(name, values, rule.scale, rule.zero_point, rule.axis)
        real = values if rule is None else rule.dequantize(values)
        return self.store(name, (real if shape is None else real.reshape(shape)).astype(np.float32))

    def quantized(
        self, name: str, values: Values, scale: Sequence[float], zero: Sequence[int], axis: int
    ) -> str:
        """A stored tensor of int8 behind its dequantisation."""
        single = len(scale) == 1
        scales = np.array(scale[0] if single else scale, np.float32)
        zeros = np.array(zero[0] if single else zero, np.int8)
        stored = self.store(name, values.astype(np.int8))
        names = [self.store(f"{name}/scale", scales), self.store(f"{name}/zero", zeros)]
        attributes = {} if single else {"axis": axis}
        return self.node("DequantizeLinear", [stored, *names], name, **attributes)

    def node(
        self, kind: str, inputs: Sequence[str], output: str | Sequence[str], **attributes: Any
    ) -> str:
        """Append a node; returns the name of its first output."""
        outputs = [output] if isinstance(output, str) else [*output]
        name = f"{kind}/{outputs[0] or len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, outputs, name=name, **attributes))
        return outputs[0]

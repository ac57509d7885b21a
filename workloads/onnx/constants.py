"""Constants of an ONNX graph: the shapes of all, the values of small ones.

Expressions of constants are evaluated by ONNX's reference evaluator when their operator is in
`FOLDABLE` and their operands are small; of larger ones only the shape is kept.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from apollo.workloads.shapes import Shape, elements

Values = np.ndarray[Any, np.dtype[Any]]

# The product of the operands' sizes bounds the size of a result of every foldable operator.
SMALL_ELEMENTS = 1 << 16


class Constants:
    """What is known of the constants while a graph is walked in order."""

    FOLDABLE: ClassVar[frozenset[str]] = frozenset(
        {
            *("Add", "Cast", "Ceil", "Concat", "Constant", "ConstantOfShape", "Div", "Floor"),
            *("Gather", "Identity", "Mul", "Neg", "ReduceProd", "Reshape", "Shape", "Slice"),
            *("Squeeze", "Sqrt", "Sub", "Transpose", "Unsqueeze"),
        }
    )

    def __init__(
        self, graph: GraphProto, shapes: dict[str, Shape], inferred: dict[str, Shape], opset: int
    ) -> None:
        self._shapes = dict(shapes)
        self._stored = {item.name: item for item in graph.initializer}
        self._values: dict[str, Values] = {}
        self._inferred = inferred
        self._opset = opset

    def __contains__(self, name: str) -> bool:
        return name in self._shapes

    def shape(self, name: str) -> Shape:
        """Shape of a constant."""
        return self._shapes[name]

    def values(self, name: str) -> Values | None:
        """Values of a constant; None if they are large or kept in another file."""
        if name in self._stored:
            self._values[name] = numpy_helper.to_array(self._stored.pop(name))
        return self._values.get(name)

    def fold(self, node: NodeProto, shape_of: Callable[[str], Shape]) -> bool:
        """Take a node as a constant if it is one; `shape_of` tells the shapes of the others."""
        if node.op_type not in self.FOLDABLE:
            return False
        if node.op_type == "Shape":
            name = node.input[0]
            shape = self._shapes[name] if name in self else shape_of(name)
            dimensions = np.array(shape, dtype=np.int64)
            bounds = {item.name: item.i for item in node.attribute}
            self._keep(node, dimensions[bounds.get("start", 0) : bounds.get("end", len(shape))])
            return True
        if not all(name in self for name in node.input if name):
            return False
        if node.op_type == "ConstantOfShape":
            self._fill(node)
        else:
            self._evaluate(node)
        return True

    def _keep(self, node: NodeProto, values: Values) -> None:
        self._shapes[node.output[0]] = values.shape
        self._values[node.output[0]] = values

    def _fill(self, node: NodeProto) -> None:
        dimensions = self.values(node.input[0])
        if dimensions is None:
            self._infer(node)
            return
        shape = tuple(int(value) for value in dimensions)
        if min(shape, default=0) < 0:
            raise ValueError(f"constant {node.output[0]!r} must not have shape {shape}")
        if elements(shape) <= SMALL_ELEMENTS:
            self._run(node, [dimensions])
        else:
            self._shapes[node.output[0]] = shape

    def _evaluate(self, node: NodeProto) -> None:
        operands = [self.values(name) for name in node.input if name]
        known = [operand for operand in operands if operand is not None]
        size = elements(tuple(max(1, operand.size) for operand in known))
        if len(known) == len(operands) and size <= SMALL_ELEMENTS:
            self._run(node, known)
        else:
            self._infer(node)

    def _run(self, node: NodeProto, operands: list[Values]) -> None:
        feeds = dict(zip([name for name in node.input if name], operands, strict=True))
        try:
            result, *_ = ReferenceEvaluator(self._alone(node, feeds)).run(None, feeds)
        except Exception as error:  # NumPy's own errors, of any class, for operands that do not fit
            raise ValueError(
                f"constant {node.output[0]!r} ({node.op_type}) cannot be computed, {error}"
            ) from None
        self._keep(node, np.asarray(result))

    def _alone(self, node: NodeProto, feeds: dict[str, Values]) -> ModelProto:
        """A model of one node: by itself, a node would be taken for one of the newest version."""
        inputs = [
            helper.make_tensor_value_info(
                name, helper.np_dtype_to_tensor_dtype(values.dtype), values.shape
            )
            for name, values in feeds.items()
        ]
        outputs = [helper.make_empty_tensor_value_info(node.output[0])]
        graph = helper.make_graph([node], "constant", inputs, outputs)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self._opset)])

    def _infer(self, node: NodeProto) -> None:
        shape = self._inferred.get(node.output[0])
        if shape is None:
            raise ValueError(f"the shape of constant {node.output[0]!r} is unknown")
        self._shapes[node.output[0]] = shape


def attributes(node: NodeProto) -> dict[str, Any]:
    """Attributes of a node as Python values."""
    return {item.name: helper.get_attribute_value(item) for item in node.attribute}

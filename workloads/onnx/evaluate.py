"""What ONNX itself says of one operator: its outputs' types, shapes and, of constants, values."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, TypeProto, defs, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from apollo.workloads.model import Values
from apollo.workloads.shapes import Shape

# What ONNX raises for operands that its rules do not allow.
_UNKNOWN = (
    defs.SchemaError,
    onnx.checker.ValidationError,
    onnx.shape_inference.InferenceError,
    RuntimeError,
    KeyError,
)


@dataclass(frozen=True)
class Known:
    """What is known of a tensor before anything is computed.

    Attributes:
        kind: ONNX's number of its type of elements.
        shape: None where it depends on data.
        values: of small constants.

    """

    kind: int
    shape: Shape | None
    values: Values | None = None

    def type(self) -> TypeProto:
        """What is known, in ONNX's words."""
        return helper.make_tensor_type_proto(self.kind, self.shape)


def of_values(values: Values) -> Known:
    """What is known of a constant at hand."""
    return Known(helper.np_dtype_to_tensor_dtype(values.dtype), values.shape, values)


def infer(node: NodeProto, known: Mapping[str, Known], opsets: Mapping[str, int]) -> list[Known]:
    """Types and shapes of the outputs of a node, without those that ONNX does not know."""
    domain = "" if node.domain == "ai.onnx" else node.domain
    named = {name: known[name] for name in node.input if name}
    data = {
        name: numpy_helper.from_array(item.values, name)
        for name, item in named.items()
        if item.values is not None
    }
    try:
        schema = defs.get_schema(node.op_type, opsets.get(domain, 1), domain)
        types = onnx.shape_inference.infer_node_outputs(
            schema,
            node,
            {name: item.type() for name, item in named.items()},
            data,
            opset_imports=[helper.make_opsetid(*item) for item in opsets.items()],
        )
    except _UNKNOWN:
        return [Known(TensorProto.UNDEFINED, None) for _ in node.output]
    return [_known(types.get(name)) for name in node.output]


def _known(kind: TypeProto | None) -> Known:
    if kind is None or not kind.HasField("tensor_type"):
        return Known(TensorProto.UNDEFINED, None)
    tensor = kind.tensor_type
    fixed = tensor.HasField("shape") and all(d.HasField("dim_value") for d in tensor.shape.dim)
    shape = tuple(d.dim_value for d in tensor.shape.dim) if fixed else None
    return Known(tensor.elem_type, shape)


def evaluate(node: NodeProto, feeds: Mapping[str, Values], opset: int) -> list[Values]:
    """The outputs of a node of constants, by ONNX's reference evaluator.

    The node is made a model, since by itself it would be taken for one of the newest version.
    """
    inputs = [
        helper.make_tensor_value_info(
            name, helper.np_dtype_to_tensor_dtype(values.dtype), values.shape
        )
        for name, values in feeds.items()
    ]
    names = [name for name in node.output if name]
    outputs = [helper.make_empty_tensor_value_info(name) for name in names]
    graph = helper.make_graph([node], "constant", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    try:
        with np.errstate(all="ignore"):
            results = ReferenceEvaluator(model).run(None, dict(feeds))
    except Exception as error:  # NumPy's own errors, of any class, for operands that do not fit
        raise ValueError(
            f"constant {names[0]!r} ({node.op_type}) cannot be computed, {error}"
        ) from None
    return [np.asarray(result) for result in results]

"""A model as an ONNX model that means the same: real numbers, or QDQ where it is quantised."""

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, helper

from apollo.workloads.indices import index_tensors
from apollo.workloads.model import Model
from apollo.workloads.onnx.export.table import EXPORTERS
from apollo.workloads.onnx.export.writing import OPSET, Writing
from apollo.workloads.operators import Operator
from apollo.workloads.quantization import Quantization
from apollo.workloads.shapes import Shape

_IR_VERSION = 8


def to_onnx(model: Model) -> ModelProto:
    """The model in ONNX's words, tensors and operators under their names.

    A tensor that is quantised passes a pair of QuantizeLinear and DequantizeLinear.
    """
    graph, writing = model.graph, Writing(model)
    indices = index_tensors(graph)
    for name in graph.inputs:
        _pass_integers(writing, name)
    for operator in graph.operators:
        _write(writing, operator)
        for name in operator.outputs:
            _pass_integers(writing, name)
    inputs = [_info(name, graph.tensor(name).shape, name in indices) for name in graph.inputs]
    outputs = [
        _info(writing.source(name), graph.tensor(name).shape, name in indices)
        for name in graph.outputs
    ]
    body = helper.make_graph(writing.nodes, graph.name, inputs, outputs, writing.weights)
    opsets = [helper.make_opsetid("", OPSET)]
    exported = helper.make_model(body, opset_imports=opsets, producer_name="apollo")
    exported.ir_version = _IR_VERSION
    return exported


def write_onnx(model: Model, path: str) -> None:
    """`to_onnx` as a file."""
    onnx.save(to_onnx(model), path)


def _write(writing: Writing, operator: Operator) -> None:
    export = EXPORTERS.get(type(operator))
    if export is None:
        raise ValueError(f"{operator.label} {operator.name!r} cannot be exported to ONNX.")
    export(operator, writing)


def _pass_integers(writing: Writing, name: str) -> None:
    rule = writing.model.quantization.get(name)
    if rule is None or rule.bits != 8:
        return
    names = _parameters(writing, name, rule)
    stored = writing.node("QuantizeLinear", [name, *names], f"{name}/integers")
    writing.rename(name, writing.node("DequantizeLinear", [stored, *names], f"{name}/real"))


def _parameters(writing: Writing, name: str, rule: Quantization) -> list[str]:
    return [
        writing.store(f"{name}/unit", np.array(rule.scale[0], np.float32)),
        writing.store(f"{name}/origin", np.array(rule.zero_point[0], np.int8)),
    ]


def _info(name: str, shape: Shape, index: bool) -> onnx.ValueInfoProto:
    kind = TensorProto.INT64 if index else TensorProto.FLOAT
    return helper.make_tensor_value_info(name, kind, shape)

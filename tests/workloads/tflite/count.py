"""Counts multiply-accumulates straight from the shapes in a file, with another reader of it."""

import math
from pathlib import Path

import tflite
from tflite.BuiltinOperator import BuiltinOperator as Kind


def macs(path: Path) -> int:
    """Of the first graph; padding counts, as in published figures."""
    model = tflite.Model.GetRootAsModel(path.read_bytes(), 0)
    graph = model.Subgraphs(0)
    return sum(_node(model, graph, graph.Operators(i)) for i in range(graph.OperatorsLength()))


def parameters(path: Path) -> int:
    """Weights and biases of layers with products, by the shapes of their tensors."""
    model = tflite.Model.GetRootAsModel(path.read_bytes(), 0)
    graph = model.Subgraphs(0)
    total = 0
    for i in range(graph.OperatorsLength()):
        node = graph.Operators(i)
        places = {Kind.CONV_2D: (1, 2), Kind.DEPTHWISE_CONV_2D: (1, 2)}.get(_kind(model, node), ())
        places = (1, 2) if _kind(model, node) == Kind.FULLY_CONNECTED else places
        total += sum(math.prod(_shape(graph, node, place)) for place in places)
    return total


def _kind(model: tflite.Model, node: tflite.Operator) -> int:
    code = model.OperatorCodes(node.OpcodeIndex())
    return max(code.BuiltinCode(), code.DeprecatedBuiltinCode())


def _shape(graph: tflite.SubGraph, node: tflite.Operator, place: int) -> list[int]:
    if place >= node.InputsLength() or node.Inputs(place) < 0:
        return [0]
    return list(graph.Tensors(node.Inputs(place)).ShapeAsNumpy())


def _node(model: tflite.Model, graph: tflite.SubGraph, node: tflite.Operator) -> int:
    kind = _kind(model, node)
    if node.OutputsLength() == 0 or node.InputsLength() < 2:
        return 0
    tensor = graph.Tensors(node.Outputs(0))
    output = math.prod(tensor.ShapeAsNumpy()) if tensor.ShapeLength() else 1
    if kind == Kind.CONV_2D:
        return output * math.prod(_shape(graph, node, 1)[1:])
    if kind == Kind.DEPTHWISE_CONV_2D:
        return output * math.prod(_shape(graph, node, 1)[1:3])
    if kind == Kind.FULLY_CONNECTED:
        return output * _shape(graph, node, 1)[1]
    if kind == Kind.CUSTOM and model.OperatorCodes(node.OpcodeIndex()).CustomCode() == (
        b"Convolution2DTransposeBias"
    ):
        image, weight = _shape(graph, node, 0), _shape(graph, node, 1)
        return math.prod(image[:3]) * math.prod(weight)
    return 0

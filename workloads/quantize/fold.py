"""Batch normalisations become part of the convolutions before them (`Graph.folded`)."""

from dataclasses import replace

import numpy as np

from apollo.workloads.graph import Graph, GraphBuilder
from apollo.workloads.model import Constant, Model, Values
from apollo.workloads.operators import Convolution, Operator


def fold(model: Model) -> Model:
    """The same function without the batch normalisations that fold; real weights only."""
    graph = model.graph
    if not graph.folded:
        return model
    into = {layer: name for name, layer in graph.folded.items()}
    outputs = {item.name: item.output for item in graph.operators}
    constants = {key: value for key, value in model.constants.items() if key[0] not in graph.folded}
    kept: list[Operator] = []
    for operator in graph.operators:
        if operator.name in graph.folded:
            continue
        norm = into.get(operator.name)
        if norm is not None and isinstance(operator, Convolution):
            constants.update(_folded(model, operator, norm))
            kept.append(replace(operator, bias=True, output=outputs[norm]))
        else:
            kept.append(operator)
    folded = _rebuilt(graph, kept)
    tensors = {tensor.name for tensor in folded.tensors}
    rules = {name: rule for name, rule in model.quantization.items() if name in tensors}
    return replace(model, graph=folded, constants=constants, quantization=rules)


def _rebuilt(graph: Graph, operators: list[Operator]) -> Graph:
    builder = GraphBuilder(graph.name, [graph.tensor(name) for name in graph.inputs])
    for operator in operators:
        builder.add(operator)
    return builder.build(graph.outputs, graph.rows)


def _folded(model: Model, layer: Convolution, norm: str) -> dict[tuple[str, str], Constant]:
    """Weights times the scale of their channel, and the bias that goes with them."""
    weight = model.constant(layer.name, "weight")
    scale, shift = (model.constant(norm, role) for role in ("scale", "shift"))

    def weights() -> Values:
        return np.asarray(weight.values * scale.values.reshape(-1, 1, 1, 1), np.float32)

    def biases() -> Values:
        before = model.constant(layer.name, "bias").values if layer.bias else 0.0
        return np.asarray(before * scale.values + shift.values, np.float32)

    return {
        (layer.name, "weight"): Constant(weight.shape, weights),
        (layer.name, "bias"): Constant(scale.shape, biases),
    }

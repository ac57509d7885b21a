"""Fusion: which operators ride on the one before them at no cost.

A batch normalisation behind a convolution becomes its scales and biases; a clamp (ReLU, ReLU6,
clip) behind a convolution, product, sum or pool becomes the bounds of its requantisation. Any
other activation function is a table look-up of its own.
"""

from apollo.workloads.graph import Graph
from apollo.workloads.model import Model
from apollo.workloads.operators import (
    BatchNormalization,
    Binary,
    Convolution,
    ConvTranspose,
    FullyConnected,
    Operator,
    Pool,
    Unary,
    UnaryKind,
)

CLAMPS = (UnaryKind.RELU, UnaryKind.RELU6, UnaryKind.CLIP)
_REQUANTISES = (Convolution, ConvTranspose, FullyConnected, Binary, Pool, BatchNormalization)


def fused_into(graph: Graph, model: Model | None = None) -> dict[str, str]:
    """Operators that disappear: name to the name of the operator that does their work.

    One fuses only if nobody else reads what comes before it. In a model with numbers a clamp also
    keeps the units of what it clamps, and normalisations have been folded by who quantised it.
    """
    hosts = dict(graph.folded) if model is None else {}
    operators = {operator.name: operator for operator in graph.operators}
    for operator in graph.operators:
        if not (isinstance(operator, Unary) and operator.kind in CLAMPS):
            continue
        before = graph.producer(operator.inputs[0])
        if before is None or not _is_private(graph, operator.inputs[0]):
            continue
        host = operators[hosts.get(before.name, before.name)]
        if isinstance(host, _REQUANTISES) and _keeps_units(model, operator):
            hosts[operator.name] = host.name
    return hosts


def _keeps_units(model: Model | None, operator: Operator) -> bool:
    if model is None:
        return True
    rules = model.quantization
    return rules.get(operator.inputs[0]) == rules.get(operator.output)


def _is_private(graph: Graph, tensor: str) -> bool:
    return len(graph.consumers(tensor)) == 1 and tensor not in graph.outputs

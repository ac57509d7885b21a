"""Tensors of 16 bits where no model says how wide tensors are: memories of recurrent layers."""

from apollo.workloads.graph import Graph
from apollo.workloads.integer.wide import UNIT
from apollo.workloads.operators import GRU, LSTM, Reshape
from apollo.workloads.quantization import Quantization


def wide_inputs(graph: Graph) -> dict[str, Quantization]:
    """Inputs of a graph that recurrent layers keep between inferences at 16 bits."""
    states = [name for item in graph.operators for name in _given(item)]
    found = (_behind_reshapes(graph, name) for name in states)
    return {name: UNIT for name in found if name in graph.inputs}


def _given(operator: object) -> tuple[str, ...]:
    """The memories that a layer is given."""
    if isinstance(operator, LSTM):
        return operator.inputs[2:]
    return operator.inputs[1:] if isinstance(operator, GRU) else ()


def _behind_reshapes(graph: Graph, name: str) -> str:
    producer = graph.producer(name)
    while isinstance(producer, Reshape):
        name = producer.inputs[0]
        producer = graph.producer(name)
    return name

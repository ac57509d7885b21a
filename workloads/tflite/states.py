"""Import of variables: values that stay from one run of the network to the next.

What a variable holds is a further input of the network, and what is assigned to it a further
output, in the same order. Whoever calls the network carries it over, so that a stream can be cut
anywhere. At first it is zero, and a file that says otherwise is refused.
"""

import numpy as np

from apollo.workloads.tflite.context import Importing
from apollo.workloads.tflite.file import FileGraph, FileTensor, Node, quoted
from apollo.workloads.tflite.flow import Flow, usual
from apollo.workloads.tflite.values import quantization, stored


def handle(node: Node, importing: Importing) -> None:
    """A variable, by its name."""
    if len(node.outputs) != 1:
        raise node.fail("must have one output")
    name = node.options.text(1) if node.options else ""
    importing.variables[node.outputs[0]] = name or node.name


def read(node: Node, importing: Importing) -> None:
    """The value of a variable: an input of the network, or what has just been assigned."""
    variable = _variable(node, importing)
    if variable not in importing.states:
        tensor = importing.tensor(node.outputs[0])
        flow = Flow(variable, tensor.shape, quantization(tensor))
        importing.give(flow, usual(len(tensor.shape)))
        importing.states[variable] = flow
    importing.put(node, importing.states[variable])


def assign(node: Node, importing: Importing) -> None:
    """A new value of a variable: an output of the network."""
    variable, flow = _variable(node, importing), importing.flow(node, 1)
    before = importing.states.get(variable)
    if before is None:
        raise node.fail(f"must not set variable {variable!r} that has not been read")
    if (before.shape, before.quantization) != (flow.shape, flow.quantization):
        raise node.fail(f"must not change shape or scale of variable {variable!r}")
    importing.states[variable] = flow


def call_once(node: Node, importing: Importing) -> None:
    """First values of variables, which must be zero."""
    number, graphs = node.option(0), importing.file.graphs
    if not 0 < number < len(graphs):
        raise node.fail(f"must call one of the {len(graphs)} graphs, not number {number}")
    graph = graphs[number]
    for item in graph.nodes:
        if item.kind == "ASSIGN_VARIABLE" and len(item.inputs) == 2:
            _check_zero(node, importing, graph, item)
        elif item.kind != "VAR_HANDLE":
            raise node.fail(f"must set variables only, not compute {item.kind}")


def _check_zero(node: Node, importing: Importing, graph: FileGraph, item: Node) -> None:
    tensor: FileTensor = graph.tensors[item.inputs[1]]
    if tensor.span is None:
        raise node.fail(f"must set variables to constants, unlike {quoted(tensor.name)}")
    first = stored(tensor, importing.file.data)
    zero = first.quantization.zero_point[0] if first.quantization else 0
    if not np.all(first.read() == zero):
        raise node.fail(f"must set variables to zero at first, unlike {quoted(tensor.name)}")


def _variable(node: Node, importing: Importing) -> str:
    index = node.inputs[0] if node.has(0) else -1
    if index not in importing.variables:
        raise node.fail("must name a variable")
    return importing.variables[index]

"""Multiply-accumulates of a file's nodes by the shapes that the file states.

They serve to say how much of a network is left out; a graph counts its own.
"""

from apollo.workloads.shapes import elements
from apollo.workloads.tflite.file import NO_TENSOR, FileGraph, Node

UNKNOWN = ("CALL", "CALL_ONCE", "DELEGATE", "IF", "WHILE", "STABLEHLO_WHILE", "RNN", "LSTM")


def node_macs(node: Node, graph: FileGraph) -> int | None:
    """Multiply-accumulates of a node of any kind; None where they are not known."""
    if node.custom or node.kind in UNKNOWN or node.kind.startswith(("STABLEHLO", "operator")):
        return None
    shapes = [() if index == NO_TENSOR else graph.tensors[index].shape for index in (*node.inputs,)]
    if not node.outputs or len(shapes) < 2:
        return 0
    output = graph.tensors[node.outputs[0]].shape
    if node.kind in ("CONV_2D", "FULLY_CONNECTED"):
        return elements(output) * elements(shapes[1][1:])
    if node.kind == "CONV_3D":
        return elements(output) * elements(shapes[1][:-1])
    if node.kind == "DEPTHWISE_CONV_2D":
        return elements(output) * elements(shapes[1][1:3])
    if node.kind == "TRANSPOSE_CONV":
        return elements(shapes[2][:3]) * elements(shapes[1]) if len(shapes) > 2 else None
    if node.kind == "BATCH_MATMUL":
        summed = -2 if node.option(0, "bool") else -1
        return elements(output) * (shapes[0][summed] if len(shapes[0]) > 1 else 0)
    if "SEQUENCE" in node.kind and node.kind.endswith(("LSTM", "RNN")):
        stored = sum(elements(shape) for shape in shapes[1:] if len(shape) == 2)
        return elements(shapes[0][:-1]) * stored
    if node.kind == "SVDF":
        return elements(shapes[1]) + elements(shapes[2]) if len(shapes) > 2 else None
    return 0

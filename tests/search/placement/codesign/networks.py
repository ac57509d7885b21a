"""Small networks, and their operator graphs."""

import numpy as np

from apollo.search.placement.graph import OperatorGraph
from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.operators import (
    BatchNormalization,
    Binary,
    BinaryKind,
    Convolution,
    FullyConnected,
    Reshape,
    Unary,
    UnaryKind,
)
from apollo.workloads.shapes import elements


def branched() -> Graph:
    """Two branches whose operators are interleaved, clamps and a view among them."""
    builder = GraphBuilder("branched", [Tensor("image", (1, 8, 8, 8))])
    builder.add(Convolution("left", ("image",), "left", 16, (3, 3), padding=(1, 1, 1, 1)))
    builder.add(Convolution("right", ("image",), "right", 16, (1, 1)))
    builder.add(BatchNormalization("left/norm", ("left",), "left/norm", 16))
    builder.add(Unary("right/relu", ("right",), "right/relu", UnaryKind.RELU))
    builder.add(Unary("left/relu", ("left/norm",), "left/relu", UnaryKind.RELU))
    builder.add(Binary("add", ("left/relu", "right/relu"), "add", BinaryKind.ADD))
    builder.add(Reshape("flat", ("add",), "flat", (1, 16 * 8 * 8)))
    builder.add(FullyConnected("dense", ("flat",), "dense", 32))
    return builder.build(["dense", "right/relu"])


def dense_chain(*widths: int) -> Graph:
    """Fully connected layers, one behind the other."""
    builder = GraphBuilder("chain", [Tensor("x0", (1, widths[0]))])
    for layer, width in enumerate(widths[1:], 1):
        builder.add(FullyConnected(f"dense{layer}", (f"x{layer - 1}",), f"x{layer}", width))
    return builder.build([f"x{len(widths) - 1}"])


def operator_graph(network: Graph) -> OperatorGraph:
    """An operator for each of the network, a group for each."""
    names = [item.name for item in network.operators]
    number = {name: index for index, name in enumerate(names)}
    edges = [
        (number[producer.name], number[item.name], elements(network.tensor(tensor).shape))
        for item in network.operators
        for tensor in item.inputs
        for producer in [network.producer(tensor)]
        if producer is not None
    ]
    layers = network.layers
    return OperatorGraph(
        name=network.name,
        names=tuple(names),
        kinds=tuple(layer.kind for layer in layers),
        operations=np.array([2 * layer.macs for layer in layers]),
        traffic_bytes=np.array([layer.parameters + layer.activations for layer in layers]),
        parameter_bytes=np.array([layer.parameters for layer in layers]),
        output_bytes=np.array([layer.activation_bytes for layer in layers]),
        group=np.arange(len(names)),
        is_backward=np.zeros(len(names), bool),
        source=np.array([edge[0] for edge in edges], np.int64),
        target=np.array([edge[1] for edge in edges], np.int64),
        edge_bytes=np.array([edge[2] for edge in edges], np.int64),
        network=network,
    )

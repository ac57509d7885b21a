"""Small networks, and chains of chips."""

from itertools import permutations

from apollo.arch.accelerator import Accelerator
from apollo.arch.cluster import Cluster, Device, Link
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


def chain(*designs: Accelerator) -> Cluster:
    """Chips of these designs; a program takes 10 ns more, a transfer at least 10 µs."""
    devices = tuple(
        Device(f"chip{number}", 1 << 40, overhead_ns=10, design=design)
        for number, design in enumerate(designs)
    )
    links = {
        (one.name, two.name): Link(f"{one.name}->{two.name}", 500, 3000, 7000)
        for one, two in permutations(devices, 2)
    }
    return Cluster("chain", devices, links)

from apollo.compiler.fuse import fused_into
from apollo.workloads.graph import GraphBuilder, Tensor
from apollo.workloads.operators import (
    BatchNormalization,
    Binary,
    BinaryKind,
    Convolution,
    Reshape,
    Unary,
    UnaryKind,
)


def builder():
    b = GraphBuilder("small", [Tensor("x", (1, 4, 8, 8))])
    b.add(Convolution("conv", ("x",), "a", 4, (1, 1)))
    return b


def test_normalisation_and_clamp_ride_on_the_convolution():
    b = builder()
    b.add(BatchNormalization("norm", ("a",), "b", 4))
    b.add(Unary("relu", ("b",), "c", UnaryKind.RELU6))
    assert fused_into(b.build(["c"])) == {"norm": "conv", "relu": "conv"}


def test_a_table_look_up_stays():
    b = builder()
    b.add(Unary("swish", ("a",), "b", UnaryKind.HARD_SWISH))
    b.add(Unary("relu", ("b",), "c", UnaryKind.RELU))
    assert fused_into(b.build(["c"])) == {}


def test_a_clamp_stays_where_someone_else_reads_the_sum():
    b = builder()
    b.add(Unary("relu", ("a",), "b", UnaryKind.RELU))
    b.add(Binary("add", ("a", "b"), "c", BinaryKind.ADD))
    b.add(Unary("clip", ("c",), "d", UnaryKind.CLIP))
    assert fused_into(b.build(["d"])) == {"clip": "add"}
    assert fused_into(b.build(["c", "d"])) == {}


def test_a_clamp_of_an_input_or_of_a_view_stays():
    b = builder()
    b.add(Unary("first", ("x",), "b", UnaryKind.RELU))
    b.add(Reshape("view", ("a",), "c", (1, 256)))
    b.add(Unary("last", ("c",), "d", UnaryKind.RELU))
    assert fused_into(b.build(["b", "d"])) == {}

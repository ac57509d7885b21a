"""Every operator by itself, within one unit of the last place of ONNX Runtime."""

import numpy as np
import pytest

from apollo.workloads.graph import GraphBuilder, Tensor
from apollo.workloads.integer.run import MEANINGS
from apollo.workloads.operators import (
    GRU,
    LSTM,
    BatchNormalization,
    Binary,
    BinaryKind,
    Concat,
    Convolution,
    ConvTranspose,
    DepthToSpace,
    Embedding,
    FullyConnected,
    Gather,
    LayerNormalization,
    LocalResponseNormalization,
    MatMul,
    Pad,
    Pool,
    PoolKind,
    PReLU,
    Reduce,
    ReduceKind,
    Reshape,
    Resize,
    ResizeGrid,
    ResizeKind,
    Slice,
    Softmax,
    SpaceToDepth,
    Split,
    Transpose,
    Unary,
    UnaryKind,
)
from apollo.workloads.quantize import quantize
from apollo.workloads.quantize.calibrate import synthetic
from tests.workloads.integer.against import compare

IMAGE = (2, 8, 9, 10)
ROWS = (4, 12, 16)
X, Y = ("x",), "y"


def unary(kind, *arguments):
    return [Unary("f", X, Y, kind, arguments)]


def positive(kind, *arguments):
    """Behind a function that leaves numbers greater than zero."""
    return [
        Unary("p", X, "p", UnaryKind.SOFTPLUS),
        Unary("f", ("p",), Y, kind, arguments),
    ]


def with_self(kind):
    """Of the input and of a function of it, in other units."""
    return [Unary("g", X, "g", UnaryKind.GELU), Binary("f", ("x", "g"), Y, kind)]


CASES = {
    "convolution": (IMAGE, [Convolution("f", X, Y, 12, (3, 3), (2, 1), (1, 0, 1, 2), bias=True)]),
    "dilated": (IMAGE, [Convolution("f", X, Y, 6, (2, 3), dilation=(2, 3))]),
    "grouped": (IMAGE, [Convolution("f", X, Y, 12, (3, 3), groups=4, bias=True)]),
    "depthwise": (IMAGE, [Convolution("f", X, Y, 8, (3, 3), groups=8, bias=True)]),
    "multiplier": (IMAGE, [Convolution("f", X, Y, 16, (3, 3), groups=8)]),
    "clamped": (
        IMAGE,
        [Convolution("c", X, "c", 6, (1, 1)), Unary("f", ("c",), Y, UnaryKind.RELU6)],
    ),
    "transposed": (
        IMAGE,
        [ConvTranspose("f", X, Y, 6, (3, 3), (2, 2), (1, 1, 0, 1), extra=(1, 0), bias=True)],
    ),
    "transposed groups": (IMAGE, [ConvTranspose("f", X, Y, 12, (2, 2), (2, 2), groups=4)]),
    "rows": (ROWS, [FullyConnected("f", X, Y, 24, bias=True)]),
    "flattened": (IMAGE, [FullyConnected("f", X, Y, 24)]),
    "product": (
        ROWS,
        [Unary("g", X, "g", UnaryKind.GELU), MatMul("f", ("x", "g"), Y, False, True)],
    ),
    "largest of a window": (IMAGE, [Pool("f", X, Y, PoolKind.MAX, (3, 3), (2, 2), (1, 1, 1, 1))]),
    "average": (IMAGE, [Pool("f", X, Y, PoolKind.AVERAGE, (3, 2), (2, 2), (1, 1, 1, 0))]),
    "average of zeros": (
        IMAGE,
        [Pool("f", X, Y, PoolKind.AVERAGE, (3, 3), (1, 1), (1, 1, 1, 1), include_padding=True)],
    ),
    "global average": ((2, 64, 9, 10), [Pool("f", X, Y, PoolKind.AVERAGE, (9, 10))]),
    "mean": (IMAGE, [Reduce("f", X, Y, ReduceKind.MEAN, (1,))]),
    "sum": ((2, 64, 9, 10), [Reduce("f", X, Y, ReduceKind.SUM, (2, 3), keep=False)]),
    "largest": (IMAGE, [Reduce("f", X, Y, ReduceKind.MAX, (1,))]),
    "least": (IMAGE, [Reduce("f", X, Y, ReduceKind.MIN, (1,))]),
    "add": (IMAGE, with_self(BinaryKind.ADD)),
    "subtract": (IMAGE, with_self(BinaryKind.SUBTRACT)),
    "multiply": (IMAGE, with_self(BinaryKind.MULTIPLY)),
    "maximum": (IMAGE, with_self(BinaryKind.MAXIMUM)),
    "minimum": (IMAGE, with_self(BinaryKind.MINIMUM)),
    "divide": (
        IMAGE,
        [
            Unary("e", X, "e", UnaryKind.SIGMOID),
            Unary("p", ("e",), "p", UnaryKind.EXP),
            Binary("f", ("x", "p"), Y, BinaryKind.DIVIDE),
        ],
    ),
    "add constants": (IMAGE, [Binary("f", X, Y, BinaryKind.ADD, (1, 8, 1, 1))]),
    "multiply by constants": (IMAGE, [Binary("f", X, Y, BinaryKind.MULTIPLY, (1, 8, 1, 1))]),
    "multiply by one": (IMAGE, [Binary("f", X, Y, BinaryKind.MULTIPLY, (1, 1, 1, 1))]),
    "slopes": (IMAGE, [PReLU("f", X, Y, 8)]),
    "normalised batch": (IMAGE, [BatchNormalization("f", X, Y, 8)]),
    "normalised layer": (ROWS, [LayerNormalization("f", X, Y, 16)]),
    "softmax": (ROWS, [Softmax("f", X, Y, 2)]),
    "softmax of channels": (IMAGE, [Softmax("f", X, Y, 1)]),
    "concatenation": (
        IMAGE,
        [Unary("g", X, "g", UnaryKind.TANH), Concat("f", ("x", "g"), Y, 1)],
    ),
    "reshape": (IMAGE, [Reshape("f", X, Y, (2, 720))]),
    "transpose": (IMAGE, [Transpose("f", X, Y, (0, 2, 3, 1))]),
    "pad": (IMAGE, [Pad("f", X, Y, (0, 0, 1, 0), (0, 0, 0, 2), 0.5)]),
    "slice": (IMAGE, [Slice("f", X, Y, (2, 3), (1, 0), (9, 10), (2, 3))]),
    "split": (IMAGE, [Split("f", X, Y, (3, 5), ("z",))]),
    "blocks": ((2, 8, 4, 6), [DepthToSpace("f", X, Y, 2)]),
    "channels": ((2, 8, 4, 6), [SpaceToDepth("f", X, Y, 2)]),
    "lstm": ((2, 6, 8), [LSTM("f", X, Y, 16)]),
    "both directions": ((2, 6, 8), [LSTM("f", X, Y, 16, True)]),
    "projected": ((2, 6, 8), [LSTM("f", X, Y, 16, projection=8)]),
    "normalised gates": ((2, 6, 8), [LSTM("f", X, Y, 16, layer_norm=True)]),
    "gru": ((2, 6, 8), [GRU("f", X, Y, 16)]),
    "gru, reset after": ((2, 6, 8), [GRU("f", X, Y, 16, True, reset_after=True)]),
    **{
        f"{kind.value} {grid.value}": (IMAGE, [Resize("f", X, Y, kind, (13, 25), grid)])
        for kind in ResizeKind
        for grid in ResizeGrid
    },
    **{
        kind.value: (IMAGE, unary(kind))
        for kind in UnaryKind
        if kind not in (UnaryKind.CLIP, UnaryKind.LEAKY_RELU, UnaryKind.ELU, UnaryKind.LOG)
        and kind not in (UnaryKind.SQRT, UnaryKind.RECIPROCAL)
    },
    "clip": (IMAGE, unary(UnaryKind.CLIP, -1.0, 1.5)),
    "leaky relu": (IMAGE, unary(UnaryKind.LEAKY_RELU, 0.1)),
    "elu": (IMAGE, unary(UnaryKind.ELU, 1.0)),
    "log": (IMAGE, positive(UnaryKind.LOG)),
    "sqrt": (IMAGE, positive(UnaryKind.SQRT)),
    "reciprocal": (IMAGE, positive(UnaryKind.RECIPROCAL)),
}


def quantized(shape, operators, seed=0):
    builder = GraphBuilder("one", [Tensor("x", shape)])
    for operator in operators:
        builder.add(operator)
    graph = builder.build(operators[-1].outputs)
    return quantize(graph, seed)


@pytest.mark.parametrize(("shape", "operators"), CASES.values(), ids=CASES)
def test_an_operator_agrees(shape, operators):
    model = quantized(shape, operators)
    rows = compare(model, synthetic(model, 0, 1)[0])
    checked = [row for row in rows if row.tensor in operators[-1].outputs]
    # A projection reads what the gates give at 8 bits, and ONNX Runtime reads real numbers.
    most = 2 if any(getattr(item, "projection", None) for item in operators) else 1
    assert all(row.difference <= most for row in rows), rows
    assert all(row.fit for row in checked), checked


def test_the_table_of_a_response_normalisation_is_coarse():
    """256 entries over all sums of squares: a few units, as on the machine."""
    operator = LocalResponseNormalization("f", X, Y, 5, alpha=1e-1)
    model = quantized(IMAGE, [operator])
    (row,) = compare(model, synthetic(model, 0, 1)[0])
    assert row.difference <= 2
    assert row.fit


def test_rows_of_a_table_and_entries_by_index():
    inputs = [Tensor("ids", (2, 6)), Tensor("places", (2, 3))]
    builder = GraphBuilder("looked up", inputs)
    builder.add(Embedding("e", ("ids",), "rows", 20, 16))
    builder.add(Gather("g", ("rows", "places"), "y"))
    model = quantize(builder.build(["y"]))
    assert model.is_quantized
    assert all(row.difference == 0 and row.fit for row in compare(model, synthetic(model, 1, 1)[0]))


def test_every_operator_is_compared():
    shown = {type(operator) for _, operators in CASES.values() for operator in operators}
    shown |= {Embedding, Gather, LocalResponseNormalization}
    assert {kind.__name__ for kind in set(MEANINGS) - shown} == {"ArgMax", "TopK"}
    assert np.all([kind in MEANINGS for kind in shown])

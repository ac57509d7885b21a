"""Shapes and counts of transposed convolutions, products, moves and reductions."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollo.workloads.operators import (
    ArgMax,
    Binary,
    BinaryKind,
    ConvTranspose,
    DepthToSpace,
    Embedding,
    FullyConnected,
    Gather,
    LayerNormalization,
    MatMul,
    Pad,
    PReLU,
    Reduce,
    ReduceKind,
    Resize,
    ResizeKind,
    Slice,
    Softmax,
    SpaceToDepth,
    Split,
    TopK,
)

X, XZ = ("x",), ("x", "z")
IMAGE = (2, 12, 4, 6)
small = st.integers(1, 4)


@given(small, small, small, small, st.integers(0, 1))
def test_a_transposed_convolution_covers_the_windows_put_down_one_by_one(
    size, kernel, stride, dilation, extra
):
    taps = {i * stride + k * dilation for i in range(size) for k in range(kernel)}
    layer = ConvTranspose(
        *("c", X, "y", 5, (kernel, 1), (stride, 1)), dilation=(dilation, 1), extra=(extra, 0)
    )
    assert layer.infer([(2, 3, size, 4)]) == (2, 5, max(taps) + 1 + extra, 4)


def test_a_transposed_convolution_undoes_the_shape_of_a_convolution():
    layer = ConvTranspose("c", X, "y", 6, (3, 2), (2, 2), (1, 0, 1, 0), groups=2, bias=True)
    assert layer.infer([(2, 4, 5, 5)]) == (2, 6, 9, 10)
    extents = (2, 5, 5, 4, 6 // 2, 3, 2)  # n, h, w, in, out of a group, taps
    assert layer.macs([(2, 4, 5, 5)], (2, 6, 9, 10)) == sum(
        1 for _ in product(*map(range, extents))
    )
    assert (layer.weights([(2, 4, 5, 5)]), layer.biases([(2, 4, 5, 5)])) == (4 * 3 * 3 * 2, 6)


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("right", [False, True])
def test_a_product_of_activations(left, right):
    layer = MatMul("m", XZ, "y", transpose_left=left, transpose_right=right)
    a, b = (5, 7) if not left else (7, 5), (7, 9) if not right else (9, 7)
    assert layer.infer([(2, 3, *a), (2, 3, *b)]) == (2, 3, 5, 9)
    assert layer.macs([(2, 3, *a), (2, 3, *b)], (2, 3, 5, 9)) == 6 * 5 * 7 * 9
    assert layer.infer([(2, 3, *a), (2, 1, *b)]) == (2, 3, 5, 9)
    assert layer.parameters([(2, 3, *a), (2, 3, *b)]) == 0


def test_a_fully_connected_layer_takes_a_sequence_step_by_step():
    layer = FullyConnected("f", X, "y", 10, bias=True)
    assert layer.infer([(3, 4, 16)]) == (3, 4, 10)
    assert layer.macs([(3, 4, 16)], (3, 4, 10)) == 3 * 4 * 16 * 10
    assert layer.parameters([(3, 4, 16)]) == 170


def test_look_ups():
    table = Embedding("e", X, "y", rows=100, features=8)
    assert table.infer([(2, 5)]) == (2, 5, 8)
    assert (table.weights([(2, 5)]), table.macs([(2, 5)], (2, 5, 8))) == (800, 0)
    assert Gather("g", XZ, "y").infer([(2, 9, 8), (2, 4)]) == (2, 4, 8)


def test_shapes_of_operators_that_move_elements():
    assert Pad("p", X, "y", (0, 0, 1, 2), (0, 0, 3, 0)).infer([IMAGE]) == (2, 12, 8, 8)
    assert Slice("s", X, "y", (1, 3), (2, 0), (8, 6), (1, 4)).infer([IMAGE]) == (2, 6, 4, 2)
    split = Split("s", X, "a", (2, 10), ("b",))
    assert split.outputs == ("a", "b")
    assert split.infer_all([IMAGE]) == ((2, 2, 4, 6), (2, 10, 4, 6))
    assert Resize("r", X, "y", ResizeKind.NEAREST, (8, 3)).infer([IMAGE]) == (2, 12, 8, 3)
    assert DepthToSpace("d", X, "y", 2).infer([IMAGE]) == (2, 3, 8, 12)
    assert SpaceToDepth("s", X, "y", 2).infer([IMAGE]) == (2, 48, 2, 3)


def test_shapes_of_reductions():
    assert Reduce("r", X, "y", ReduceKind.MEAN, (2, 3)).infer([IMAGE]) == (2, 12, 1, 1)
    assert Reduce("r", X, "y", ReduceKind.SUM, (1,), keep=False).infer([IMAGE]) == (2, 4, 6)
    assert ArgMax("a", X, "y").infer([IMAGE]) == (2, 4, 6)
    assert TopK("t", X, "y", 4, "where").infer_all([(2, 91)]) == ((2, 4), (2, 4))


def test_choices_run_on_the_host():
    assert ArgMax("a", X, "y").on_host
    assert TopK("t", X, "y", 4, "where").on_host
    assert not Reduce("r", X, "y", ReduceKind.MAX, (1,)).on_host


def test_stored_values_of_elementwise_operators():
    kinds = {kind: Binary("b", X, "y", kind, (1, 12, 1, 1)) for kind in BinaryKind}
    summands = {kind for kind, item in kinds.items() if item.biases([IMAGE])}
    assert summands == {BinaryKind.ADD, BinaryKind.SUBTRACT}
    assert all(item.parameters([IMAGE]) == 12 for item in kinds.values())
    slopes = PReLU("p", X, "y", 12)
    assert (slopes.infer([IMAGE]), slopes.weights([IMAGE])) == (IMAGE, 12)
    norm = LayerNormalization("n", X, "y", 6)
    assert (norm.infer([IMAGE]), norm.parameters([IMAGE]), norm.weights([IMAGE])) == (IMAGE, 12, 0)


def test_a_name_for_people_has_the_kind():
    assert Resize("r", X, "y", ResizeKind.NEAREST, (8, 3)).label == "Resize nearest"
    assert Reduce("r", X, "y", ReduceKind.MAX, (1,)).label == "Reduce max"


MOVED = [
    Slice("s", X, "y", (0,), (0,), (1,)),
    Split("s", X, "a", (1, 1), ("b",), axis=0),
    Pad("p", X, "y", (1, 0, 0, 0), (0, 0, 0, 0)),
    Reduce("r", X, "y", ReduceKind.SUM, (0,)),
    ArgMax("a", X, "y", 0),
    Softmax("s", X, "y", 0),
]


@pytest.mark.parametrize("operator", MOVED, ids=lambda operator: operator.label)
def test_operators_know_when_they_touch_the_batch(operator):
    assert operator.moves_batch([IMAGE])


def test_a_product_of_plain_matrices_mixes_the_batch():
    product = MatMul("m", XZ, "y", transpose_right=True)
    assert product.moves_batch([(2, 3), (2, 3)])
    assert not product.moves_batch([(2, 4, 3), (2, 4, 3)])


WRONG = [
    (
        lambda: ConvTranspose("c", X, "y", 4, (1, 1), padding=(2, 0, 2, 0)).infer([IMAGE]),
        "ConvTranspose 'c': padding (2, 0, 2, 0) must leave something of the output.",
    ),
    (
        lambda: ConvTranspose("c", X, "y", 4, (1, 1), extra=(0, -1)),
        "ConvTranspose 'c': extra must not be negative, as in (0, -1).",
    ),
    (
        lambda: MatMul("m", XZ, "y").infer([(2, 3), (4, 5)]),
        "MatMul 'm': (2, 3) and (4, 5) must agree in the summed dimension.",
    ),
    (
        lambda: MatMul("m", XZ, "y").infer([(2, 3, 4), (3, 4, 5)]),
        "MatMul 'm': shapes (2,) and (3,) do not broadcast.",
    ),
    (
        lambda: MatMul("m", XZ, "y").infer([(3,), (3, 4)]),
        "MatMul 'm': the inputs must be matrices, not (3,) and (3, 4).",
    ),
    (
        lambda: MatMul("m", X, "y").infer([(3, 4)]),
        "MatMul 'm': there must be two inputs, not 1.",
    ),
    (
        lambda: Embedding("e", X, "y", 0, 8),
        "Embedding 'e': rows must be positive, not 0.",
    ),
    (
        lambda: Gather("g", XZ, "y").infer([(2, 9, 8), (3, 4)]),
        "Gather 'g': the inputs must be (n, t, ...) and (n, p), not (2, 9, 8) and (3, 4).",
    ),
    (
        lambda: Pad("p", X, "y", (0, 0), (0, 0)).infer([IMAGE]),
        "Pad 'p': before and after must be given for 4 dimensions, not (0, 0) and (0, 0).",
    ),
    (
        lambda: Pad("p", X, "y", (0, -1), (0, 0)).infer([(1, 2)]),
        "Pad 'p': padding must not be negative, as in (0, -1), (0, 0).",
    ),
    (
        lambda: Slice("s", X, "y", (1,), (2, 3), (4,)),
        "Slice 's': axes, starts, stops and steps must be equally many.",
    ),
    (
        lambda: Slice("s", X, "y", (1,), (2,), (13,)).infer([IMAGE]),
        "Slice 's': start and stop must lie in 0..12 in that order, not 2 and 13.",
    ),
    (
        lambda: Slice("s", X, "y", (4,), (0,), (1,)).infer([IMAGE]),
        "Slice 's': axis must be in 0..3 for (2, 12, 4, 6), not 4.",
    ),
    (
        lambda: Split("s", X, "a", (2, 9), ("b",)).infer([IMAGE]),
        "Split 's': sizes must sum to 12, unlike (2, 9).",
    ),
    (
        lambda: Split("s", X, "a", (12,), ("b",)),
        "Split 's': there must be as many sizes as outputs (2), not 1.",
    ),
    (
        lambda: DepthToSpace("d", X, "y", 5).infer([IMAGE]),
        "DepthToSpace 'd': channels must be a multiple of 25, not 12.",
    ),
    (
        lambda: SpaceToDepth("s", X, "y", 4).infer([IMAGE]),
        "SpaceToDepth 's': height and width must be multiples of 4, not 4 and 6.",
    ),
    (
        lambda: TopK("t", X, "y", 92, "where").infer([(2, 91)]),
        "TopK 't': count must be at most 91, not 92.",
    ),
    (
        lambda: PReLU("p", X, "y", 3).infer([IMAGE]),
        "PReLU 'p': the input must have 3 channels, not shape (2, 12, 4, 6).",
    ),
    (
        lambda: LayerNormalization("n", X, "y", 3).infer([IMAGE]),
        "LayerNormalization 'n': the last dimension must be 3, not that of (2, 12, 4, 6).",
    ),
    (
        lambda: Binary("b", XZ, "y", BinaryKind.POWER),
        "Binary 'b': the exponent must be constant.",
    ),
]


@pytest.mark.parametrize(("call", "sentence"), WRONG)
def test_wrong_operators_are_refused_in_a_sentence(call, sentence):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        call()
    assert str(caught.value) == sentence

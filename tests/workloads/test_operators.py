from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollo.workloads.operators import (
    BatchNormalization,
    Binary,
    BinaryKind,
    Concat,
    Convolution,
    FullyConnected,
    LocalResponseNormalization,
    Pool,
    PoolKind,
    Reshape,
    Softmax,
    Transpose,
    Unary,
    UnaryKind,
)


def conv(out_channels=8, kernel=(3, 3), **fields):
    return Convolution("c", ("x",), "y", out_channels, kernel, **fields)


def positions(size, kernel, stride, before, after, dilation):
    """Window positions counted one by one."""
    padded = size + before + after
    last_tap = dilation * (kernel - 1)
    return sum(start + last_tap < padded for start in range(0, padded, stride))


small = st.integers(1, 4)
pads = st.integers(0, 3)


@given(
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    st.tuples(small, small),
    st.tuples(small, small),
    st.tuples(pads, pads, pads, pads),
    st.tuples(small, small),
)
def test_window_positions_are_those_counted_one_by_one(size, kernel, stride, padding, dilation):
    expected = tuple(
        positions(size[i], kernel[i], stride[i], padding[i], padding[2 + i], dilation[i])
        for i in range(2)
    )
    layer = conv(5, kernel, stride=stride, padding=padding, dilation=dilation)
    if 0 in expected:
        with pytest.raises(ValueError, match="does not fit in a padded input"):
            layer.infer([(2, 3, *size)])
    else:
        assert layer.infer([(2, 3, *size)]) == (2, 5, *expected)
    if 0 not in expected and dilation == (1, 1):
        pool = Pool("p", ("x",), "y", PoolKind.MAX, kernel, stride, padding)
        assert pool.infer([(2, 3, *size)]) == (2, 3, *expected)


def test_macs_of_a_grouped_convolution_are_those_of_its_loop_nest():
    layer = conv(6, (3, 2), stride=(2, 1), groups=2, bias=True)
    output = layer.infer([(2, 4, 9, 5)])
    extents = (2, 6, 4, 4, 4 // 2, 3, 2)  # n, out, h, w, in of a group, taps
    assert output == (2, 6, 4, 4)
    assert layer.macs([(2, 4, 9, 5)], output) == sum(1 for _ in product(*map(range, extents)))
    assert (layer.weights([(2, 4, 9, 5)]), layer.biases([(2, 4, 9, 5)])) == (6 * 2 * 3 * 2, 6)
    assert layer.parameters([(2, 4, 9, 5)]) == 78


def test_a_fully_connected_layer_flattens_an_image():
    layer = FullyConnected("f", ("x",), "y", 10, bias=True)
    assert layer.infer([(3, 4, 2, 2)]) == layer.infer([(3, 16)]) == (3, 10)
    assert layer.macs([(3, 4, 2, 2)], (3, 10)) == 3 * 16 * 10
    assert layer.parameters([(3, 16)]) == 170


def test_shapes_of_the_other_operators():
    image, x = [(2, 3, 4, 5)], ("x",)
    assert BatchNormalization("b", x, "y", 3).infer(image) == image[0]
    assert BatchNormalization("b", x, "y", 3).parameters(image) == 6
    assert Unary("u", x, "y", UnaryKind.HARD_SWISH).infer(image) == image[0]
    assert Softmax("s", x, "y").infer(image) == image[0]
    assert LocalResponseNormalization("l", x, "y", 5).infer(image) == image[0]
    assert Reshape("r", x, "y", (2, 60)).infer(image) == (2, 60)
    assert Transpose("t", x, "y", (0, 2, 3, 1)).infer(image) == (2, 4, 5, 3)
    assert Concat("c", ("x", "z"), "y", 1).infer([*image, (2, 7, 4, 5)]) == (2, 10, 4, 5)


@pytest.mark.parametrize("other", [(2, 3, 4, 5), (2, 3, 1, 1), (1, 1, 1, 1), (1, 3, 4, 5)])
def test_the_smaller_operand_stretches(other):
    add = Binary("a", ("x", "z"), "y", BinaryKind.ADD)
    assert add.infer([(2, 3, 4, 5), other]) == add.infer([other, (2, 3, 4, 5)]) == (2, 3, 4, 5)


def test_a_constant_operand_is_stored():
    scale = Binary("a", ("x",), "y", BinaryKind.MULTIPLY, constant_shape=(1, 3, 1, 1))
    assert scale.constant
    assert scale.infer([(2, 3, 4, 5)]) == (2, 3, 4, 5)
    assert (scale.weights([]), scale.biases([])) == (3, 0)
    shift = Binary("a", ("x",), "y", BinaryKind.ADD, constant_shape=(1, 3, 1, 1))
    assert (shift.weights([]), shift.biases([]), shift.parameters([])) == (0, 3, 3)


def test_labels_name_the_kind():
    assert conv().label == "Convolution"
    assert Pool("p", ("x",), "y", PoolKind.AVERAGE, (2, 2)).label == "Pool average"
    assert Binary("a", ("x", "z"), "y", BinaryKind.ADD).label == "Binary add"


IMAGE = [(1, 3, 4, 4)]
WRONG = [
    (lambda: conv(0), "Convolution 'c': out_channels must be positive, not 0."),
    (lambda: conv(kernel=(0, 1)), "Convolution 'c': kernel must be positive, not (0, 1)."),
    (
        lambda: conv(padding=(0, 0, -1, 0)),
        "Convolution 'c': padding must not be negative, as in (0, 0, -1, 0).",
    ),
    (
        lambda: conv(8, groups=3),
        "Convolution 'c': out_channels must be a multiple of groups (3), not 8.",
    ),
    (
        lambda: conv(8, groups=2).infer(IMAGE),
        "Convolution 'c': input channels must be a multiple of groups (2), not 3.",
    ),
    (
        lambda: conv(8, (5, 1)).infer(IMAGE),
        "Convolution 'c': a window of 5x1 does not fit in a padded input of 4x4.",
    ),
    (
        lambda: conv().infer([(1, 3)]),
        "Convolution 'c': the input must have shape (n, c, h, w), not (1, 3).",
    ),
    (lambda: conv().infer([]), "Convolution 'c': there must be one input, not 0."),
    (
        lambda: FullyConnected("f", ("x",), "y", 3).infer([(1,)]),
        "FullyConnected 'f': the input must have shape (n, c), (n, t, c) or (n, c, h, w), "
        "not (1,).",
    ),
    (
        lambda: BatchNormalization("b", ("x",), "y", 4).infer(IMAGE),
        "BatchNormalization 'b': the input must have 4 channels, not shape (1, 3, 4, 4).",
    ),
    (
        lambda: Binary("a", ("x",), "y", BinaryKind.ADD),
        "Binary 'a': two inputs must be given, not 1 inputs.",
    ),
    (
        lambda: Binary("a", ("x", "z"), "y", BinaryKind.ADD).infer([(1, 3, 4, 4), (1, 2, 4, 4)]),
        "Binary 'a': shapes (1, 3, 4, 4) and (1, 2, 4, 4) do not broadcast.",
    ),
    (
        lambda: Concat("c", ("x",), "y", 4).infer(IMAGE),
        "Concat 'c': there must be inputs that have axis 4.",
    ),
    (
        lambda: Concat("c", ("x", "z"), "y").infer([(1, 3, 4, 4), (1, 3, 4, 5)]),
        "Concat 'c': inputs must agree but along axis 1, unlike [(1, 3, 4, 4), (1, 3, 4, 5)].",
    ),
    (
        lambda: Reshape("r", ("x",), "y", (1, 47)).infer(IMAGE),
        "Reshape 'r': (1, 47) must have the 48 elements of (1, 3, 4, 4).",
    ),
    (
        lambda: Transpose("t", ("x",), "y", (0, 1, 2)).infer(IMAGE),
        "Transpose 't': perm must order the dimensions of (1, 3, 4, 4), not be (0, 1, 2).",
    ),
]


@pytest.mark.parametrize(("call", "sentence"), WRONG)
def test_wrong_operators_are_refused_in_a_sentence(call, sentence):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        call()
    assert str(caught.value) == sentence

import random
import re
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from apollo.workloads import load
from apollo.workloads.onnx import SUPPORTED, import_onnx
from apollo.workloads.operators import FullyConnected, Pool, Unary, UnaryKind

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"


def light(name):
    return LIGHT / f"light_{name}.onnx"


class Model:
    """Writes small models to try: `x` of a shape goes in, `y` comes out."""

    def __init__(self, path, shape, opset=17):
        self.path, self.shape, self.opset = path, shape, opset
        self.nodes, self.weights = [], []

    def weight(self, name, values):
        self.weights.append(numpy_helper.from_array(np.asarray(values), name))
        return self

    def node(self, kind, inputs, outputs, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, outputs, name=f"the_{kind}", **attributes))
        return self

    def write(self):
        graph = helper.make_graph(
            self.nodes,
            "model",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            self.weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)])
        model.ir_version = 8
        onnx.save(model, self.path)
        return self.path


@pytest.fixture
def model(tmp_path):
    return lambda shape, **options: Model(tmp_path / "net.onnx", shape, **options)


def floats(*shape):
    return np.zeros(shape, dtype=np.float32)


def integers(*values):
    return np.array(values, dtype=np.int64)


def executed_shape(path, shape):
    """The shape that ONNX Runtime really gives."""
    session = onnxruntime.InferenceSession(path)
    return session.run(None, {"x": floats(*shape)})[0].shape


small = st.integers(1, 3)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["AveragePool", "MaxPool"]),
    st.tuples(st.integers(3, 9), st.integers(3, 9)),
    st.tuples(small, small),
    st.tuples(small, small),
    st.tuples(*[st.integers(0, 2)] * 4),
    st.booleans(),
)
def test_pools_have_the_shape_that_is_executed(
    tmp_path_factory, kind, size, kernel, stride, pads, rounding_up
):
    pads = tuple(min(pad, kernel[i % 2] - 1) for i, pad in enumerate(pads))
    shape, path = (1, 2, *size), tmp_path_factory.mktemp("pool") / "net.onnx"
    Model(path, shape).node(
        kind,
        ["x"],
        ["y"],
        kernel_shape=kernel,
        strides=stride,
        pads=pads,
        ceil_mode=int(rounding_up),
    ).write()
    assert import_onnx(path).tensor("y").shape == executed_shape(path, shape)


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(5, 9), st.integers(5, 9)),
    st.tuples(small, small),
    st.tuples(small, small),
    st.sampled_from([(1, 1), (2, 1), (1, 2)]),
    st.sampled_from(["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]),
    st.sampled_from([1, 2, 4]),
)
def test_convolutions_have_the_shape_that_is_executed(
    tmp_path_factory, size, kernel, stride, dilation, rule, groups
):
    if rule.startswith("SAME"):
        dilation = (1, 1)  # ONNX Runtime has no dilation by these rules
    shape, path = (1, 4, *size), tmp_path_factory.mktemp("conv") / "net.onnx"
    Model(path, shape).weight("w", floats(8, 4 // groups, *kernel)).node(
        "Conv", ["x", "w"], ["y"], auto_pad=rule, strides=stride, dilations=dilation, group=groups
    ).write()
    graph = import_onnx(path)
    assert graph.tensor("y").shape == executed_shape(path, shape)
    assert graph.operators[0].groups == groups


def test_a_lower_rule_pads_before_the_image(model):
    net = model((1, 2, 4, 4)).weight("w", floats(2, 2, 3, 3))
    net.node("Conv", ["x", "w"], ["y"], auto_pad="SAME_LOWER", strides=(2, 2))
    assert import_onnx(net.write()).operators[0].padding == (1, 1, 0, 0)


def test_a_free_batch_and_a_computed_reshape(model):
    """What exporters write for `x.view(x.size(0), -1)`."""
    net = model(("N", 2, 3, 3)).weight("zero", integers(0)).weight("rest", integers(-1))
    net.weight("w", floats(5, 18)).weight("b", floats(5))
    net.node("Shape", ["x"], ["shape"])
    net.node("Gather", ["shape", "zero"], ["n"])
    net.node("Concat", ["n", "rest"], ["target"], axis=0)
    net.node("Reshape", ["x", "target"], ["flat"])
    net.node("Gemm", ["flat", "w", "b"], ["y"], transB=1)
    path = net.write()
    assert [item.label for item in import_onnx(path).operators] == ["Reshape", "FullyConnected"]
    assert load(path, batch=7).tensor("y").shape == (7, 5)


@pytest.mark.parametrize("constant", [floats(4), floats(1, 4)])
def test_a_constant_sum_behind_a_product_is_its_bias(model, constant):
    net = model((1, 3)).weight("w", floats(3, 4)).weight("b", constant)
    net.node("MatMul", ["x", "w"], ["t"]).node("Add", ["b", "t"], ["y"])
    (layer,) = import_onnx(net.write()).operators
    assert layer == FullyConnected("the_MatMul", ("x",), "y", 4, bias=True)


def test_a_constant_sum_is_no_bias_where_the_product_is_read_elsewhere(model):
    net = model((1, 3)).weight("w", floats(3, 4)).weight("b", floats(4))
    net.node("MatMul", ["x", "w"], ["t"]).node("Add", ["t", "b"], ["u"])
    net.node("Mul", ["t", "u"], ["y"])
    labels = [item.label for item in import_onnx(net.write()).operators]
    assert labels == ["FullyConnected", "Binary add", "Binary multiply"]


@pytest.mark.parametrize(
    ("bounds", "kind", "arguments"),
    [
        ((0.0, 6.0), UnaryKind.RELU6, ()),
        ((0.0, None), UnaryKind.RELU, ()),
        ((-1.0, 1.0), UnaryKind.CLIP, (-1.0, 1.0)),
    ],
)
def test_the_bounds_of_a_clip_decide_its_kind(model, bounds, kind, arguments):
    net, inputs = model((1, 3)), ["x"]
    for name, bound in zip(("low", "high"), bounds, strict=True):
        if bound is not None:
            net.weight(name, np.float32(bound))
            inputs.append(name)
    path = net.node("Clip", inputs, ["y"]).write()
    assert import_onnx(path).operators == (Unary("the_Clip", ("x",), "y", kind, arguments),)


def test_operators_that_do_nothing_vanish(model):
    net = model((1, 3, 4, 4)).node("Identity", ["x"], ["a"]).node("Dropout", ["a"], ["b"])
    net.node("HardSwish", ["b"], ["c"]).node("Identity", ["c"], ["y"])
    graph = import_onnx(net.write())
    assert [item.label for item in graph.operators] == ["Unary hard_swish"]
    assert graph.outputs == ("c",)


def test_a_mean_over_the_image_is_a_pool(model):
    net = model((1, 3, 4, 5)).node("ReduceMean", ["x"], ["y"], axes=[2, 3], keepdims=0)
    graph = import_onnx(net.write())
    assert isinstance(graph.operators[0], Pool)
    assert graph.tensor("y").shape == (1, 3)


def test_a_sum_of_three_takes_two_operators(model):
    net = model((1, 3)).node("Relu", ["x"], ["a"]).node("Tanh", ["x"], ["b"])
    graph = import_onnx(net.node("Sum", ["x", "a", "b"], ["y"]).write())
    assert [item.label for item in graph.operators[2:]] == ["Binary add"] * 2


def test_large_weights_are_needed_for_their_shape_only(model, tmp_path):
    net = model((1, 1000)).weight("w", floats(200, 1000)).weight("perm", integers(1, 0))
    net.node("Transpose", ["w"], ["t"], perm=[1, 0]).node("MatMul", ["x", "t"], ["y"])
    path = net.write()
    stored = onnx.load(path)
    onnx.save(stored, path, save_as_external_data=True, location="w.bin", size_threshold=0)
    (tmp_path / "w.bin").unlink()
    assert import_onnx(path).macs == 200_000


def test_a_node_that_no_output_needs_is_left_out(model):
    net = model((1, 3)).node("Relu", ["x"], ["y"]).node("Tanh", ["x"], ["unused"])
    assert len(import_onnx(net.write()).operators) == 1


def single(kind, inputs=("x",), **attributes):
    return lambda net: net.node(kind, list(inputs), ["y"], **attributes)


IMAGE = (1, 3, 8, 8)
WRONG = [
    (
        IMAGE,
        single("Einsum", equation="ij"),
        "operator 'Einsum' of node 'the_Einsum' is not supported.",
    ),
    (
        IMAGE,
        single("Relu", domain="com.example"),
        "operator 'Relu' of 'com.example' of node 'the_Relu' is not supported.",
    ),
    (
        (1, 3, "height", 8),
        single("Relu"),
        "input 'x' must have fixed dimensions but for the batch, and dimension 2 is 'height'.",
    ),
    (
        (1, 3, 8, None),
        single("Relu"),
        "input 'x' must have fixed dimensions but for the batch, and dimension 3 is 'unknown'.",
    ),
    (
        (1, 3, 8),
        single("Relu"),
        "input 'x' must have shape (n, c, h, w) or (n, c), not 3 dimensions.",
    ),
    (
        IMAGE,
        lambda net: net.node("Relu", ["x"], ["w"]).node("Conv", ["x", "w"], ["y"]),
        "Conv of node 'the_Conv' must have constant weights as its input number 1.",
    ),
    (
        IMAGE,
        single("MaxPool", kernel_shape=[3, 3], dilations=[2, 2]),
        "MaxPool of node 'the_MaxPool' must not be dilated, as by (2, 2).",
    ),
    (
        IMAGE,
        single(
            "AveragePool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1, count_include_pad=1
        ),
        "AveragePool of node 'the_AveragePool' must not combine ceil_mode with count_include_pad.",
    ),
    (
        IMAGE,
        single("Softmax"),
        "Softmax of node 'the_Softmax' must run over the channels, "
        "not over axis 3 of (1, 3, 8, 8).",
    ),
    (
        IMAGE,
        lambda net: (
            net.node("MaxPool", ["x"], ["a", "where"], kernel_shape=[8, 8])
            .node("Cast", ["where"], ["b"], to=TensorProto.FLOAT)
            .node("Add", ["a", "b"], ["y"])
        ),
        "MaxPool of node 'the_MaxPool' must not have its output number 1 ('where') read.",
    ),
    (
        IMAGE,
        lambda net: net.weight("i", integers(0)).node("Gather", ["x", "i"], ["y"]),
        "operator 'Gather' of node 'the_Gather' is supported for constants only.",
    ),
    (
        IMAGE,
        lambda net: net.node("Dropout", ["x"], ["a", "mask"]).node("Reshape", ["x", "mask"], ["y"]),
        None,
    ),
    (
        IMAGE,
        single("Sub", ("x", "x")),
        "Sub of node 'the_Sub' must have a constant as its second operand, and only there.",
    ),
    (
        (1, 8),
        lambda net: net.weight("w", floats(8, 2)).node("Gemm", ["w", "x"], ["y"]),
        None,
    ),
    (
        IMAGE,
        single("ReduceMean", axes=[1]),
        "ReduceMean of node 'the_ReduceMean' must average height and width, not axes [1].",
    ),
]


@pytest.mark.parametrize(("shape", "make", "reason"), WRONG)
def test_what_is_not_supported_is_refused_in_a_sentence(model, shape, make, reason):
    net = model(shape)
    make(net)
    path = net.write()
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        import_onnx(path)
    if reason is None:  # the reason is in ONNX's words
        start = f"Cannot import {str(path)!r}: the model is not valid ("
        assert str(caught.value).startswith(start)
    else:
        assert str(caught.value) == f"Cannot import {str(path)!r}: {reason}"
    assert "\n" not in str(caught.value)


def test_a_missing_file(tmp_path):
    path = str(tmp_path / "none.onnx")
    with pytest.raises(ValueError, match=f"^There is no file {re.escape(repr(path))}\\.$"):
        load(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"# Not a network\n", b"\x00" * 64, b"\x08\x07", light("vgg19").read_bytes()[:999]],
)
def test_a_file_that_is_no_network(tmp_path, content):
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    start = f"^File {re.escape(repr(str(path)))} is not an ONNX file"
    with pytest.raises(ValueError, match=start):
        load(path)


def test_a_damaged_file_is_refused_and_nothing_else_happens(tmp_path):
    generator, path = random.Random(0), tmp_path / "damaged.onnx"
    sound = light("squeezenet").read_bytes()
    for _ in range(100):
        damaged = bytearray(sound)
        for _ in range(3):
            damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        path.write_bytes(damaged)
        try:
            import_onnx(path)
        except ValueError as error:
            assert "\n" not in str(error)  # noqa: PT017 - damage may also go unnoticed


def test_the_manual_lists_the_supported_operators():
    manual = (Path(__file__).parents[2] / "docs/workloads.md").read_text()
    section = manual.split("## Supported ONNX operators", 1)[1].split("\n## ", 1)[0]
    assert tuple(sorted(re.findall(r"`(\w+)`", section))) == SUPPORTED

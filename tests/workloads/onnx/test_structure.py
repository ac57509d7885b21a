import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apollo.workloads import load
from apollo.workloads.onnx import SUPPORTED, import_onnx
from apollo.workloads.operators import FullyConnected, Pool, Unary, UnaryKind
from tests.workloads.onnx.build import Net, floats, integers, session


def executed_shape(path, shape):
    """The shape that ONNX Runtime really gives."""
    return session(path).run(None, {"x": floats(*shape)})[0].shape


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
    Net(path, shape).node(
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
    Net(path, shape).weight("w", floats(8, 4 // groups, *kernel)).node(
        "Conv", ["x", "w"], ["y"], auto_pad=rule, strides=stride, dilations=dilation, group=groups
    ).write()
    graph = import_onnx(path)
    assert graph.tensor("y").shape == executed_shape(path, shape)
    assert graph.operators[0].groups == groups


def test_a_lower_rule_pads_before_the_image(net):
    made = net((1, 2, 4, 4)).weight("w", floats(2, 2, 3, 3))
    made.node("Conv", ["x", "w"], ["y"], auto_pad="SAME_LOWER", strides=(2, 2))
    assert import_onnx(made.write()).operators[0].padding == (1, 1, 0, 0)


def test_a_free_batch_and_a_computed_reshape(net):
    """What exporters write for `x.view(x.size(0), -1)`."""
    made = net(("N", 2, 3, 3)).weight("zero", integers(0)).weight("rest", integers(-1))
    made.weight("w", floats(5, 18)).weight("b", floats(5))
    made.node("Shape", ["x"], ["shape"])
    made.node("Gather", ["shape", "zero"], ["n"])
    made.node("Concat", ["n", "rest"], ["target"], axis=0)
    made.node("Reshape", ["x", "target"], ["flat"])
    made.node("Gemm", ["flat", "w", "b"], ["y"], transB=1)
    path = made.write()
    assert [item.label for item in import_onnx(path).operators] == ["Reshape", "FullyConnected"]
    assert load(path, batch=7).tensor("y").shape == (7, 5)


@pytest.mark.parametrize("constant", [floats(4), floats(1, 4)])
def test_a_constant_sum_behind_a_product_is_its_bias(net, constant):
    made = net((1, 3)).weight("w", floats(3, 4)).weight("b", constant)
    made.node("MatMul", ["x", "w"], ["t"]).node("Add", ["b", "t"], ["y"])
    (layer,) = import_onnx(made.write()).operators
    assert layer == FullyConnected("the_MatMul", ("x",), "y", 4, bias=True)


def test_a_constant_sum_is_no_bias_where_the_product_is_read_elsewhere(net):
    made = net((1, 3)).weight("w", floats(3, 4)).weight("b", floats(4))
    made.node("MatMul", ["x", "w"], ["t"]).node("Add", ["t", "b"], ["u"])
    made.node("Mul", ["t", "u"], ["y"])
    labels = [item.label for item in import_onnx(made.write()).operators]
    assert labels == ["FullyConnected", "Binary add", "Binary multiply"]


@pytest.mark.parametrize(
    ("bounds", "kind", "arguments"),
    [
        ((0.0, 6.0), UnaryKind.RELU6, ()),
        ((0.0, None), UnaryKind.RELU, ()),
        ((-1.0, 1.0), UnaryKind.CLIP, (-1.0, 1.0)),
    ],
)
def test_the_bounds_of_a_clip_decide_its_kind(net, bounds, kind, arguments):
    made, inputs = net((1, 3)), ["x"]
    for name, bound in zip(("low", "high"), bounds, strict=True):
        if bound is not None:
            made.weight(name, np.float32(bound))
            inputs.append(name)
    path = made.node("Clip", inputs, ["y"]).write()
    assert import_onnx(path).operators == (Unary("the_Clip", ("x",), "y", kind, arguments),)


def test_operators_that_do_nothing_vanish(net):
    made = net((1, 3, 4, 4)).node("Identity", ["x"], ["a"]).node("Dropout", ["a"], ["b"])
    made.node("HardSwish", ["b"], ["c"]).node("Identity", ["c"], ["y"])
    graph = import_onnx(made.write())
    assert [item.label for item in graph.operators] == ["Unary hard_swish"]
    assert graph.outputs == ("c",)


def test_a_mean_over_the_image_is_a_pool(net):
    made = net((1, 3, 4, 5)).node("ReduceMean", ["x"], ["y"], axes=[2, 3], keepdims=0)
    graph = import_onnx(made.write())
    assert isinstance(graph.operators[0], Pool)
    assert graph.tensor("y").shape == (1, 3)


def test_a_sum_of_three_takes_two_operators(net):
    made = net((1, 3)).node("Relu", ["x"], ["a"]).node("Tanh", ["x"], ["b"])
    graph = import_onnx(made.node("Sum", ["x", "a", "b"], ["y"]).write())
    assert [item.label for item in graph.operators[2:]] == ["Binary add"] * 2


def test_a_node_that_no_output_needs_is_left_out(net):
    made = net((1, 3)).node("Relu", ["x"], ["y"]).node("Tanh", ["x"], ["unused"])
    assert len(import_onnx(made.write()).operators) == 1


def test_the_manual_lists_the_supported_operators():
    manual = (Path(__file__).parents[3] / "docs/onnx.md").read_text(encoding="utf-8")
    section = manual.split("## Supported ONNX operators", 1)[1].split("Of the domain", 1)[0]
    assert tuple(sorted(re.findall(r"`(\w+)`", section))) == SUPPORTED

"""Files that are quantised: QDQ pairs, QLinear operators, dynamic quantisation."""

import numpy as np
import pytest
from onnx import TensorProto

from apollo.workloads.integer import run
from apollo.workloads.onnx import import_onnx_model
from apollo.workloads.quantization import Quantization
from apollo.workloads.quantize import quantize
from tests.workloads.onnx.build import random


def scale(value):
    return np.float32(value)


def pair(made, name, out, step, zero):
    made.weight(f"{out}_s", scale(step)).weight(f"{out}_z", zero)
    made.node("QuantizeLinear", [name, f"{out}_s", f"{out}_z"], [f"{out}_q"])
    return made.node("DequantizeLinear", [f"{out}_q", f"{out}_s", f"{out}_z"], [out])


def test_pairs_become_the_quantisation_of_tensors(net):
    made = net((1, 2, 4, 4))
    pair(made, "x", "x_real", 0.5, np.uint8(128))
    stored = np.arange(-9, 9, dtype=np.int8).reshape(1, 2, 3, 3)
    made.weight("w_q", stored).weight("w_s", np.array([0.25], np.float32)).weight(
        "w_z", np.zeros(1, np.int8)
    )
    made.node("DequantizeLinear", ["w_q", "w_s", "w_z"], ["w"], axis=0)
    made.weight("b_q", np.array([100], np.int32)).weight("b_s", np.array([0.125], np.float32))
    made.node("DequantizeLinear", ["b_q", "b_s"], ["b"], axis=0)
    made.node("Conv", ["x_real", "w", "b"], ["c"])
    pair(made, "c", "y", 2.0, np.int8(-3))
    model = import_onnx_model(made.write())
    assert [item.label for item in model.graph.operators] == ["Convolution"]
    assert model.quantization == {
        "x": Quantization((0.5,), (0,)),
        "c": Quantization((2.0,), (-3,)),
    }
    weight, bias = (model.constant("the_Conv", role) for role in ("weight", "bias"))
    assert weight.quantization == Quantization((0.25,), (0,))
    assert weight.values.tolist() == stored.tolist()
    assert bias.quantization.bits == 32
    assert bias.values.tolist() == [100]


@pytest.mark.parametrize(("kind", "shift"), [(np.int8, 0), (np.uint8, 128)])
def test_scales_by_channel_and_unsigned_weights(net, kind, shift):
    made = net((1, 3))
    stored = (np.arange(12).reshape(4, 3) + shift).astype(kind)
    made.weight("w_q", stored).weight("s", np.arange(1, 5, dtype=np.float32))
    made.weight("z", np.full(4, shift, kind))
    made.node("DequantizeLinear", ["w_q", "s", "z"], ["w"], axis=0)
    model = import_onnx_model(made.node("Gemm", ["x", "w"], ["y"], transB=1).write())
    (weight,) = model.constants.values()
    assert weight.quantization == Quantization((1, 2, 3, 4), (0,) * 4, axis=0)
    assert weight.values.tolist() == np.arange(12).reshape(4, 3).tolist()


def test_a_second_quantisation_of_a_tensor_is_a_second_tensor(net):
    made = net((1, 3))
    pair(made, "x", "a", 0.5, np.int8(0))
    pair(made, "x", "b", 0.25, np.int8(1))
    model = import_onnx_model(made.node("Concat", ["a", "b"], ["y"], axis=1).write())
    rules = [model.quantization[name].scale for name in model.graph.operators[-1].inputs]
    assert rules == [(0.5,), (0.25,)]


def test_a_clamp_between_pairs_needs_no_calibration(net):
    made = net((1, 4))
    pair(made, "x", "a", 0.5, np.int8(0))
    made.weight("w_q", np.ones((3, 4), np.int8)).weight("w_s", scale(0.5))
    made.node("DequantizeLinear", ["w_q", "w_s"], ["w"])
    made.node("Gemm", ["a", "w"], ["b"], transB=1).node("Relu", ["b"], ["c"])
    pair(made, "c", "y", 0.25, np.int8(-128))
    model = import_onnx_model(made.write())
    assert not model.is_quantized
    whole = quantize(model, calibration=[])
    assert whole.quantization["b"] == whole.quantization["c"]
    found = run(whole, {"x": np.array([[1, 2, 3, -1]])})
    assert found["c"].tolist() == [[-128 + 5] * 3]


def test_qlinear_operators(net):
    made = net((1, 2, 4, 4), kind=TensorProto.UINT8)
    for name, value in {"xs": 0.5, "ws": 0.25, "ys": 1.0, "zs": 2.0}.items():
        made.weight(name, scale(value))
    for name in ("xz", "yz", "zz"):
        made.weight(name, np.uint8(128))
    made.weight("wz", np.int8(0)).weight("w", np.ones((3, 2, 1, 1), np.int8))
    made.weight("b", np.array([1, 2, 3], np.int32))
    made.node("QLinearConv", ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz", "b"], ["c"])
    made.node(
        "QLinearAdd", ["c", "ys", "yz", "c", "ys", "yz", "zs", "zz"], ["d"], domain="com.microsoft"
    )
    made.node("DequantizeLinear", ["d", "zs", "zz"], ["y"])
    model = import_onnx_model(made.write())
    assert [item.label for item in model.graph.operators] == ["Convolution", "Binary add"]
    assert {name: rule.scale for name, rule in model.quantization.items()} == {
        "x": (0.5,),
        "c": (1.0,),
        "d": (2.0,),
    }
    assert model.constant("the_QLinearConv", "bias").quantization.scale == (0.125,)
    assert model.is_quantized


def test_dynamic_quantisation_keeps_the_integers_of_weights(net):
    made = net((2, 4)).node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"])
    stored = np.arange(12, dtype=np.int8).reshape(4, 3)
    made.weight("w", stored).weight("ws", np.array([0.5, 1, 2], np.float32))
    made.weight("wz", np.zeros(3, np.int8))
    made.node("MatMulInteger", ["q", "w", "z", "wz"], ["sums"])
    made.node("Cast", ["sums"], ["real"], to=TensorProto.FLOAT)
    made.node("Mul", ["s", "ws"], ["units"]).node("Mul", ["real", "units"], ["t"])
    path = made.weight("b", random(3)).node("Add", ["t", "b"], ["y"]).write()
    model = import_onnx_model(path)
    assert [item.label for item in model.graph.operators] == ["FullyConnected"]
    weight = model.constant("the_MatMulInteger", "weight")
    assert weight.quantization == Quantization((0.5, 1, 2), (0, 0, 0), axis=0)
    assert weight.values.tolist() == stored.T.tolist()
    assert not model.quantization


def test_a_scale_that_is_computed_is_refused(net):
    made = net((1, 3)).node("ReduceMax", ["x"], ["s"], keepdims=0)
    made.node("QuantizeLinear", ["x", "s"], ["q"])
    path = made.node("DequantizeLinear", ["q", "s"], ["y"]).write()
    with pytest.raises(ValueError, match="must have a constant scale, not one computed at run"):
        import_onnx_model(path)

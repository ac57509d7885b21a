import time

import numpy as np
import onnx
import pytest

from apollo.workloads import load
from apollo.workloads.graph import GraphBuilder, Tensor
from apollo.workloads.model import Model
from apollo.workloads.onnx import import_onnx_model
from apollo.workloads.onnx.export import to_onnx
from apollo.workloads.operators import BatchNormalization, Convolution, FullyConnected, Unary
from apollo.workloads.operators import UnaryKind as Kind
from apollo.workloads.quantize import fold, generate, quantize
from apollo.workloads.quantize.calibrate import observe, run_float, synthetic
from apollo.workloads.quantize.static import quantize_onnx
from tests.workloads.onnx.build import run_all, session

SMALL = "mobilenet_v1_0.25_128"


def test_a_small_network_takes_seconds():
    start = time.perf_counter()
    model = quantize(load(SMALL))
    assert time.perf_counter() - start < 10
    assert model.is_quantized
    assert model.graph.macs == load(SMALL).macs
    assert not any(isinstance(item, BatchNormalization) for item in model.graph.operators)


def test_the_same_seed_gives_the_same_integers():
    models = [quantize(load(SMALL), seed) for seed in (1, 1, 2)]
    first, second, third = (model.constant("logits", "weight").values for model in models)
    assert (first == second).all()
    assert (first != third).any()
    assert models[0].quantization == models[1].quantization


def is_layer(operator):
    return isinstance(operator, Convolution)


def test_weights_are_those_of_onnx_runtime(tmp_path):
    """Its own quantised file holds the same integers and scales."""
    model = fold(generate(load(SMALL)))
    samples = synthetic(model, 0)
    path = tmp_path / "quantized.onnx"
    onnx.save(quantize_onnx(model, samples), path)
    theirs, ours = import_onnx_model(path), quantize(model, calibration=samples)
    layers = [
        [part.constant(item.name, "weight") for item in part.graph.operators if is_layer(item)]
        for part in (ours, theirs)
    ]
    assert len(layers[0]) > 20
    for mine, given in zip(*layers, strict=True):
        assert np.abs(mine.values - given.values).max() <= 1  # float32 there, at ties
        assert (mine.values == given.values).mean() > 0.99
        np.testing.assert_allclose(mine.quantization.scale, given.quantization.scale, rtol=1e-6)


def test_folding_changes_no_result():
    model = generate(load(SMALL))
    folded = fold(model)
    assert len(folded.graph.operators) < len(model.graph.operators)
    (sample,) = synthetic(model, 0, 1)
    before, after = (next(run_float(item, [sample])) for item in (model, folded))
    for name in (tensor.name for tensor in folded.graph.tensors):
        np.testing.assert_allclose(after[name], before[name], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    "name", [SMALL, "crnn", "rnnt_joint", "unet_128", "transformer_encoder_tiny"]
)
def test_shapes_are_those_that_onnx_runtime_gives(name):
    """An independent check of the shapes of our graphs."""
    model = generate(load(name))
    seen = run_all(to_onnx(model), synthetic(model, 0, 1)[0])
    for tensor in model.graph.tensors:
        if tensor.name not in model.graph.inputs:
            assert seen[tensor.name].shape == tensor.shape


def test_a_quantised_model_is_taken_as_it_is():
    model = quantize(load("rnnt_joint"))
    assert quantize(model) is model


def test_a_quantised_model_survives_a_file(tmp_path):
    """Exported in QDQ form and imported again it has the same integers."""
    model = quantize(load("gemm:4x32x16"))
    path = tmp_path / "model.onnx"
    onnx.save(to_onnx(model), path)
    again = import_onnx_model(path)
    assert [*again.quantization.values()] == [*model.quantization.values()]
    (weight,) = (item for key, item in again.constants.items() if key[1] == "weight")
    assert (weight.values == model.constant("gemm", "weight").values).all()


def test_given_samples_decide_the_scales():
    graph = load("gemm:4x32x16")
    samples = [{"input": np.full((4, 32), value, np.float32)} for value in (-2.55, 2.55)]
    model = quantize(graph, calibration=samples)
    assert model.quantization["input"].scale[0] == pytest.approx(5.1 / 255)


@pytest.mark.parametrize(
    ("samples", "reason"),
    [
        ([], r"^Calibration must have at least one sample\.$"),
        ([{}], r"^A calibration sample must have input 'input'\.$"),
        (
            [{"input": np.zeros(3)}],
            r"^A calibration sample must have shape \(4, 32\) for input 'input', not \(3,\)\.$",
        ),
    ],
)
def test_samples_that_do_not_fit(samples, reason):
    with pytest.raises(ValueError, match=reason):
        quantize(load("gemm:4x32x16"), calibration=samples)


def test_numbers_that_are_not_finite_are_refused():
    graph = load("gemm:4x32x16")
    with pytest.raises(ValueError, match=r"has values that are no finite numbers\.$"):
        quantize(graph, calibration=[{"input": np.full((4, 32), np.inf, np.float32)}])


def test_signals_keep_their_size():
    model = generate(load("mobilenet_v2_0.35_96"))
    for name, (low, high) in observe(model, synthetic(model, 0, 1)).items():
        assert 1e-3 < max(abs(low), abs(high)) < 1e3, name


def test_a_clamp_has_the_units_of_what_it_reads():
    builder = GraphBuilder("net", [Tensor("x", (1, 8))])
    builder.add(FullyConnected("f", ("x",), "t", 8))
    model = quantize(builder.build([builder.add(Unary("r", ("t",), "y", Kind.RELU))]))
    assert model.quantization["t"] == model.quantization["y"]


def test_a_graph_without_values_is_not_exported():
    with pytest.raises(ValueError, match="has no stored 'weight'"):
        to_onnx(Model(load("gemm:4x32x16")))
    assert session(to_onnx(generate(load("gemm:4x32x16"))))

"""Whole networks: every operator within one unit of ONNX Runtime on its inputs."""

import numpy as np
import pytest

from apollo.workloads import load
from apollo.workloads.integer import run
from apollo.workloads.quantize import quantize
from apollo.workloads.quantize.calibrate import synthetic
from tests.workloads.integer.against import compare, executed
from tests.workloads.onnx.test_wild import load as load_wild

# What has an inner state, and memories of 16 bits: units of an int16.
LOOSE = {"LSTM": 64, "GRU": 2, "LocalResponseNormalization": 2}

NETWORKS = [
    "mobilenet_v1_0.25_128",
    "mobilenet_v2_0.35_96",
    "transformer_encoder_tiny",
    "rnnt_joint",
    pytest.param("mobilenet_v3_small", marks=pytest.mark.slow),
    pytest.param("crnn", marks=pytest.mark.slow),
    pytest.param("lraspp_mobilenet_v3_224", marks=pytest.mark.slow),
    pytest.param("resnet50", marks=pytest.mark.slow),
    pytest.param("rnnt_prediction", marks=pytest.mark.slow),
]


def check(rows):
    """Differences of all; of the compared ones, that they say something."""
    for row in rows:
        assert row.difference <= LOOSE.get(row.label, 1), row
    return [row for row in rows if row.fit and not row.clamped]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_generated_network_agrees(name):
    model = quantize(load(name))
    assert model.is_quantized
    rows = compare(model, synthetic(model, 0, 1)[0])
    fit = check(rows)
    assert len(fit) >= 0.8 * sum(not row.clamped for row in rows)


@pytest.mark.parametrize(
    "name",
    [
        "ocr_direction",
        "silero_vad_openvino",
        "embedding_onnx",
        pytest.param("ocr_recognition", marks=pytest.mark.slow),
        pytest.param("captcha_reader", marks=pytest.mark.slow),
        pytest.param("smart_turn", marks=pytest.mark.slow),
    ],
)
def test_a_trained_network_agrees(name):
    model = load_wild(name)
    whole = quantize(model)
    assert whole.is_quantized
    rows = compare(whole, synthetic(whole, 0, 1)[0])
    fit = check(rows)
    assert len(fit) >= 0.6 * sum(not row.clamped and row.elements >= 64 for row in rows)


@pytest.mark.parametrize("name", ["mobilenet_v1_0.25_128", "transformer_encoder_tiny"])
def test_a_whole_run_stays_near(name):
    """Differences of a unit add up from layer to layer, to little."""
    model = quantize(load(name))
    feeds = synthetic(model, 0, 1)[0]
    rules = model.quantization
    stored = {
        key: rules[key].quantize(values) if key in rules else values
        for key, values in feeds.items()
    }
    found = run(model, stored, everything=True)
    _, integers = executed(model, feeds)
    for tensor, values in integers.items():
        assert np.abs(found[tensor] - values).mean() < 4, tensor
    assert run(model, stored).keys() == set(model.graph.outputs)


def test_a_stream_of_steps_is_the_sequence():
    """An LSTM over a sequence gives what it gives step by step with the state carried."""
    from dataclasses import replace

    from apollo.workloads.graph import GraphBuilder, Tensor
    from apollo.workloads.operators import LSTM

    start = [Tensor("h", (1, 8)), Tensor("c", (1, 8))]
    builder = GraphBuilder("whole", [Tensor("x", (1, 5, 6)), *start])
    layer = LSTM("f", ("x", "h", "c"), "y", 8, hidden="h_out", memory="c_out")
    builder.add(layer)
    whole = quantize(builder.build(["y", "h_out", "c_out"]))
    builder = GraphBuilder("step", [Tensor("x", (1, 6)), *start])
    builder.add(layer)
    step = replace(whole, graph=builder.build(["y", "h_out", "c_out"]))
    x = np.random.default_rng(0).integers(-128, 128, (1, 5, 6))
    zero = whole.quantization["h"].zero_point[0]
    state = {"h": np.full((1, 8), zero), "c": np.zeros((1, 8), int)}
    expected = run(whole, {"x": x, **state})
    for index in range(5):
        found = run(step, {"x": x[:, index], **state})
        assert (found["y"] == expected["y"][:, index]).all()
        state = {"h": found["h_out"], "c": found["c_out"]}
    assert (state["c"] == expected["c_out"]).all()

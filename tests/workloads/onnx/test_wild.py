"""Models found in packages on PyPI, against ONNX Runtime: counts, shapes of all tensors, values."""

import math

import numpy as np
import onnx
import pytest

from apollo.workloads.indices import index_tensors
from apollo.workloads.onnx import import_onnx_model
from apollo.workloads.onnx.export import to_onnx
from tests.workloads.onnx.build import run_all, session
from tests.workloads.wild import ENTRIES, names, wild

VALUES = {"silero_vad": {"sr": 16000}, "silero_vad_16k": {"sr": 16000}}
PARTIAL = {"basic_pitch_onnx": {"Equal", "Where"}, "magika": {"Equal", "Cast"}}
DYNAMIC = {name for name in names("onnx") if ENTRIES[name].quantized == "dynamic"}
WHOLE = [name for name in names("onnx") if name not in PARTIAL]


def load(name, **options):
    shapes = {key: tuple(shape) for key, shape in ENTRIES[name].shapes.items()}
    return import_onnx_model(wild(name), shapes=shapes, values=VALUES.get(name), **options)


def sample(model):
    generator, rows = np.random.default_rng(0), index_tensors(model.graph)
    given = {}
    for name in model.graph.inputs:
        shape = model.graph.tensor(name).shape
        if name in rows:
            given[name] = generator.integers(0, rows[name], shape)
        else:
            given[name] = (generator.standard_normal(shape) / 2).astype(np.float32)
    return given


def theirs(name, feeds):
    extra = {key: np.array(value, np.int64) for key, value in VALUES.get(name, {}).items()}
    return feeds | extra


def counted(path, seen):
    """Multiply-accumulates of the nodes of a file, from the shapes that were observed."""
    model, total = onnx.load(path), 0
    weights = {item.name: tuple(item.dims) for item in model.graph.initializer}
    shapes = weights | {name: values.shape for name, values in seen.items()}
    for node in model.graph.node:
        if node.op_type in ("Conv", "ConvInteger"):
            total += math.prod(shapes[node.output[0]]) * math.prod(shapes[node.input[1]][1:])
        elif node.op_type == "ConvTranspose":
            total += math.prod(shapes[node.input[0]]) * math.prod(shapes[node.input[1]][1:])
        elif node.op_type in ("MatMul", "MatMulInteger", "Gemm"):
            total += math.prod(shapes[node.output[0]]) * shapes[node.input[0]][-1]
        elif node.op_type in ("LSTM", "GRU", "DynamicQuantizeLSTM"):
            steps = math.prod(shapes[node.input[0]][:2])
            total += steps * sum(math.prod(shapes[name]) for name in node.input[1:3])
    return total


@pytest.mark.parametrize("name", WHOLE)
def test_shapes_and_counts_are_those_that_are_executed(name):
    model = load(name)
    feeds = theirs(name, sample(model))
    seen = run_all(wild(name), feeds)
    ours = {tensor.name: tensor.shape for tensor in model.graph.tensors}
    common = [tensor for tensor in ours if tensor in seen]
    assert {item: ours[item] for item in common} == {
        item: seen[item].shape or (1,) for item in common
    }
    if "If" in ENTRIES[name].operators:  # the branches are out of reach
        assert model.graph.macs == load("silero_vad_openvino").graph.macs
    else:
        assert len(common) > 5
        assert model.graph.macs == counted(wild(name), seen | feeds)


@pytest.mark.parametrize("name", [name for name in WHOLE if name not in DYNAMIC])
def test_values_are_those_of_the_file(name):
    model = load(name)
    feeds = sample(model)
    mine = session(to_onnx(model)).run(None, feeds)
    run = session(wild(name))
    given = run.run([item.name for item in run.get_outputs()], theirs(name, feeds))
    for ours, original in zip(mine, given, strict=True):
        np.testing.assert_allclose(ours.ravel(), original.ravel(), rtol=1e-4, atol=1e-4)


def test_weights_of_dynamic_quantisation_compute_nearly_the_same():
    """Nearly: activations are real numbers here, and integers of 8 bits there."""
    model = load("captcha_reader_int8")
    assert not model.quantization
    feeds = sample(model)
    ours = session(to_onnx(model)).run(None, feeds)[0]
    given = session(wild("captcha_reader_int8")).run(None, feeds)[0]
    assert np.corrcoef(ours.ravel(), given.ravel())[0, 1] > 0.99


@pytest.mark.parametrize("name", PARTIAL)
def test_what_is_left_out_is_named(name):
    with pytest.raises(ValueError, match="is not supported"):
        load(name)
    model = load(name, partial=True)
    assert {item.kind for item in model.left_out} == PARTIAL[name]
    assert all(item.macs == 0 for item in model.left_out)
    assert model.graph.macs > 1e8


def test_an_integer_file_is_taken_as_it_is():
    model = load("smart_turn")
    assert len(model.quantization) > 60
    weights = [item for key, item in model.constants.items() if key[1] == "weight"]
    stored = [item for item in weights if item.quantization is not None]
    assert len(stored) > 30
    assert all(abs(item.values).max() <= 128 for item in stored[:5])

"""The real classifiers that the `onnx` package brings along."""

import math
from pathlib import Path

import onnx
import pytest

from apollo.workloads import load
from apollo.workloads.operators import Convolution, FullyConnected

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
NAMES = tuple(sorted(path.stem.removeprefix("light_") for path in LIGHT.glob("*.onnx")))
# Giga multiply-accumulates and trained parameters that torchvision's documentation states for
# resnet50, vgg19, squeezenet1_1 and densenet121.
KNOWN = {
    "resnet50": (4.09, 25_557_032),
    "vgg19": (19.63, 143_667_240),
    "squeezenet": (0.35, 1_235_496),
    "densenet121": (2.83, 7_978_856),
}


def light(name):
    return LIGHT / f"light_{name}.onnx"


def reference(path):
    """ONNX's own shapes of every tensor, and its nodes."""
    model = onnx.shape_inference.infer_shapes(onnx.load(path), strict_mode=True, data_prop=True)
    known = (*model.graph.value_info, *model.graph.input, *model.graph.output)
    shapes = {
        item.name: tuple(d.dim_value for d in item.type.tensor_type.shape.dim) for item in known
    }
    return shapes, model.graph.node


@pytest.mark.parametrize("name", NAMES)
def test_shapes_of_real_classifiers_are_those_onnx_infers(name):
    graph = load(light(name))
    shapes, _ = reference(light(name))
    ours = {tensor.name: tensor.shape for tensor in graph.tensors}
    assert {tensor: shapes[tensor] for tensor in ours} == ours


@pytest.mark.parametrize("name", NAMES)
def test_costs_of_real_classifiers_are_those_of_the_nodes(name):
    shapes, nodes = reference(light(name))
    weighty = [node for node in nodes if node.op_type in ("Conv", "Gemm")]
    # Gemm stores (out, in): every output element sums as many products as a row has elements.
    macs = sum(
        math.prod(shapes[node.output[0]]) * math.prod(shapes[node.input[1]][1:]) for node in weighty
    )
    weights = sum(math.prod(shapes[node.input[1]]) for node in weighty)
    graph = load(light(name))
    layers = [item for item in graph.operators if isinstance(item, Convolution | FullyConnected)]
    assert graph.macs == macs
    assert sum(item.weights(graph.input_shapes(item)) for item in layers) == weights


@pytest.mark.parametrize("name", KNOWN)
def test_totals_of_real_classifiers_are_the_known_ones(name):
    graph = load(light(name))
    layers = [item for item in graph.operators if isinstance(item, Convolution | FullyConnected)]
    stored = sum(item.parameters(graph.input_shapes(item)) for item in layers)
    giga_macs, trained = KNOWN[name]
    assert round(graph.macs / 1e9, 2) == giga_macs
    assert stored + 2 * graph.normalized_channels == trained  # a scale and a shift a channel


def test_all_nine_classifiers_are_there():
    assert len(NAMES) == 9


@pytest.mark.parametrize("name", ["shufflenet", "inception_v1"])
def test_a_fixed_batch_can_be_changed(name):
    graph = load(light(name), batch=3)
    assert graph.tensor(graph.outputs[0]).shape == (3, 1000)
    assert graph.macs == 3 * load(light(name)).macs

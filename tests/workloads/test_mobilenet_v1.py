import pytest

from apollo.workloads import load
from apollo.workloads.models.mobilenet_v1 import FAMILY

VARIANTS = [(width, resolution) for width in FAMILY.widths for resolution in FAMILY.resolutions]
# Published figures that do not follow from the architecture, and what does (millions).
DERIVED = {
    (0.75, 224): 325,
    (0.75, 192): 239,
    (0.75, 160): 166,
    (0.75, 128): 107,
    (0.25, 192): 30,
}


def build(width=1.0, resolution=224):
    return FAMILY.build("net", width, resolution)


@pytest.mark.parametrize(("width", "resolution"), VARIANTS)
def test_macs_are_the_published_ones(width, resolution):
    expected = DERIVED.get((width, resolution), FAMILY.published[width, resolution].macs_m)
    # Published figures are rounded, one (150 for 149.498) up by half a million.
    assert abs(build(width, resolution).macs / 1e6 - expected) < 0.51


@pytest.mark.parametrize(("width", "resolution"), VARIANTS)
def test_published_parameters_count_three_values_for_each_normalised_channel(width, resolution):
    graph = build(width, resolution)
    counted = graph.weights + graph.biases + 3 * graph.normalized_channels
    assert round(counted / 1e6, 2) == FAMILY.published[width, resolution].parameters_m


def test_counts_of_the_full_network():
    graph = build()
    assert graph.macs == 568_740_352 + 1024  # of 1000 classes, and of the background class
    assert graph.normalized_channels == 10_944
    # Keras, with 1000 classes, counts 4,231,976 trainable: two values a channel among them.
    assert graph.weights + graph.biases == 4_231_976 - 2 * 10_944 + 1025
    assert graph.weights + graph.biases + 3 * graph.normalized_channels == 4_243_945
    assert graph.parameters == graph.weights + 1001 + graph.normalized_channels


def test_every_normalisation_folds():
    graph = build()
    assert len(graph.folded) == 27
    assert sum(layer.kind == "Convolution" for layer in graph.layers) == 27


def test_shapes_shrink_to_a_classification():
    graph = load("mobilenet_v1")
    assert graph.tensor("image").shape == (1, 3, 224, 224)
    assert graph.tensor("block13/pointwise/relu6").shape == (1, 1024, 7, 7)
    assert graph.tensor(graph.outputs[0]).shape == (1, 1001)


def test_strided_layers_pad_after_the_image():
    stem = build().operators[0]
    assert (stem.stride, stem.padding) == ((2, 2), (0, 0, 1, 1))

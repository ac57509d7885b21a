import pytest

from apollo.workloads.models.blocks import make_divisible
from apollo.workloads.models.mobilenet_v2 import FAMILY


def build(width=1.0, resolution=224):
    return FAMILY.build("net", width, resolution)


@pytest.mark.parametrize(("width", "resolution"), FAMILY.published)
def test_macs_are_the_published_ones(width, resolution):
    # The published millions are cut off, not rounded: 300 for 300.78.
    assert build(width, resolution).macs // 1_000_000 == (
        FAMILY.published[width, resolution].macs_m
    )


@pytest.mark.parametrize(("width", "resolution"), FAMILY.published)
def test_published_parameters_leave_normalisation_out(width, resolution):
    graph = build(width, resolution)
    counted = (graph.weights + graph.biases) / 1e6
    assert round(counted, 2) == FAMILY.published[width, resolution].parameters_m


def test_counts_of_the_full_network():
    graph = build()
    assert graph.normalized_channels == 17_056
    # Keras, with 1000 classes, counts 3,504,872 trainable: two values a channel among them.
    assert graph.weights + graph.biases == 3_504_872 - 2 * 17_056 + 1281
    assert len(graph.folded) == 52


def test_residual_sums_are_those_of_the_paper():
    graph = build()
    sums = [layer.name for layer in graph.layers if layer.kind == "Binary add"]
    assert sums == [f"block{index}/add" for index in (3, 5, 6, 8, 9, 10, 12, 13, 15, 16)]


def test_a_narrow_network_keeps_the_features_before_its_classifier():
    channels = [build(width).tensor("head/conv").shape[1] for width in (0.35, 1.0, 1.3, 1.4)]
    assert channels == [1280, 1280, 1664, 1792]


@pytest.mark.parametrize(
    ("channels", "expected"), [(1, 8), (11.2, 16), (11, 16), (16, 16), (33.6, 32), (44.8, 48)]
)
def test_channels_are_multiples_of_eight(channels, expected):
    assert make_divisible(channels) == expected
    assert expected >= 0.9 * channels

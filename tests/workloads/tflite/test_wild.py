"""Files from packages: counts by another counter, every tensor against the interpreter's."""

import math
import re
from pathlib import Path

import pytest

from apollo.workloads.tflite import SUPPORTED, import_tflite
from tests.workloads.tflite import count
from tests.workloads.tflite.observe import Observed
from tests.workloads.wild import ENTRIES, names, wild

REFUSED = {
    "face_landmark_with_attention": (
        "custom operator Landmarks2TransformMatrix of node 192 "
        "('landmarks_to_transform_matrix_v2') is not supported "
        "(its share of the MACs is not known), nor are 10 more nodes "
        "(Landmarks2TransformMatrix, TransformLandmarks, TransformTensorBilinear; MACs not known)"
    ),
    "hey_jarvis_if": (
        "operator GREATER_EQUAL of node 23 ('onnx_tf_prefix_GreaterOrEqual_30') is not supported "
        "(0.0% of the MACs), nor is 1 more node (IF; its share of the MACs is not known)"
    ),
    "basic_pitch": (
        "operator EQUAL of node 176 ('model_1/normalized_log_1/div_no_nan;"
        "model_1/normalized_log_1/div_no_nan1') is not supported (0.0% of the MACs), "
        "nor is 1 more node (SELECT_V2; 0.0% of the MACs)"
    ),
}
FILES = [name for name in names("tflite") if name not in REFUSED]
# The interpreter knows no operators of MediaPipe's own. Integers are compared in test_exact.
CUSTOM = ("selfie_segmentation", "selfie_segmentation_landscape")
LARGE = 300e6  # multiply-accumulates of files that are run with the long tests
RUN = [
    pytest.param(name, marks=[pytest.mark.slow] if (ENTRIES[name].macs or 0) > LARGE else [])
    for name in FILES
    if name not in CUSTOM and ENTRIES[name].quantized != "int8"
]


@pytest.mark.parametrize("name", FILES)
def test_counts_are_those_of_another_counter(name: str) -> None:
    entry = ENTRIES[name]
    model = import_tflite(wild(name), shapes=entry.input_shapes)
    assert model.graph.macs == entry.macs
    if not entry.shapes:
        assert model.graph.macs == count.macs(wild(name))
    assert model.is_quantized == (entry.quantized == "int8")


@pytest.mark.parametrize("name", RUN)
def test_every_tensor_is_the_interpreters(name: str) -> None:
    observed = Observed(wild(name), ENTRIES[name].input_shapes)
    pairs = [*observed.pairs()]
    assert len(pairs) >= len(observed.model.graph.outputs)
    for pair in pairs:
        assert pair.ours.shape == pair.theirs.shape, pair.name
        assert pair.error <= 2e-3, pair.name


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_supported_is_named(name: str) -> None:
    with pytest.raises(ValueError, match="Cannot import") as caught:
        import_tflite(wild(name))
    assert str(caught.value) == f"Cannot import {str(wild(name))!r}: {REFUSED[name]}."


@pytest.mark.parametrize("name", REFUSED)
def test_the_rest_of_a_refused_file_can_be_had(name: str) -> None:
    model = import_tflite(wild(name), partial=True)
    assert {item.kind for item in model.left_out}
    assert model.graph.macs > 0


@pytest.mark.parametrize("name", ["pose_detection", "face_detection_full_range_sparse"])
def test_sparse_weights_keep_their_zeros(name: str) -> None:
    model = import_tflite(wild(name))
    weights = [value for (_, role), value in model.constants.items() if role == "weight"]
    sparse = [value for value in weights if (value.values == 0).mean() > 0.5]
    assert len(sparse) >= 38
    shares = [float((value.values == 0).mean()) for value in sparse]
    assert 0.5 < math.fsum(shares) / len(shares) < 0.95


def test_the_page_lists_the_supported_operators() -> None:
    page = (Path(__file__).parents[3] / "docs/tflite.md").read_text(encoding="utf-8")
    listed = re.findall(r"`(\w+)`", page.split("## Supported operators")[1])
    assert tuple(listed) == SUPPORTED

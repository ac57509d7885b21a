"""SSD with MobileNet V2 (Liu et al., 2016, arXiv:1512.02325), 300x300 images, 91 classes.

As tensorflow/models, research/object_detection, ssd_mobilenet_v2_coco: features of the expansion of
block 14 and of the head, four more scales of separable convolutions, 3x3 box and class predictors.
Boxes are decoded against the anchors, and overlaps suppressed, on the host.
"""

from apollo.workloads.graph import Graph, GraphBuilder
from apollo.workloads.models.blocks import activate, biased, concat, convolution, depthwise, start
from apollo.workloads.models.family import Single
from apollo.workloads.models.mobilenet_v2 import features
from apollo.workloads.operators import Reshape, Transpose, UnaryKind

RESOLUTION, CLASSES, BOX_VALUES = 300, 91, 4
EXTRA_CHANNELS = (512, 256, 256, 128)
ANCHORS = (3, 6, 6, 6, 6, 6)  # boxes at every position of each scale


def ssd_mobilenet_v2(name: str) -> Graph:
    """Box encodings (n, anchors, 4) and class scores (n, anchors, 91) of 1917 anchors."""
    builder = start(name, RESOLUTION)
    head = features(builder)
    scales = ["block14/expand/relu6", head]
    for index, channels in enumerate(EXTRA_CHANNELS, start=1):
        scales.append(_extra(builder, f"extra{index}", scales[-1], channels))
    boxes, scores = [], []
    for index, (scale, anchors) in enumerate(zip(scales, ANCHORS, strict=True), start=1):
        boxes.append(_predict(builder, f"scale{index}/boxes", scale, anchors, BOX_VALUES))
        scores.append(_predict(builder, f"scale{index}/scores", scale, anchors, CLASSES))
    outputs = concat(builder, "boxes", *boxes), concat(builder, "logits", *scores)
    return builder.build([outputs[0], activate(builder, "scores", outputs[1], UnaryKind.SIGMOID)])


def _extra(builder: GraphBuilder, name: str, source: str, channels: int) -> str:
    """A scale of half the size: reduce, filter each channel, expand."""
    tensor = convolution(builder, f"{name}/reduce", source, channels // 2, 1)
    tensor = depthwise(builder, f"{name}/depthwise", tensor, 3, 2)
    return convolution(builder, f"{name}/expand", tensor, channels, 1)


def _predict(builder: GraphBuilder, name: str, source: str, anchors: int, values: int) -> str:
    """Values (n, positions * anchors, values), anchors of a position side by side."""
    tensor = biased(builder, name, source, anchors * values, 3)
    batch, _, height, width = builder.shape(tensor)
    label = f"{name}/turn"
    tensor = builder.add(Transpose(label, (tensor,), label, (0, 2, 3, 1)))
    label = f"{name}/list"
    return builder.add(Reshape(label, (tensor,), label, (batch, height * width * anchors, values)))


NETWORK = Single(
    name="ssd_mobilenet_v2",
    build=ssd_mobilenet_v2,
    source="tensorflow/models, research/object_detection, ssd_mobilenet_v2_coco.config",
)

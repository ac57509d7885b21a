"""MobileNetEdgeTPU: early blocks filter and expand in one convolution.

Xiong et al., 2020, arXiv:2004.14525; tensorflow/models, research/slim/nets/mobilenet.
"""

from apollo.workloads.graph import Graph, GraphBuilder
from apollo.workloads.models.blocks import (
    add,
    classifier,
    convolution,
    depthwise,
    make_divisible,
    start,
)
from apollo.workloads.models.family import Family, Published
from apollo.workloads.operators import UnaryKind

RELU = UnaryKind.RELU
STEM_CHANNELS = 32
HEAD_CHANNELS = 1280
# (expansion, output channels, kernel, stride) of each block
FUSED = (
    (1, 16, 3, 1),
    (8, 32, 3, 2),
    *((4, 32, 3, 1),) * 3,
    (8, 48, 3, 2),
    *((4, 48, 3, 1),) * 3,
)
SEPARATE = (
    (8, 96, 3, 2),
    *((4, 96, 3, 1),) * 3,
    (8, 96, 3, 1),  # this one has no residual sum
    *((4, 96, 3, 1),) * 3,
    (8, 160, 5, 2),
    *((4, 160, 5, 1),) * 3,
    (8, 192, 3, 1),
)


def mobilenet_edgetpu(name: str, width: float, resolution: int) -> Graph:
    """MobileNetEdgeTPU of a width multiplier and input resolution."""
    builder = start(name, resolution)
    stem = make_divisible(STEM_CHANNELS * width)
    tensor = convolution(builder, "stem", "image", stem, 3, 2, activation=RELU)
    for index, (expansion, channels, kernel, stride) in enumerate((*FUSED, *SEPARATE), start=1):
        label, source, inputs = f"block{index}", tensor, builder.shape(tensor)[1]
        target = make_divisible(channels * width)
        expanded = inputs * expansion
        if index <= len(FUSED):
            tensor = _fused(builder, label, source, expanded, kernel, stride)
        else:
            tensor = _separate(builder, label, source, expanded, kernel, stride)
        tensor = convolution(builder, f"{label}/project", tensor, target, 1, activation=None)
        if stride == 1 and inputs == target and expansion != 8:
            tensor = add(builder, f"{label}/add", source, tensor)
    # A narrow network keeps all features before its classifier.
    head = make_divisible(HEAD_CHANNELS * max(width, 1.0))
    tensor = convolution(builder, "head", tensor, head, 1, activation=RELU)
    return builder.build([classifier(builder, tensor)])


def _fused(
    builder: GraphBuilder, name: str, source: str, expanded: int, kernel: int, stride: int
) -> str:
    """One convolution in place of expansion and depthwise convolution, if it expands at all."""
    if expanded == builder.shape(source)[1]:
        return source
    return convolution(builder, f"{name}/expand", source, expanded, kernel, stride, activation=RELU)


def _separate(
    builder: GraphBuilder, name: str, source: str, expanded: int, kernel: int, stride: int
) -> str:
    tensor = convolution(builder, f"{name}/expand", source, expanded, 1, activation=RELU)
    return depthwise(builder, f"{name}/depthwise", tensor, kernel, stride, RELU)


FAMILY = Family(
    name="mobilenet_edgetpu",
    build=mobilenet_edgetpu,
    widths=(0.75, 1.0),
    resolutions=(224,),
    published={(1.0, 224): Published(990, 4.0), (0.75, 224): Published(624, 2.9)},
    counted_values=0,
    source="tensorflow/models, research/slim/nets/mobilenet/README.md",
)

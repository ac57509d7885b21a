"""MobileNet V2 (Sandler et al., 2018, arXiv:1801.04381, table 2)."""

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

STEM_CHANNELS = 32
HEAD_CHANNELS = 1280
# (expansion, output channels, repetitions, stride of the first one)
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def mobilenet_v2(name: str, width: float, resolution: int) -> Graph:
    """MobileNet V2 of a width multiplier and input resolution."""
    builder = start(name, resolution)
    return builder.build([classifier(builder, features(builder, width))])


def features(builder: GraphBuilder, width: float = 1.0) -> str:
    """The network without its classifier; reads `image`."""
    stem = make_divisible(STEM_CHANNELS * width)
    tensor = convolution(builder, "stem", "image", stem, 3, stride=2)
    block = 0
    for expansion, channels, repetitions, first_stride in STAGES:
        for repetition in range(repetitions):
            block += 1
            stride = first_stride if repetition == 0 else 1
            target = make_divisible(channels * width)
            tensor = _bottleneck(builder, f"block{block}", tensor, expansion, target, stride)
    # A narrow network keeps all features before its classifier.
    head = make_divisible(HEAD_CHANNELS * max(width, 1.0))
    return convolution(builder, "head", tensor, head, 1)


def _bottleneck(
    builder: GraphBuilder, name: str, source: str, expansion: int, channels: int, stride: int
) -> str:
    """Inverted residual: expand, filter each channel, project without activation."""
    inputs = builder.shape(source)[1]
    tensor = source
    if expansion > 1:
        tensor = convolution(builder, f"{name}/expand", tensor, inputs * expansion, 1)
    tensor = depthwise(builder, f"{name}/depthwise", tensor, 3, stride)
    tensor = convolution(builder, f"{name}/project", tensor, channels, 1, activation=None)
    if stride > 1 or inputs != channels:
        return tensor
    return add(builder, f"{name}/add", source, tensor)


def _published() -> dict[tuple[float, int], Published]:
    macs_m = {  # at 224, 192, 160, 128, 96
        1.4: (582,),
        1.3: (509,),
        1.0: (300, 221, 154, 99, 56),
        0.75: (209, 153, 107, 69, 39),
        0.5: (97, 71, 50, 32, 18),
        0.35: (59, 43, 30, 20, 11),
    }
    parameters_m = {1.4: 6.06, 1.3: 5.34, 1.0: 3.47, 0.75: 2.61, 0.5: 1.95, 0.35: 1.66}
    return {
        (width, resolution): Published(macs, parameters_m[width])
        for width, row in macs_m.items()
        for resolution, macs in zip((224, 192, 160, 128, 96), row, strict=False)
    }


FAMILY = Family(
    name="mobilenet_v2",
    build=mobilenet_v2,
    widths=(0.35, 0.5, 0.75, 1.0, 1.3, 1.4),
    resolutions=(96, 128, 160, 192, 224),
    published=_published(),
    counted_values=0,
    source="tensorflow/models, research/slim/nets/mobilenet/README.md",
)

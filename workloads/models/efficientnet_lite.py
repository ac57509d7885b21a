"""EfficientNet-Lite 0 to 4: EfficientNet without squeeze-and-excite and with ReLU6.

Tan and Le, 2019, arXiv:1905.11946; scaled as in tensorflow/tpu, models/official/efficientnet/lite.
Stem, head and the repetitions of the first and the last stage are not scaled.
"""

import math
from dataclasses import dataclass

from apollo.workloads.graph import Graph, GraphBuilder
from apollo.workloads.models.blocks import (
    add,
    classifier,
    convolution,
    depthwise,
    make_divisible,
    start,
)
from apollo.workloads.models.family import Published, Single

STEM_CHANNELS, HEAD_CHANNELS, CLASSES = 32, 1280, 1000
# (kernel, repetitions, expansion, output channels, stride of the first one)
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 3, 6, 80, 2),
    (5, 3, 6, 112, 1),
    (5, 4, 6, 192, 2),
    (3, 1, 6, 320, 1),
)


@dataclass(frozen=True)
class Scale:
    """Multipliers of channels and repetitions, input resolution, and published figures."""

    width: float
    depth: float
    resolution: int
    published: Published


SCALES = (
    Scale(1.0, 1.0, 224, Published(407, 4.7)),
    Scale(1.0, 1.1, 240, Published(631, 5.4)),
    Scale(1.1, 1.2, 260, Published(899, 6.1)),
    Scale(1.2, 1.4, 280, Published(1440, 8.2)),
    Scale(1.4, 1.8, 300, Published(2640, 13.0)),
)


def efficientnet_lite(scale: Scale, name: str) -> Graph:
    """The network of a scale."""
    builder = start(name, scale.resolution)
    tensor = convolution(builder, "stem", "image", STEM_CHANNELS, 3, 2)
    block = 0
    for number, (kernel, repetitions, expansion, channels, first_stride) in enumerate(STAGES):
        scaled = 0 < number < len(STAGES) - 1
        count = math.ceil(repetitions * scale.depth) if scaled else repetitions
        target = make_divisible(channels * scale.width)
        for repetition in range(count):
            block += 1
            stride = first_stride if repetition == 0 else 1
            tensor = _block(builder, f"block{block}", tensor, (kernel, expansion, stride), target)
    tensor = convolution(builder, "head", tensor, HEAD_CHANNELS, 1)
    return builder.build([classifier(builder, tensor, CLASSES)])


def _block(
    builder: GraphBuilder, name: str, source: str, form: tuple[int, int, int], channels: int
) -> str:
    """Expand, filter each channel, project without activation."""
    kernel, expansion, stride = form
    inputs, tensor = builder.shape(source)[1], source
    if expansion > 1:
        tensor = convolution(builder, f"{name}/expand", tensor, inputs * expansion, 1)
    tensor = depthwise(builder, f"{name}/depthwise", tensor, kernel, stride)
    tensor = convolution(builder, f"{name}/project", tensor, channels, 1, activation=None)
    residual = stride == 1 and inputs == channels
    return add(builder, f"{name}/add", source, tensor) if residual else tensor


def _network(number: int, scale: Scale) -> Single:
    return Single(
        name=f"efficientnet_lite{number}",
        build=lambda name: efficientnet_lite(scale, name),
        source="tensorflow/tpu, models/official/efficientnet/lite/README.md",
        published=scale.published,
        counted_values=2,
    )


NETWORKS = tuple(_network(number, scale) for number, scale in enumerate(SCALES))

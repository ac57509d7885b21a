"""A segmenter on MobileNet V3 large: LR-ASPP (Howard et al., 2019, arXiv:1905.02244, figure 10).

As torchvision's `lraspp_mobilenet_v3_large` with 21 classes: the last three blocks are dilated in
place of a stride, and the weights of the channels come from a mean over the whole image.
"""

from dataclasses import replace

from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.models.blocks import (
    activate,
    add,
    biased,
    convolution,
    global_average,
    multiply,
)
from apollo.workloads.models.family import Published, Sized
from apollo.workloads.models.mobilenet_v3 import LARGE, LARGE_NETWORK, features
from apollo.workloads.operators import Convolution, Resize, ResizeKind, UnaryKind
from apollo.workloads.shapes import Pair

CLASSES, INNER_CHANNELS = 21, 128
FINE_BLOCK = 6  # the last one at an eighth of the image
DILATED_FROM = 13  # the first block whose stride becomes a dilation
DEFAULT_ROWS = 520
SIZES: dict[int, Pair] = {224: (224, 224), 512: (512, 1024), 520: (520, 520), 1024: (1024, 2048)}


def lraspp_mobilenet_v3(name: str, rows: int) -> Graph:
    """Scores (n, 21, h, w) of every pixel; 512 and 1024 rows are twice as wide as high."""
    size = SIZES[rows]
    builder = GraphBuilder(name, [Tensor("image", (1, 3, *size))])
    blocks = (
        *LARGE[: DILATED_FROM - 1],
        *(replace(block, stride=1, dilation=2) for block in LARGE[DILATED_FROM - 1 :]),
    )
    tensors = features(builder, replace(LARGE_NETWORK, blocks=blocks))
    fine, coarse = tensors[FINE_BLOCK], tensors[-1]
    tensor = convolution(builder, "project", coarse, INNER_CHANNELS, 1, activation=UnaryKind.RELU)
    tensor = multiply(builder, "weigh", tensor, _channel_weights(builder, coarse))
    tensor = _resize(builder, "enlarge", tensor, builder.shape(fine)[2:])
    tensor = add(
        builder,
        "scores",
        biased(builder, "fine_scores", fine, CLASSES, 1),
        biased(builder, "coarse_scores", tensor, CLASSES, 1),
    )
    return builder.build([_resize(builder, "pixels", tensor, size)])


def _channel_weights(builder: GraphBuilder, source: str) -> str:
    """A weight for each channel, from the mean of all."""
    tensor = global_average(builder, "weights/pool", source)
    layer = Convolution("weights", (tensor,), "weights", INNER_CHANNELS, (1, 1))
    return activate(builder, "weights", builder.add(layer), UnaryKind.SIGMOID)


def _resize(builder: GraphBuilder, name: str, source: str, size: tuple[int, ...]) -> str:
    kind = ResizeKind.BILINEAR
    return builder.add(Resize(name, (source,), name, kind, (size[0], size[1])))


NETWORK = Sized(
    name="lraspp_mobilenet_v3",
    build=lraspp_mobilenet_v3,
    source="torchvision, lraspp_mobilenet_v3_large",
    size="height",
    default=DEFAULT_ROWS,
    sizes=tuple(SIZES),
    published={DEFAULT_ROWS: Published(2086, 3.22)},
    counted_values=2,
)

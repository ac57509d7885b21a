"""Building blocks that the MobileNets share."""

from apollo.workloads.graph import GraphBuilder, Tensor
from apollo.workloads.operators import (
    BatchNormalization,
    Convolution,
    FullyConnected,
    Pool,
    PoolKind,
    Softmax,
    Unary,
    UnaryKind,
)
from apollo.workloads.shapes import same_padding_2d

IMAGENET_CLASSES = 1001  # as released: the thousand classes and a background class


def start(name: str, resolution: int) -> GraphBuilder:
    """A builder with one RGB image as its input `image`."""
    return GraphBuilder(name, [Tensor("image", (1, 3, resolution, resolution))])


def convolution(
    builder: GraphBuilder,
    name: str,
    source: str,
    channels: int,
    kernel: int,
    stride: int = 1,
    groups: int = 1,
    activation: UnaryKind | None = UnaryKind.RELU6,
) -> str:
    """A same-padded convolution, its batch normalisation and its activation."""
    window, step = (kernel, kernel), (stride, stride)
    tensor = builder.add(
        Convolution(
            name,
            (source,),
            f"{name}/conv",
            out_channels=channels,
            kernel=window,
            stride=step,
            padding=same_padding_2d(builder.shape(source), window, step),
            groups=groups,
        )
    )
    tensor = builder.add(BatchNormalization(f"{name}/norm", (tensor,), f"{name}/norm", channels))
    if activation is None:
        return tensor
    label = f"{name}/{activation.value}"
    return builder.add(Unary(label, (tensor,), label, activation))


def depthwise(builder: GraphBuilder, name: str, source: str, kernel: int, stride: int = 1) -> str:
    """A convolution of each channel by itself, normalised and activated."""
    channels = builder.shape(source)[1]
    return convolution(builder, name, source, channels, kernel, stride, groups=channels)


def classifier(builder: GraphBuilder, source: str, classes: int = IMAGENET_CLASSES) -> str:
    """Global average, fully connected layer and softmax."""
    _, _, height, width = builder.shape(source)
    pooled = builder.add(Pool("pool", (source,), "pool", PoolKind.AVERAGE, (height, width)))
    logits = builder.add(FullyConnected("logits", (pooled,), "logits", classes, bias=True))
    return builder.add(Softmax("softmax", (logits,), "softmax"))

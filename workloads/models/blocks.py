"""Building blocks that convolutional networks share."""

from apollo.workloads.graph import GraphBuilder, Tensor
from apollo.workloads.operators import (
    BatchNormalization,
    Binary,
    BinaryKind,
    Concat,
    Convolution,
    FullyConnected,
    Pool,
    PoolKind,
    Softmax,
    Unary,
    UnaryKind,
)
from apollo.workloads.shapes import NO_PADDING, Padding, Pair, same_padding_2d

IMAGENET_CLASSES = 1001  # as released: the thousand classes and a background class


def make_divisible(channels: float, divisor: int = 8) -> int:
    """The nearest multiple of `divisor`, at least one and never more than 10 % below."""
    nearest = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * channels else nearest


def start(name: str, resolution: int, channels: int = 3) -> GraphBuilder:
    """A builder with one square image as its input `image`."""
    return GraphBuilder(name, [Tensor("image", (1, channels, resolution, resolution))])


def convolution(
    builder: GraphBuilder,
    name: str,
    source: str,
    channels: int,
    kernel: int | Pair,
    stride: int = 1,
    groups: int = 1,
    activation: UnaryKind | None = UnaryKind.RELU6,
    padding: Padding | None = None,
    dilation: int = 1,
) -> str:
    """A convolution, same-padded unless told, its batch normalisation and its activation."""
    window = (kernel, kernel) if isinstance(kernel, int) else kernel
    step, spread = (stride, stride), (dilation, dilation)
    if padding is None:
        padding = same_padding_2d(builder.shape(source), window, step, spread)
    output = f"{name}/conv"
    layer = Convolution(name, (source,), output, channels, window, step, padding, spread, groups)
    tensor = builder.add(layer)
    tensor = builder.add(BatchNormalization(f"{name}/norm", (tensor,), f"{name}/norm", channels))
    return tensor if activation is None else activate(builder, name, tensor, activation)


def depthwise(
    builder: GraphBuilder,
    name: str,
    source: str,
    kernel: int,
    stride: int = 1,
    activation: UnaryKind | None = UnaryKind.RELU6,
    dilation: int = 1,
) -> str:
    """A convolution of each channel by itself, normalised and activated."""
    channels = builder.shape(source)[1]
    return convolution(
        builder, name, source, channels, kernel, stride, channels, activation, dilation=dilation
    )


def biased(
    builder: GraphBuilder,
    name: str,
    source: str,
    channels: int,
    kernel: int | Pair,
    padding: Padding | None = None,
) -> str:
    """A convolution with biases in place of a normalisation, same-padded unless told."""
    window = (kernel, kernel) if isinstance(kernel, int) else kernel
    if padding is None:
        padding = same_padding_2d(builder.shape(source), window, (1, 1))
    layer = Convolution(name, (source,), name, channels, window, padding=padding, bias=True)
    return builder.add(layer)


def activate(builder: GraphBuilder, name: str, source: str, kind: UnaryKind) -> str:
    """A function of each element, named behind what it follows."""
    label = f"{name}/{kind.value}"
    return builder.add(Unary(label, (source,), label, kind))


def add(builder: GraphBuilder, name: str, left: str, right: str) -> str:
    """The sum of two tensors."""
    return builder.add(Binary(name, (left, right), name, BinaryKind.ADD))


def multiply(builder: GraphBuilder, name: str, left: str, right: str) -> str:
    """The product of two tensors, element by element."""
    return builder.add(Binary(name, (left, right), name, BinaryKind.MULTIPLY))


def concat(builder: GraphBuilder, name: str, *sources: str, axis: int = 1) -> str:
    """Tensors side by side."""
    return builder.add(Concat(name, sources, name, axis))


def pool(
    builder: GraphBuilder,
    name: str,
    source: str,
    kind: PoolKind,
    kernel: int | Pair,
    stride: int | Pair,
    padding: Padding | None = NO_PADDING,
) -> str:
    """A pool; `None` pads it so that only its stride shrinks the image."""
    window = (kernel, kernel) if isinstance(kernel, int) else kernel
    step = (stride, stride) if isinstance(stride, int) else stride
    if padding is None:
        padding = same_padding_2d(builder.shape(source), window, step)
    return builder.add(Pool(name, (source,), name, kind, window, step, padding))


def global_average(builder: GraphBuilder, name: str, source: str) -> str:
    """The mean of each channel, (n, c, 1, 1)."""
    _, _, height, width = builder.shape(source)
    return builder.add(Pool(name, (source,), name, PoolKind.AVERAGE, (height, width)))


def dense(builder: GraphBuilder, name: str, source: str, features: int) -> str:
    """A fully connected layer with biases."""
    return builder.add(FullyConnected(name, (source,), name, features, bias=True))


def classifier(builder: GraphBuilder, source: str, classes: int = IMAGENET_CLASSES) -> str:
    """Global average, fully connected layer and softmax."""
    logits = dense(builder, "logits", global_average(builder, "pool", source), classes)
    return builder.add(Softmax("softmax", (logits,), "softmax"))

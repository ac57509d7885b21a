"""MobileNet V3, large and small (Howard et al., 2019, arXiv:1905.02244, tables 1 and 2).

The minimalistic variants have no squeeze-and-excite, no hard swish and no 5x5 kernels. Expansions
are factors of the input channels, as in tensorflow/models, research/slim/nets/mobilenet.
"""

from collections.abc import Callable
from dataclasses import dataclass

from apollo.workloads.graph import Graph, GraphBuilder
from apollo.workloads.models.blocks import (
    IMAGENET_CLASSES,
    activate,
    add,
    biased,
    convolution,
    dense,
    depthwise,
    global_average,
    make_divisible,
    multiply,
    start,
)
from apollo.workloads.models.family import Family, Published
from apollo.workloads.operators import Softmax, UnaryKind

STEM_CHANNELS = 16
SQUEEZE = 4
RELU, SWISH = UnaryKind.RELU, UnaryKind.HARD_SWISH


@dataclass(frozen=True)
class Block:
    """An inverted residual block.

    Attributes:
        kernel: of its depthwise convolution.
        expansion: expanded channels over input channels.
        channels: output channels at width 1.
        squeeze: whether it has squeeze-and-excite.
        activation: of the expansion and of the depthwise convolution.
        stride: of the depthwise convolution.
        dilation: of the depthwise convolution.

    """

    kernel: int
    expansion: float
    channels: int
    squeeze: bool
    activation: UnaryKind
    stride: int = 1
    dilation: int = 1

    @property
    def minimalistic(self) -> "Block":
        """The block without what small hardware finds hard."""
        return Block(3, self.expansion, self.channels, False, RELU, self.stride)


LARGE = (
    Block(3, 1, 16, False, RELU),
    Block(3, 4, 24, False, RELU, 2),
    Block(3, 3, 24, False, RELU),
    Block(5, 3, 40, True, RELU, 2),
    *(Block(5, 3, 40, True, RELU),) * 2,
    Block(3, 6, 80, False, SWISH, 2),
    Block(3, 2.5, 80, False, SWISH),
    *(Block(3, 184 / 80, 80, False, SWISH),) * 2,
    *(Block(3, 6, 112, True, SWISH),) * 2,
    Block(5, 6, 160, True, SWISH, 2),
    *(Block(5, 6, 160, True, SWISH),) * 2,
)
SMALL = (
    Block(3, 1, 16, True, RELU, 2),
    Block(3, 72 / 16, 24, False, RELU, 2),
    Block(3, 88 / 24, 24, False, RELU),
    Block(5, 4, 40, True, SWISH, 2),
    *(Block(5, 6, 40, True, SWISH),) * 2,
    *(Block(5, 3, 48, True, SWISH),) * 2,
    Block(5, 6, 96, True, SWISH, 2),
    *(Block(5, 6, 96, True, SWISH),) * 2,
)


@dataclass(frozen=True)
class Variant:
    """A network of the family: its blocks, its last convolution and the layer behind the pool."""

    blocks: tuple[Block, ...]
    features: int
    head: int
    activation: UnaryKind = SWISH

    @property
    def minimalistic(self) -> "Variant":
        """The variant for small hardware."""
        blocks = tuple(block.minimalistic for block in self.blocks)
        return Variant(blocks, self.features, self.head, RELU)


LARGE_NETWORK = Variant(LARGE, features=960, head=1280)
SMALL_NETWORK = Variant(SMALL, features=576, head=1024)


def mobilenet_v3(variant: Variant, name: str, width: float, resolution: int) -> Graph:
    """MobileNet V3 of a width multiplier and input resolution."""
    builder = start(name, resolution)
    tensor = features(builder, variant, width)[-1]
    pooled = global_average(builder, "pool", tensor)
    # A narrow network keeps all features before its classifier.
    head = make_divisible(variant.head * max(width, 1.0))
    tensor = activate(builder, "head", biased(builder, "head", pooled, head, 1), variant.activation)
    logits = dense(builder, "logits", tensor, IMAGENET_CLASSES)
    return builder.build([builder.add(Softmax("softmax", (logits,), "softmax"))])


def features(builder: GraphBuilder, variant: Variant, width: float = 1.0) -> list[str]:
    """Outputs of the stem, of every block and of the last convolution; reads `image`."""
    stem, act = make_divisible(STEM_CHANNELS * width), variant.activation
    tensors = [convolution(builder, "stem", "image", stem, 3, 2, activation=act)]
    for index, block in enumerate(variant.blocks, start=1):
        target = make_divisible(block.channels * width)
        tensors.append(_bottleneck(builder, f"block{index}", tensors[-1], block, target))
    last = make_divisible(variant.features * width)
    tensors.append(convolution(builder, "features", tensors[-1], last, 1, activation=act))
    return tensors


def _bottleneck(builder: GraphBuilder, name: str, source: str, block: Block, channels: int) -> str:
    """Expand, filter each channel, weigh the channels, project without activation."""
    inputs, tensor, act = builder.shape(source)[1], source, block.activation
    if block.expansion > 1:
        expanded = make_divisible(inputs * block.expansion)
        tensor = convolution(builder, f"{name}/expand", tensor, expanded, 1, activation=act)
    tensor = depthwise(
        builder,
        f"{name}/depthwise",
        tensor,
        block.kernel,
        block.stride,
        act,
        dilation=block.dilation,
    )
    if block.squeeze:
        tensor = _squeeze_excite(builder, f"{name}/squeeze", tensor)
    tensor = convolution(builder, f"{name}/project", tensor, channels, 1, activation=None)
    residual = block.stride == 1 and inputs == channels
    return add(builder, f"{name}/add", source, tensor) if residual else tensor


def _squeeze_excite(builder: GraphBuilder, name: str, source: str) -> str:
    """Channels weighted by what two small layers make of their means."""
    channels = builder.shape(source)[1]
    tensor = global_average(builder, f"{name}/pool", source)
    label = f"{name}/reduce"
    tensor = biased(builder, label, tensor, make_divisible(channels / SQUEEZE), 1)
    tensor = activate(builder, label, tensor, RELU)
    label = f"{name}/expand"
    tensor = biased(builder, label, tensor, channels, 1)
    tensor = activate(builder, label, tensor, UnaryKind.HARD_SIGMOID)
    return multiply(builder, f"{name}/scale", source, tensor)


def _family(
    name: str, variant: Variant, published: dict[float, Published], widths: tuple[float, ...]
) -> Family:
    def build(title: str, width: float, resolution: int) -> Graph:
        return mobilenet_v3(variant, title, width, resolution)

    generate: Callable[[str, float, int], Graph] = build
    return Family(
        name=name,
        build=generate,
        widths=widths,
        resolutions=(128, 160, 192, 224, 256) if len(widths) > 1 else (224,),
        published={(width, 224): figures for width, figures in published.items()},
        counted_values=0,
        source="tensorflow/models, research/slim/nets/mobilenet/README.md",
    )


FAMILIES = (
    _family(
        "mobilenet_v3_large",
        LARGE_NETWORK,
        {1.0: Published(217, 5.4), 0.75: Published(155, 4.0)},
        (0.75, 1.0),
    ),
    _family(
        "mobilenet_v3_small",
        SMALL_NETWORK,
        {1.0: Published(66, 2.9), 0.75: Published(44, 2.4)},
        (0.75, 1.0),
    ),
    _family(
        "mobilenet_v3_large_minimalistic",
        LARGE_NETWORK.minimalistic,
        {1.0: Published(209, 3.9)},
        (1.0,),
    ),
    _family(
        "mobilenet_v3_small_minimalistic",
        SMALL_NETWORK.minimalistic,
        {1.0: Published(65, 2.0)},
        (1.0,),
    ),
)

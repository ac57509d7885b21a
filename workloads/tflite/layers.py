"""Import of the operators with windows: convolutions, transposed ones and pools."""

from apollo.workloads.operators import Convolution, ConvTranspose, Pad, Pool, PoolKind
from apollo.workloads.shapes import (
    NO_PADDING,
    Padding,
    Pair,
    Shape,
    elements,
    same_padding_2d,
    transposed_positions,
)
from apollo.workloads.tflite.context import Importer, Importing
from apollo.workloads.tflite.file import Node
from apollo.workloads.tflite.flow import IMAGE, arrange
from apollo.workloads.tflite.values import Stored

SAME, VALID = 0, 1


def strides(node: Node, across: int = 1, down: int = 2) -> Pair:
    """Steps (h, w) from the options at two slots."""
    return node.option(down), node.option(across)


def padding(
    node: Node, rule: int, shape: Shape, kernel: Pair, stride: Pair, dilation: Pair
) -> Padding:
    """Padding of an (n, c, h, w) input by a rule."""
    if rule == VALID:
        return NO_PADDING
    if rule != SAME or min(*kernel, *stride, *dilation) < 1:
        raise node.fail(f"has padding number {rule}, kernel {kernel} and stride {stride}")
    return same_padding_2d(shape, kernel, stride, dilation)


def bias(node: Node, importing: Importing, place: int, channels: int) -> dict[str, Stored]:
    """The stored summands, if there are any."""
    if not node.has(place):
        return {}
    found = importing.stored(node, place)
    if elements(found.shape) != channels:
        raise node.fail(f"must have {channels} biases, not {found.shape}")
    return {"bias": found.reshaped((channels,), 0)}


def _kernels(node: Node, importing: Importing, place: int) -> Stored:
    weight = importing.stored(node, place)
    if len(weight.shape) != 4 or min(weight.shape) < 1:
        raise node.fail(f"must have weights of four dimensions, not {weight.shape}")
    return weight


def convolution(node: Node, importing: Importing) -> None:
    """A convolution, in groups where the weights have fewer channels than the input."""
    weight = _kernels(node, importing, 1)
    channels = importing.image(node).shape[3]
    if channels % weight.shape[3]:
        raise node.fail(f"must have weights for {channels} input channels, not {weight.shape}")
    stored = {"weight": weight.transposed((0, 3, 1, 2))}
    groups, dilation = (
        channels // weight.shape[3],
        (node.option(5, default=1), node.option(4, default=1)),
    )
    _convolve(node, importing, stored, groups, dilation, node.option(3, "u8"))


def depthwise(node: Node, importing: Importing) -> None:
    """A convolution of every channel by itself."""
    weight = _kernels(node, importing, 1)
    channels = importing.image(node).shape[3]
    if weight.shape[0] != 1 or weight.shape[3] % channels:
        raise node.fail(f"must have weights for {channels} input channels, not {weight.shape}")
    stored = {"weight": weight.transposed((3, 0, 1, 2))}
    dilation = (node.option(6, default=1), node.option(5, default=1))
    _convolve(node, importing, stored, channels, dilation, node.option(4, "u8"))


def _convolve(
    node: Node,
    importing: Importing,
    stored: dict[str, Stored],
    groups: int,
    dilation: Pair,
    activation: int,
) -> None:
    flow = importing.image(node)
    out, _, *window = stored["weight"].shape
    kernel, stride = (window[0], window[1]), strides(node)
    shape = arrange(flow.shape, IMAGE)
    edges = padding(node, node.option(0, "u8"), shape, kernel, stride, dilation)
    source, edges = _unpadded(importing, importing.bring(flow, IMAGE), edges)
    stored |= bias(node, importing, 2, out)
    operator = Convolution(
        node.name,
        (source,),
        node.name,
        out_channels=out,
        kernel=kernel,
        stride=stride,
        padding=edges,
        dilation=dilation,
        groups=groups,
        bias="bias" in stored,
    )
    importing.finish(node, operator, IMAGE, activation, stored)


def _unpadded(importing: Importing, source: str, edges: Padding) -> tuple[str, Padding]:
    """What zeros were put around, and the padding with them: the zeros need not be stored."""
    pad = importing.draft.producer(source)
    if not isinstance(pad, Pad) or pad.value or any((*pad.before[:2], *pad.after[:2])):
        return source, edges
    ends = (*pad.before[2:], *pad.after[2:])
    top, left, bottom, right = (edge + end for edge, end in zip(edges, ends, strict=True))
    return pad.inputs[0], (top, left, bottom, right)


def transposed(node: Node, importing: Importing) -> None:
    """A transposed convolution, whose output shape is a constant."""
    size = importing.integers(node, 0)
    if len(size) != 4:
        raise node.fail(f"must have an output of shape (n, h, w, c), not {size}")
    rule, activation = node.option(0, "u8"), node.option(3, "u8")
    _transpose(node, importing, (2, 1, 3), strides(node), rule, activation, (size[1], size[2]))


def transposed_with_bias(node: Node, importing: Importing) -> None:
    """MediaPipe's transposed convolution: padding rule and strides are in its own options."""
    rule, across, down = (
        int.from_bytes(node.extra[start : start + 4], "little", signed=True) for start in (0, 4, 8)
    )
    _transpose(node, importing, (0, 1, 2), (down, across), rule - 1, 0, None)


def _transpose(
    node: Node,
    importing: Importing,
    places: tuple[int, int, int],
    stride: Pair,
    rule: int,
    activation: int,
    size: Pair | None,
) -> None:
    """A transposed convolution whose input, weights and bias are in those places."""
    flow, weight = importing.image(node, places[0]), _kernels(node, importing, places[1])
    if weight.shape[3] != flow.shape[3] or min(stride) < 1:
        raise node.fail(f"must have weights for {flow.shape[3]} channels, not {weight.shape}")
    kernel, shape = (weight.shape[1], weight.shape[2]), arrange(flow.shape, IMAGE)
    full = transposed_positions(shape, kernel, stride, NO_PADDING, (1, 1), (0, 0))
    if size is None:
        same = (shape[2] * stride[0], shape[3] * stride[1])
        size = same if rule == SAME else full
    beyond = [max(0, full[axis] - size[axis]) if rule == SAME else 0 for axis in range(2)]
    extra = [size[axis] - full[axis] + beyond[axis] for axis in range(2)]
    if rule not in (SAME, VALID) or min(extra) < 0:
        raise node.fail(f"must not make {size} of {shape[2:]} with padding number {rule}")
    top, left = (total // 2 for total in beyond)
    stored = {"weight": weight.transposed((3, 0, 1, 2))} | bias(
        node, importing, places[2], weight.shape[0]
    )
    operator = ConvTranspose(
        node.name,
        (importing.bring(flow, IMAGE),),
        node.name,
        out_channels=weight.shape[0],
        kernel=kernel,
        stride=stride,
        padding=(top, left, beyond[0] - top, beyond[1] - left),
        bias="bias" in stored,
        extra=(extra[0], extra[1]),
    )
    importing.finish(node, operator, IMAGE, activation, stored)


def pool(kind: PoolKind) -> Importer:
    """Windows of a kind; averages divide by what lies inside the image."""

    def convert(node: Node, importing: Importing) -> None:
        flow, stride = importing.image(node), strides(node)
        kernel, shape = (node.option(4), node.option(3)), arrange(flow.shape, IMAGE)
        edges = padding(node, node.option(0, "u8"), shape, kernel, stride, (1, 1))
        source = importing.bring(flow, IMAGE)
        operator = Pool(node.name, (source,), node.name, kind, kernel, stride, edges)
        importing.finish(node, operator, IMAGE, node.option(5, "u8"))

    return convert

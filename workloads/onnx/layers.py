"""Import of the operators that combine elements: convolutions, products, pools, norms."""

from collections.abc import Sequence

from apollo.workloads.onnx.context import Importer, Importing, Node
from apollo.workloads.operators import (
    BatchNormalization,
    Convolution,
    FullyConnected,
    LocalResponseNormalization,
    Pool,
    PoolKind,
    Reshape,
    Softmax,
)
from apollo.workloads.shapes import (
    NO_PADDING,
    Padding,
    Pair,
    Shape,
    elements,
    same_padding_2d,
    window_extent,
)


def _pair(node: Node, name: str, default: Sequence[int]) -> Pair:
    values = node.get(name, default)
    if len(values) != 2:
        raise node.fail(f"must be two-dimensional, unlike its {name} {list(values)}")
    if min(values) < 1:
        raise node.fail(f"must have positive {name}, not {list(values)}")
    return values[0], values[1]


def _padding(node: Node, shape: Shape, kernel: Pair, stride: Pair, dilation: Pair) -> Padding:
    rule = node.text("auto_pad", "NOTSET")
    if rule == "VALID":
        return NO_PADDING
    if rule in ("SAME_UPPER", "SAME_LOWER"):
        top, left, bottom, right = same_padding_2d(shape, kernel, stride, dilation)
        lower = rule == "SAME_LOWER"
        return (bottom, right, top, left) if lower else (top, left, bottom, right)
    pads = node.get("pads", NO_PADDING)
    if len(pads) != 4:
        raise node.fail(f"must be two-dimensional, unlike its pads {list(pads)}")
    return pads[0], pads[1], pads[2], pads[3]


def convolution(node: Node, importing: Importing) -> None:
    """A convolution with constant weights, grouped, dilated or padded by a rule."""
    source, shape, weight = importing.tensor(node), importing.image(node), importing.weight(node, 1)
    if len(weight) != 4:
        raise node.fail(f"must have weights of four dimensions, not {weight}")
    kernel = (weight[2], weight[3])
    stride, dilation = _pair(node, "strides", (1, 1)), _pair(node, "dilations", (1, 1))
    groups = node.get("group", 1)
    if weight[1] * groups != shape[1]:
        raise node.fail(
            f"must have weights for {shape[1]} input channels in {groups} groups, not {weight}"
        )
    importing.add(
        Convolution(
            node.name,
            (source,),
            node.output,
            out_channels=weight[0],
            kernel=kernel,
            stride=stride,
            padding=_padding(node, shape, kernel, stride, dilation),
            dilation=dilation,
            groups=groups,
            bias=node.has(2) and bool(importing.weight(node, 2)),
        )
    )


def gemm(node: Node, importing: Importing) -> None:
    """A product with a constant matrix, and a bias."""
    if node.get("transA", 0):
        raise node.fail("must not transpose its first input")
    weight = importing.weight(node, 1)
    _dense(node, importing, weight[::-1] if node.get("transB", 0) else weight, bias=node.has(2))


def matmul(node: Node, importing: Importing) -> None:
    """A product with a constant matrix."""
    _dense(node, importing, importing.weight(node, 1), bias=False)


def _dense(node: Node, importing: Importing, weight: Shape, bias: bool) -> None:
    source = importing.tensor(node)
    shape = importing.builder.shape(source)
    if len(shape) != 2 or len(weight) != 2 or shape[1] != weight[0]:
        raise node.fail(f"must multiply (n, c) by (c, k), not {shape} by {weight}")
    if bias and elements(importing.weight(node, 2)) not in (1, weight[1]):
        raise node.fail(f"must have one bias or {weight[1]}, not {importing.weight(node, 2)}")
    importing.add(FullyConnected(node.name, (source,), node.output, weight[1], bias))


def normalization(node: Node, importing: Importing) -> None:
    """A batch normalisation with its trained statistics."""
    if node.get("training_mode", 0):
        raise node.fail("must not be in training mode")
    channels = importing.weight(node, 1)[0]
    importing.add(BatchNormalization(node.name, (importing.tensor(node),), node.output, channels))


def pool(kind: PoolKind) -> Importer:
    """Windows of a kind; rounding up becomes padding."""

    def convert(node: Node, importing: Importing) -> None:
        shape, kernel = importing.image(node), _pair(node, "kernel_shape", ())
        stride, dilation = _pair(node, "strides", (1, 1)), _pair(node, "dilations", (1, 1))
        if dilation != (1, 1):
            raise node.fail(f"must not be dilated, as by {dilation}")
        stated = _padding(node, shape, kernel, stride, dilation)
        rounding_up = bool(node.get("ceil_mode", 0))
        padding = _rounded_up(shape, kernel, stride, stated) if rounding_up else stated
        inclusive = bool(node.get("count_include_pad", 0))
        if inclusive and padding != stated:
            raise node.fail("must not combine ceil_mode with count_include_pad")
        importing.add(
            Pool(
                node.name,
                (importing.tensor(node),),
                node.output,
                kind,
                kernel,
                stride,
                padding,
                inclusive,
            )
        )

    return convert


def _rounded_up(shape: Shape, kernel: Pair, stride: Pair, padding: Padding) -> Padding:
    """Padding that adds the last, partial window, unless that would start behind the input."""
    after = []
    for axis in range(2):
        size, before, behind = shape[2 + axis], padding[axis], padding[2 + axis]
        beyond = size + before + behind - window_extent(kernel[axis])
        missing = -beyond % stride[axis]
        starts_inside = beyond + missing < size + before
        after.append(behind + (missing if starts_inside else 0))
    return padding[0], padding[1], after[0], after[1]


def global_pool(kind: PoolKind) -> Importer:
    """A pool whose window is the whole image."""

    def convert(node: Node, importing: Importing) -> None:
        kernel = importing.image(node)[2:]
        pool = Pool(node.name, (importing.tensor(node),), node.output, kind, (kernel[0], kernel[1]))
        importing.add(pool)

    return convert


def mean(node: Node, importing: Importing) -> None:
    """The mean over height and width, which is a global average pool."""
    shape = importing.image(node)
    given = importing.values(node, 1)
    axes = node.get("axes", ()) if given is None else given.tolist()
    if sorted(axis % 4 for axis in axes) != [2, 3]:
        raise node.fail(f"must average height and width, not axes {list(axes)}")
    flat = not node.get("keepdims", 1)
    output = f"{node.output}/pool" if flat else node.output
    kernel = (shape[2], shape[3])
    pool = Pool(node.name, (importing.tensor(node),), output, PoolKind.AVERAGE, kernel)
    importing.add(pool)
    if flat:
        importing.add(Reshape(f"{node.name}/flatten", (output,), node.output, shape[:2]))


def softmax(node: Node, importing: Importing) -> None:
    """A softmax over the channels."""
    shape = importing.builder.shape(importing.tensor(node))
    flattens = importing.opset < 13  # then everything from the axis on is one long vector
    axis = node.get("axis", 1 if flattens else -1) % len(shape)
    if axis != 1 or (flattens and elements(shape[2:]) != 1):
        raise node.fail(f"must run over the channels, not over axis {axis} of {shape}")
    importing.add(Softmax(node.name, (importing.tensor(node),), node.output))


def local_response(node: Node, importing: Importing) -> None:
    """A normalisation over neighbouring channels."""
    importing.add(
        LocalResponseNormalization(
            node.name,
            (importing.tensor(node),),
            node.output,
            size=node.get("size", 1),
            alpha=node.get("alpha", 1e-4),
            beta=node.get("beta", 0.75),
            bias=node.get("bias", 1.0),
        )
    )

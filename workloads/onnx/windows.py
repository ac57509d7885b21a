"""Import of the operators whose window slides over an image, or over a sequence as one row."""

from collections.abc import Sequence

from apollo.workloads.onnx.context import Importer, Importing
from apollo.workloads.onnx.node import Node
from apollo.workloads.onnx.stored import Stored
from apollo.workloads.operators import Convolution, ConvTranspose, Pool, PoolKind
from apollo.workloads.shapes import (
    NO_PADDING,
    Padding,
    Pair,
    Shape,
    same_padding_2d,
    window_extent,
)


def convolution(node: Node, importing: Importing) -> None:
    """A convolution with constant weights, grouped, dilated or padded by a rule."""
    bias = importing.stored(node, 2) if node.has(2) else None
    convolve(node, importing, importing.stored(node, 1), bias)


def convolve(node: Node, importing: Importing, weight: Stored, bias: Stored | None) -> None:
    """A convolution with these weights."""
    source, shape = _image(node, importing)
    if len(weight.shape) != len(importing.shape(node)):
        raise node.fail(f"must have weights of as many dimensions as its input, not {weight.shape}")
    weight, groups = _kernels(node, weight), node.get("group", 1)
    kernel = (weight.shape[2], weight.shape[3])
    stride, dilation = _pair(node, "strides", (1, 1)), _pair(node, "dilations", (1, 1))
    if weight.shape[1] * groups != shape[1]:
        raise node.fail(
            f"must have weights for {shape[1]} input channels in {groups} groups, "
            f"not {weight.shape}"
        )
    output = _image_output(node, importing)
    roles = {"weight": weight} | ({} if bias is None else {"bias": bias})
    importing.add(
        Convolution(
            node.name,
            (source,),
            output,
            out_channels=weight.shape[0],
            kernel=kernel,
            stride=stride,
            padding=_padding(node, shape, kernel, stride, dilation),
            dilation=dilation,
            groups=groups,
            bias=bias is not None,
        ),
        **roles,
    )
    _as_sequence(node, importing, output)


def transposed(node: Node, importing: Importing) -> None:
    """A transposed convolution with constant weights."""
    source, shape = _image(node, importing)
    weight, groups = _kernels(node, importing.stored(node, 1)), node.get("group", 1)
    kernel = (weight.shape[2], weight.shape[3])
    stride, dilation = _pair(node, "strides", (1, 1)), _pair(node, "dilations", (1, 1))
    extra = _pair(node, "output_padding", (0, 0), least=0)
    if weight.shape[0] != shape[1]:
        raise node.fail(f"must have weights for {shape[1]} input channels, not {weight.shape}")
    padding, extra = _cut_off(node, shape, (kernel, stride, dilation), extra)
    output = _image_output(node, importing)
    bias = {"bias": importing.stored(node, 2)} if node.has(2) else {}
    importing.add(
        ConvTranspose(
            node.name,
            (source,),
            output,
            out_channels=weight.shape[1] * groups,
            kernel=kernel,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=groups,
            bias=bool(bias),
            extra=extra,
        ),
        weight=weight,
        **bias,
    )
    _as_sequence(node, importing, output)


def _cut_off(
    node: Node, shape: Shape, window: tuple[Pair, Pair, Pair], extra: Pair
) -> tuple[Padding, Pair]:
    """What is cut off a transposed convolution, and added, by pads, a rule or a stated shape."""
    kernel, stride, dilation = window
    rule, wanted = node.text("auto_pad", "NOTSET"), node.get("output_shape", None)
    if rule in ("NOTSET", "VALID") and not wanted:
        return _pads(node) if rule == "NOTSET" else NO_PADDING, extra
    sizes = [int(size) for size in wanted][-2:] if wanted else []
    before, after, behind = [0, 0], [0, 0], [*extra]
    for axis in range(2):
        full = (shape[2 + axis] - 1) * stride[axis] + window_extent(kernel[axis], dilation[axis])
        size = sizes[axis - 2] if len(sizes) == 2 else shape[2 + axis] * stride[axis]
        total = full + extra[axis] - size
        if total < 0:
            behind[axis], total = behind[axis] - total, 0
        small, large = total // 2, total - total // 2
        before[axis], after[axis] = (small, large) if rule == "SAME_UPPER" else (large, small)
    return (before[0], before[1], after[0], after[1]), (behind[0], behind[1])


def pool(kind: PoolKind) -> Importer:
    """Windows of a kind; rounding up becomes padding."""

    def convert(node: Node, importing: Importing) -> None:
        source, shape = _image(node, importing)
        kernel = _pair(node, "kernel_shape", ())
        stride, dilation = _pair(node, "strides", (1, 1)), _pair(node, "dilations", (1, 1))
        if dilation != (1, 1):
            raise node.fail(f"must not be dilated, as by {dilation}")
        if node.wants(1) and importing.readers[node.wants(1)]:
            raise node.fail(f"must not have its output number 1 ({node.wants(1)!r}) read")
        stated = _padding(node, shape, kernel, stride, dilation)
        rounding_up = bool(node.get("ceil_mode", 0))
        padding = _rounded_up(shape, kernel, stride, stated) if rounding_up else stated
        inclusive = bool(node.get("count_include_pad", 0)) and any(stated)
        if inclusive and padding != stated:
            raise node.fail("must not combine ceil_mode with count_include_pad")
        output = _image_output(node, importing)
        importing.add(Pool(node.name, (source,), output, kind, kernel, stride, padding, inclusive))
        _as_sequence(node, importing, output)

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
        source, shape = _image(node, importing)
        output = _image_output(node, importing)
        importing.add(Pool(node.name, (source,), output, kind, (shape[2], shape[3])))
        _as_sequence(node, importing, output)

    return convert


def _image(node: Node, importing: Importing) -> tuple[str, Shape]:
    """The first input as (n, c, h, w), a sequence (n, c, w) as an image of one row."""
    source, shape = importing.tensor(node), importing.shape(node)
    if len(shape) == 3:
        wide = (*shape[:2], 1, shape[2])
        return importing.reshaped(node, source, wide), wide
    if len(shape) != 4:
        raise node.fail(f"must have an input of shape (n, c, h, w) or (n, c, w), not {shape}")
    return source, shape


def _image_output(node: Node, importing: Importing) -> str:
    return f"{node.output}/image" if len(importing.shape(node)) == 3 else node.output


def _as_sequence(node: Node, importing: Importing, output: str) -> None:
    """The image of one row as a sequence again, if it was one."""
    if output != node.output:
        batch, channels, _, width = importing.draft.shape(output)
        importing.reshaped(node, output, (batch, channels, width), node.output)


def _kernels(node: Node, weight: Stored) -> Stored:
    """Weights of four dimensions; those of a sequence get one row."""
    if len(weight.shape) == 3:
        return weight.reshape((*weight.shape[:2], 1, weight.shape[2]))
    if len(weight.shape) != 4:
        raise node.fail(f"must have weights of three or four dimensions, not {weight.shape}")
    return weight


def _pair(node: Node, name: str, default: Sequence[int], least: int = 1) -> Pair:
    values = node.get(name, default)
    if len(values) == 1:  # of a sequence
        values = (0 if least == 0 else 1, values[0])
    if len(values) != 2:
        raise node.fail(f"must be two-dimensional, unlike its {name} {list(values)}")
    if min(values) < least:
        raise node.fail(f"must have positive {name}, not {list(values)}")
    return int(values[0]), int(values[1])


def _pads(node: Node) -> Padding:
    pads = [int(pad) for pad in node.get("pads", NO_PADDING)]
    if len(pads) == 2:
        return 0, pads[0], 0, pads[1]
    if len(pads) != 4:
        raise node.fail(f"must be two-dimensional, unlike its pads {pads}")
    return pads[0], pads[1], pads[2], pads[3]


def _padding(node: Node, shape: Shape, kernel: Pair, stride: Pair, dilation: Pair) -> Padding:
    rule = node.text("auto_pad", "NOTSET")
    if rule == "VALID":
        return NO_PADDING
    if rule in ("SAME_UPPER", "SAME_LOWER"):
        top, left, bottom, right = same_padding_2d(shape, kernel, stride, dilation)
        lower = rule == "SAME_LOWER"
        return (bottom, right, top, left) if lower else (top, left, bottom, right)
    return _pads(node)

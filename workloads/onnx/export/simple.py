"""Export of operators that have no stored matrix."""

import math
from collections.abc import Callable

import numpy as np

from apollo.workloads.onnx.export.writing import Writing
from apollo.workloads.operators import (
    ArgMax,
    Binary,
    BinaryKind,
    Concat,
    DepthToSpace,
    Gather,
    LocalResponseNormalization,
    Pad,
    Pool,
    PoolKind,
    PReLU,
    Reduce,
    Reshape,
    Resize,
    ResizeGrid,
    ResizeKind,
    Slice,
    Softmax,
    SpaceToDepth,
    Split,
    TopK,
    Transpose,
    Unary,
    UnaryKind,
)

_BINARIES = {
    BinaryKind.ADD: "Add",
    BinaryKind.MULTIPLY: "Mul",
    BinaryKind.SUBTRACT: "Sub",
    BinaryKind.DIVIDE: "Div",
    BinaryKind.MAXIMUM: "Max",
    BinaryKind.MINIMUM: "Min",
    BinaryKind.POWER: "Pow",
}
# ONNX's name, and the names of the attributes that our arguments are.
_UNARIES: dict[UnaryKind, tuple[str, tuple[str, ...]]] = {
    UnaryKind.RELU: ("Relu", ()),
    UnaryKind.LEAKY_RELU: ("LeakyRelu", ("alpha",)),
    UnaryKind.ELU: ("Elu", ("alpha",)),
    UnaryKind.SIGMOID: ("Sigmoid", ()),
    UnaryKind.HARD_SIGMOID: ("HardSigmoid", ("alpha", "beta")),
    UnaryKind.HARD_SWISH: ("HardSwish", ()),
    UnaryKind.TANH: ("Tanh", ()),
    UnaryKind.SOFTPLUS: ("Softplus", ()),
    UnaryKind.EXP: ("Exp", ()),
    UnaryKind.LOG: ("Log", ()),
    UnaryKind.SQRT: ("Sqrt", ()),
    UnaryKind.RECIPROCAL: ("Reciprocal", ()),
    UnaryKind.ABS: ("Abs", ()),
    UnaryKind.NEGATE: ("Neg", ()),
    UnaryKind.ERF: ("Erf", ()),
}
_GRIDS = {
    ResizeGrid.HALF_PIXEL: "half_pixel",
    ResizeGrid.CORNERS: "align_corners",
    ResizeGrid.ASYMMETRIC: "asymmetric",
}


def binary(operator: Binary, writing: Writing) -> None:
    """A function of two operands."""
    sources = writing.sources(operator)
    if operator.constant:
        sources.append(writing.role(operator, "constant"))
    writing.node(_BINARIES[operator.kind], sources, operator.output)


def unary(operator: Unary, writing: Writing) -> None:
    """A function of one operand, where ONNX has it; else of simpler ones."""
    (source,), output = writing.sources(operator), operator.output
    if operator.kind in (UnaryKind.CLIP, UnaryKind.RELU6):
        bounds = operator.arguments or (0.0, 6.0)
        names = [
            writing.store(f"{operator.name}/{name}", np.array(bound, np.float32))
            if math.isfinite(bound)
            else ""
            for name, bound in zip(("low", "high"), bounds, strict=True)
        ]
        writing.node("Clip", [source, *names], output)
    elif operator.kind is UnaryKind.MISH:
        soft = writing.node("Softplus", [source], f"{output}/softplus")
        factor = writing.node("Tanh", [soft], f"{output}/tanh")
        writing.node("Mul", [source, factor], output)
    elif operator.kind is UnaryKind.GELU:
        _gelu(operator, writing, source)
    else:
        kind, attributes = _UNARIES[operator.kind]
        arguments = operator.arguments or (1 / 6, 0.5)  # of a hard sigmoid
        writing.node(kind, [source], output, **dict(zip(attributes, arguments, strict=False)))


def _gelu(operator: Unary, writing: Writing, source: str) -> None:
    """X / 2 * (1 + erf(x / sqrt 2))."""
    output = operator.output
    numbers = {"root": math.sqrt(0.5), "one": 1.0, "half": 0.5}
    stored = {
        name: writing.store(f"{operator.name}/{name}", np.array(value, np.float32))
        for name, value in numbers.items()
    }
    inner = writing.node("Mul", [source, stored["root"]], f"{output}/scaled")
    erf = writing.node("Erf", [inner], f"{output}/erf")
    summed = writing.node("Add", [erf, stored["one"]], f"{output}/sum")
    product = writing.node("Mul", [source, summed], f"{output}/product")
    writing.node("Mul", [product, stored["half"]], output)


def prelu(operator: PReLU, writing: Writing) -> None:
    """A slope for each channel."""
    rank = len(writing.shape(operator.inputs[0]))
    slope = writing.role(operator, "slope", (operator.channels, *(1,) * (rank - 2)))
    writing.node("PRelu", [*writing.sources(operator), slope], operator.output)


def pool(operator: Pool, writing: Writing) -> None:
    """A pool with its padding."""
    average = operator.kind is PoolKind.AVERAGE
    attributes = {"count_include_pad": int(operator.include_padding)} if average else {}
    writing.node(
        "AveragePool" if average else "MaxPool",
        writing.sources(operator),
        operator.output,
        kernel_shape=operator.kernel,
        strides=operator.stride,
        pads=operator.padding,
        **attributes,
    )


def concat(operator: Concat, writing: Writing) -> None:
    """Inputs one after the other."""
    writing.node("Concat", writing.sources(operator), operator.output, axis=operator.axis)


def reshape(operator: Reshape, writing: Writing) -> None:
    """Another shape."""
    shape = writing.integers(f"{operator.name}/shape", operator.shape)
    writing.node("Reshape", [*writing.sources(operator), shape], operator.output)


def transpose(operator: Transpose, writing: Writing) -> None:
    """Dimensions in another order."""
    writing.node("Transpose", writing.sources(operator), operator.output, perm=operator.perm)


def pad(operator: Pad, writing: Writing) -> None:
    """Constant elements around."""
    amounts = writing.integers(f"{operator.name}/pads", (*operator.before, *operator.after))
    value = writing.store(f"{operator.name}/value", np.array(operator.value, np.float32))
    writing.node("Pad", [*writing.sources(operator), amounts, value], operator.output)


def cut(operator: Slice, writing: Writing) -> None:
    """Part of a tensor."""
    steps = operator.steps or (1,) * len(operator.axes)
    lists = {
        "starts": operator.starts,
        "stops": operator.stops,
        "axes": operator.axes,
        "steps": steps,
    }
    names = [writing.integers(f"{operator.name}/{name}", item) for name, item in lists.items()]
    writing.node("Slice", [*writing.sources(operator), *names], operator.output)


def split(operator: Split, writing: Writing) -> None:
    """Parts of a tensor."""
    sizes = writing.integers(f"{operator.name}/sizes", operator.sizes)
    writing.node("Split", [*writing.sources(operator), sizes], operator.outputs, axis=operator.axis)


def resize(operator: Resize, writing: Writing) -> None:
    """An image at another size."""
    shape = (*writing.shape(operator.inputs[0])[:2], *operator.size)
    sizes = writing.integers(f"{operator.name}/sizes", shape)
    floor = operator.grid is ResizeGrid.ASYMMETRIC
    writing.node(
        "Resize",
        [*writing.sources(operator), "", "", sizes],
        operator.output,
        mode="nearest" if operator.kind is ResizeKind.NEAREST else "linear",
        coordinate_transformation_mode=_GRIDS[operator.grid],
        nearest_mode="floor" if floor else "round_prefer_ceil",
    )


def reduce(operator: Reduce, writing: Writing) -> None:
    """Whole dimensions reduced; of a sum, ONNX takes the axes as an input."""
    kind, sources = operator.kind.value, writing.sources(operator)
    keep = {"keepdims": int(operator.keep)}
    if kind == "sum":
        sources.append(writing.integers(f"{operator.name}/axes", operator.axes))
        writing.node("ReduceSum", sources, operator.output, **keep)
    else:
        name = f"Reduce{kind.capitalize()}"
        writing.node(name, sources, operator.output, axes=operator.axes, **keep)


def softmax(operator: Softmax, writing: Writing) -> None:
    """A softmax over an axis."""
    writing.node("Softmax", writing.sources(operator), operator.output, axis=operator.axis)


def local_response(operator: LocalResponseNormalization, writing: Writing) -> None:
    """A normalisation over neighbouring channels."""
    numbers = {name: getattr(operator, name) for name in ("size", "alpha", "beta", "bias")}
    writing.node("LRN", writing.sources(operator), operator.output, **numbers)


def arg_max(operator: ArgMax, writing: Writing) -> None:
    """Position of the greatest element."""
    sources = writing.sources(operator)
    writing.node("ArgMax", sources, operator.output, axis=operator.axis, keepdims=0)


def top_k(operator: TopK, writing: Writing) -> None:
    """The greatest elements and where they are."""
    count = writing.integers(f"{operator.name}/count", [operator.count])
    writing.node("TopK", [*writing.sources(operator), count], operator.outputs)


def gather(operator: Gather, writing: Writing) -> None:
    """Entries that indices name, item by item."""
    data, indices = writing.sources(operator)
    last = writing.integers(f"{operator.name}/last", [-1])
    deep = writing.node("Unsqueeze", [indices, last], f"{operator.output}/indices")
    writing.node("GatherND", [data, deep], operator.output, batch_dims=1)


def blocks(kind: str) -> Callable[[DepthToSpace | SpaceToDepth, Writing], None]:
    """Channels that become positions, or the other way."""

    def export(operator: DepthToSpace | SpaceToDepth, writing: Writing) -> None:
        sources = writing.sources(operator)
        writing.node(kind, sources, operator.output, blocksize=operator.block)

    return export

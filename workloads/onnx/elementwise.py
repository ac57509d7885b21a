"""Import of the operators that take elements one by one."""

from dataclasses import replace
from math import inf

import numpy as np

from apollo.workloads.model import Values
from apollo.workloads.onnx import dynamic
from apollo.workloads.onnx.context import Importer, Importing
from apollo.workloads.onnx.node import Node
from apollo.workloads.onnx.products import bias_vector
from apollo.workloads.onnx.stored import Stored
from apollo.workloads.operators import (
    Binary,
    BinaryKind,
    Convolution,
    ConvTranspose,
    FullyConnected,
    Operator,
    PReLU,
    Unary,
    UnaryKind,
)
from apollo.workloads.shapes import Shape, elements

_LAYERS = (Convolution, ConvTranspose, FullyConnected)
# A function of a constant second operand that makes the operator a commutative one.
_INVERSES = {
    BinaryKind.SUBTRACT: (BinaryKind.ADD, np.negative, UnaryKind.NEGATE),
    BinaryKind.DIVIDE: (BinaryKind.MULTIPLY, np.reciprocal, UnaryKind.RECIPROCAL),
}


def binary(kind: BinaryKind) -> Importer:
    """A function of two computed tensors, or of one and a constant."""

    def convert(node: Node, importing: Importing) -> None:
        fold_binary(node, importing, kind, [*range(len(node.inputs))], node.output)

    return convert


def fold_binary(
    node: Node, importing: Importing, kind: BinaryKind, operands: list[int], output: str
) -> None:
    """Operands combined one after the other; of two, one may be constant."""
    if len(operands) == 1:
        importing.alias(output, node.inputs[operands[0]])
        return
    constant = [index for index in operands if importing.is_constant(node, index)]
    if constant and len(operands) == 2:
        _with_constant(node, importing, kind, constant[0])
        return
    total = importing.tensor(node, operands[0])
    for place, index in enumerate(operands[1:], start=1):
        final = place == len(operands) - 1
        suffix = "" if final else f"/{place}"
        pair = _same_rank(node, importing, total, importing.tensor(node, index))
        operator = Binary(node.name + suffix, pair, output + suffix, kind)
        total = importing.add(operator).output


def _same_rank(node: Node, importing: Importing, *sources: str) -> tuple[str, ...]:
    """Tensors with leading dimensions of 1 where one has fewer than the other."""
    rank = max(len(importing.draft.shape(source)) for source in sources)
    return tuple(
        importing.reshaped(node, source, _padded(importing, source, rank)) for source in sources
    )


def _padded(importing: Importing, source: str, rank: int) -> Shape:
    shape = importing.draft.shape(source)
    return (1,) * (rank - len(shape)) + shape


def _with_constant(node: Node, importing: Importing, kind: BinaryKind, place: int) -> None:
    source, constant = importing.tensor(node, 1 - place), importing.stored(node, place)
    if kind in _INVERSES:
        commutative, function, unary = _INVERSES[kind]
        if place == 0:  # constant - x is -x + constant
            inverse = Unary(f"{node.name}/inverse", (source,), f"{node.output}/inverse", unary)
            source = importing.add(inverse).output
        else:
            constant = _inverted(constant, function)
        kind = commutative
    elif kind is BinaryKind.POWER and place == 0:
        raise node.fail("must have a constant exponent")
    rank = max(len(importing.draft.shape(source)), len(constant.shape))
    constant = constant.reshape((1,) * (rank - len(constant.shape)) + constant.shape)
    if kind is BinaryKind.ADD and _becomes_bias(node, importing, source, constant):
        return
    if kind is BinaryKind.MULTIPLY and _becomes_scale(node, importing, source, constant):
        return
    source = importing.reshaped(node, source, _padded(importing, source, rank))
    operator = Binary(node.name, (source,), node.output, kind, constant.shape or (1,))
    importing.add(operator, constant=constant.reshape(constant.shape or (1,)))


def _inverted(constant: Stored, function: np.ufunc) -> Stored:
    def invert(values: Values) -> Values:
        with np.errstate(all="ignore"):
            return np.asarray(function(values.astype(np.float32)))

    return constant.apply(invert, constant.shape)


def _becomes_scale(node: Node, importing: Importing, source: str, constant: Stored) -> bool:
    """Make a constant the scale of the integer weights of the layer before."""
    layer = importing.draft.producer(source)
    if not isinstance(layer, _LAYERS) or layer.bias or source in importing.quantization:
        return False
    place = 1 if node.inputs[1] in importing.constants else 0
    if elements(constant.shape) not in (1, _plain(importing, layer, source)[1]):
        return False
    values = importing.constants.values(node.inputs[place])
    if not dynamic.rescale(importing, layer, constant, values):
        return False
    importing.alias(node.output, source)
    return True


def _plain(importing: Importing, layer: Operator, source: str) -> tuple[Shape, int]:
    """The shape of a constant for each channel of a layer's output, and how many they are."""
    shape = importing.draft.shape(source)
    last = isinstance(layer, FullyConnected)
    features = shape[-1] if last else shape[1]
    return ((*(1 for _ in shape[:-1]), features) if last else (1, features, 1, 1)), features


def _becomes_bias(node: Node, importing: Importing, source: str, constant: Stored) -> bool:
    """Make a constant the bias of the layer before, if nobody else reads what that writes."""
    layer = importing.draft.producer(source)
    if not isinstance(layer, _LAYERS) or layer.bias or source in importing.quantization:
        return False
    plain, features = _plain(importing, layer, source)
    alone = importing.reads_alone(node, source)
    if constant.shape != plain or not alone:
        return False
    new = replace(layer, bias=True, output=node.output)
    importing.draft.substitute(layer, new)
    importing.keep(new, "bias", bias_vector(constant, features))
    return True


def unary(kind: UnaryKind, **defaults: float) -> Importer:
    """A function of each element with attributes as its arguments."""

    def convert(node: Node, importing: Importing) -> None:
        arguments = tuple(float(node.get(name, value)) for name, value in defaults.items())
        _add_unary(node, importing, kind, arguments)

    return convert


def clip(node: Node, importing: Importing) -> None:
    """Bounds from attributes or constants; the bounds of a ReLU make one."""
    if any(node.has(index) and not importing.is_constant(node, index) for index in (1, 2)):
        _computed_clip(node, importing)
        return
    bounds = []
    for index, (name, default) in enumerate((("min", -inf), ("max", inf)), start=1):
        values = importing.small(node, index)
        bounds.append(float(node.get(name, default) if values is None else values.item()))
    kinds = {(0.0, 6.0): UnaryKind.RELU6, (0.0, inf): UnaryKind.RELU}
    kind = kinds.get((bounds[0], bounds[1]), UnaryKind.CLIP)
    _add_unary(node, importing, kind, tuple(bounds) if kind is UnaryKind.CLIP else ())


def _computed_clip(node: Node, importing: Importing) -> None:
    """Bounds that are computed: the greater of two tensors, and the lesser."""
    given = [index for index in (1, 2) if node.has(index)]
    source = importing.tensor(node)
    ones = (1,) * len(importing.draft.shape(source))
    for place, index in enumerate(given):
        kind = (BinaryKind.MAXIMUM, BinaryKind.MINIMUM)[index - 1]
        output = node.output if place == len(given) - 1 else f"{node.output}/{place}"
        if importing.is_constant(node, index):
            bound = importing.stored(node, index).reshape(ones)
            operator = Binary(node.name, (source,), output, kind, ones)
            source = importing.add(operator, constant=bound).output
        else:
            limit = importing.reshaped(node, importing.tensor(node, index), ones)
            source = importing.add(Binary(node.name, (source, limit), output, kind)).output


def prelu(node: Node, importing: Importing) -> None:
    """A slope for each channel, or one for all."""
    source, shape, slope = importing.tensor(node), importing.shape(node), importing.stored(node, 1)
    if elements(slope.shape) == 1:
        value = importing.small(node, 1)
        if value is not None:
            _add_unary(node, importing, UnaryKind.LEAKY_RELU, (float(value.item()),))
        return
    channels = shape[1] if len(shape) > 1 else 0
    if elements(slope.shape) != channels or channels not in slope.shape:
        raise node.fail(f"must have a slope for each channel of {shape}, not {slope.shape}")
    operator = PReLU(node.name, (source,), node.output, channels)
    importing.add(operator, slope=slope.reshape((channels,)))


def _add_unary(
    node: Node, importing: Importing, kind: UnaryKind, arguments: tuple[float, ...]
) -> None:
    importing.add(Unary(node.name, (importing.tensor(node),), node.output, kind, arguments))

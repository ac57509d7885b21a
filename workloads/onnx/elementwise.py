"""Import of the operators that take elements one by one."""

from dataclasses import replace
from math import inf

from apollo.workloads.onnx.context import Importer, Importing, Node
from apollo.workloads.operators import (
    Binary,
    BinaryKind,
    Convolution,
    FullyConnected,
    Unary,
    UnaryKind,
)
from apollo.workloads.shapes import Shape


def binary(kind: BinaryKind, *, inverse: bool = False) -> Importer:
    """A sum or product; `inverse` is for a difference or quotient by a constant."""

    def convert(node: Node, importing: Importing) -> None:
        stored = [index for index in range(2) if node.inputs[index] in importing.constants]
        if inverse and stored != [1]:
            raise node.fail("must have a constant as its second operand, and only there")
        if not stored:
            sources = (importing.tensor(node, 0), importing.tensor(node, 1))
            importing.add(Binary(node.name, sources, node.output, kind))
            return
        source = importing.tensor(node, 1 - stored[0])
        shape, rank = importing.weight(node, stored[0]), len(importing.builder.shape(source))
        constant = (1,) * (rank - len(shape)) + shape
        layer = _layer_to_bias(node, importing, source, constant)
        if layer is not None and kind is BinaryKind.ADD:
            importing.builder.substitute(layer, replace(layer, bias=True, output=node.output))
        else:
            importing.add(Binary(node.name, (source,), node.output, kind, constant))

    return convert


def _layer_to_bias(
    node: Node, importing: Importing, source: str, constant: Shape
) -> Convolution | FullyConnected | None:
    """The layer that a constant is the bias of, if its output is read by nobody else."""
    layer = importing.builder.producer(source)
    if not isinstance(layer, Convolution | FullyConnected) or layer.bias:
        return None
    shape = importing.builder.shape(source)
    bias = (1, shape[1], *(1 for _ in shape[2:]))
    alone = source in node.inputs and importing.readers[source] == 1
    return layer if constant == bias and alone else None


def sum(node: Node, importing: Importing) -> None:
    """Any number of summands, added one after the other."""
    if len(node.inputs) == 1:
        importing.skip(node)
        return
    total = importing.tensor(node, 0)
    for index in range(1, len(node.inputs)):
        final = index == len(node.inputs) - 1
        suffix = "" if final else f"/{index}"
        sources = (total, importing.tensor(node, index))
        output = node.output + suffix
        total = importing.add(Binary(node.name + suffix, sources, output, BinaryKind.ADD))


def unary(kind: UnaryKind, **defaults: float) -> Importer:
    """A function of each element with attributes as its arguments."""

    def convert(node: Node, importing: Importing) -> None:
        arguments = tuple(float(node.get(name, value)) for name, value in defaults.items())
        _add_unary(node, importing, kind, arguments)

    return convert


def clip(node: Node, importing: Importing) -> None:
    """Bounds from attributes or constants; the bounds of a ReLU make one."""
    bounds = []
    for index, (name, default) in enumerate((("min", -inf), ("max", inf)), start=1):
        values = importing.values(node, index)
        bounds.append(float(node.get(name, default) if values is None else values.item()))
    kinds = {(0.0, 6.0): UnaryKind.RELU6, (0.0, inf): UnaryKind.RELU}
    kind = kinds.get((bounds[0], bounds[1]), UnaryKind.CLIP)
    _add_unary(node, importing, kind, tuple(bounds) if kind is UnaryKind.CLIP else ())


def _add_unary(
    node: Node, importing: Importing, kind: UnaryKind, arguments: tuple[float, ...]
) -> None:
    importing.add(Unary(node.name, (importing.tensor(node),), node.output, kind, arguments))

"""Import of the operators that take elements one by one."""

from dataclasses import replace

from apollo.workloads.operators import Binary, BinaryKind, PReLU, Unary, UnaryKind
from apollo.workloads.shapes import elements
from apollo.workloads.tflite.context import Importer, Importing
from apollo.workloads.tflite.file import Node
from apollo.workloads.tflite.flow import Layout
from apollo.workloads.tflite.products import widened
from apollo.workloads.tflite.values import Stored

ORDERED = (BinaryKind.SUBTRACT, BinaryKind.DIVIDE)


def unary(kind: UnaryKind, *arguments: float) -> Importer:
    """A function of each element."""

    def convert(node: Node, importing: Importing) -> None:
        _unary(node, importing, kind, arguments)

    return convert


def _unary(node: Node, importing: Importing, kind: UnaryKind, arguments: tuple[float, ...]) -> None:
    flow = importing.flow(node)
    layout = importing.any_layout(flow)
    source = importing.bring(flow, layout)
    importing.finish(node, Unary(node.name, (source,), node.name, kind, arguments), layout)


def leaky_relu(node: Node, importing: Importing) -> None:
    """Negative elements times a factor among the options."""
    slope = node.options.real(0) if node.options else 0.0
    _unary(node, importing, UnaryKind.LEAKY_RELU, (slope,))


def inverse_root(node: Node, importing: Importing) -> None:
    """One divided by the square root."""
    flow, scales = importing.flow(node), importing.scales(node)
    if scales is not None:
        raise node.fail("must not be quantised")
    layout, name = importing.any_layout(flow), importing.unique(f"{node.name}/root")
    root = importing.add(Unary(name, (importing.bring(flow, layout),), name, UnaryKind.SQRT))
    operator = Unary(node.name, (root,), node.name, UnaryKind.RECIPROCAL)
    importing.finish(node, operator, layout)


def square(node: Node, importing: Importing) -> None:
    """Each element times itself."""
    flow = importing.flow(node)
    layout = importing.any_layout(flow)
    source = importing.bring(flow, layout)
    product = Binary(node.name, (source, source), node.name, BinaryKind.MULTIPLY)
    importing.finish(node, product, layout)


def squared_difference(node: Node, importing: Importing) -> None:
    """The square of what two tensors differ by."""
    if importing.scales(node) is not None or importing.is_stored(node, 0):
        raise node.fail("must have real numbers that are computed")
    sources, constant, layout = _operands(node, importing)
    name = importing.unique(f"{node.name}/difference")
    shape = None if constant is None else constant.shape
    difference = Binary(name, sources, name, BinaryKind.SUBTRACT, shape)
    importing.add(difference)
    if constant is not None:
        importing.keep(name, {"constant": constant})
    product = Binary(node.name, (name, name), node.name, BinaryKind.MULTIPLY)
    importing.finish(node, product, layout)


def binary(kind: BinaryKind, activation: bool = True) -> Importer:
    """A function of two tensors, or of one and a constant."""

    def convert(node: Node, importing: Importing) -> None:
        fused = node.option(0, "u8") if activation else 0
        first = importing.is_stored(node, 0)
        if first and kind in ORDERED:
            _reversed(node, importing, kind, fused)
            return
        sources, constant, layout = _operands(node, importing)
        stored = {} if constant is None else {"constant": constant}
        shape = None if constant is None else constant.shape
        operator = Binary(node.name, sources, node.name, kind, shape)
        importing.finish(node, operator, layout, fused, stored)

    return convert


def _operands(node: Node, importing: Importing) -> tuple[tuple[str, ...], Stored | None, Layout]:
    """Tensors of ours and perhaps a constant, of equal rank and in one layout."""
    places = [place for place in range(2) if not importing.is_stored(node, place)]
    flows = [importing.flow(node, place) for place in places or [0]]
    given = [importing.stored(node, place) for place in range(2) if place not in places]
    rank = max(
        len(shape) for shape in [item.shape for item in flows] + [item.shape for item in given]
    )
    flows = [widened(flow, rank) for flow in flows]
    layout = importing.any_layout(next((flow for flow in flows if flow.places), flows[0]))
    sources = tuple(importing.bring(flow, layout) for flow in flows)
    return sources, _widened(given[0], layout) if given else None, layout


def _widened(constant: Stored, layout: Layout) -> Stored:
    """A constant with dimensions of extent 1 in front, in a layout."""
    missing = len(layout) - len(constant.shape)
    axis = constant.quantization.axis if constant.quantization else 0
    return constant.reshaped((1,) * missing + constant.shape, axis + missing).transposed(layout)


def _reversed(node: Node, importing: Importing, kind: BinaryKind, activation: int) -> None:
    """A constant less a tensor, or divided by it: of real numbers only."""
    constant, flow = importing.stored(node, 0), importing.flow(node, 1)
    if importing.scales(node) is not None:
        raise node.fail("must not have a constant as its first operand where it is quantised")
    flow = widened(flow, max(len(flow.shape), len(constant.shape)))
    layout = importing.any_layout(flow)
    unary, then = (
        (UnaryKind.NEGATE, BinaryKind.ADD)
        if kind is BinaryKind.SUBTRACT
        else (UnaryKind.RECIPROCAL, BinaryKind.MULTIPLY)
    )
    name = importing.unique(f"{node.name}/{unary.value}")
    source = importing.add(Unary(name, (importing.bring(flow, layout),), name, unary))
    value = _widened(constant, layout)
    operator = Binary(node.name, (source,), node.name, then, value.shape)
    importing.finish(node, operator, layout, activation, {"constant": value})


def prelu(node: Node, importing: Importing) -> None:
    """Negative elements times a stored slope of their channel."""
    flow, slope = importing.flow(node), importing.stored(node, 1)
    rank, channels = len(flow.shape), flow.shape[-1] if flow.shape else 0
    if rank < 2 or elements(slope.shape) not in (1, channels):
        raise node.fail(f"must have a slope for each channel of {flow.shape}, not {slope.shape}")
    layout = (0, rank - 1, *range(1, rank - 1))
    if elements(slope.shape) == 1 and channels > 1:
        single = slope.read
        slope = replace(slope, shape=(channels,), read=lambda: single().reshape(1).repeat(channels))
    operator = PReLU(node.name, (importing.bring(flow, layout),), node.name, channels)
    importing.finish(node, operator, layout, 0, {"slope": slope.reshaped((channels,), 0)})

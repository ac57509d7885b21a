"""Import of the operators that reduce dimensions or set elements in relation to each other."""

from apollo.workloads.operators import (
    ArgMax,
    Binary,
    BinaryKind,
    Pool,
    PoolKind,
    Reduce,
    ReduceKind,
    Resize,
    ResizeGrid,
    ResizeKind,
    Softmax,
    TopK,
    Unary,
    UnaryKind,
)
from apollo.workloads.tflite.context import Importer, Importing
from apollo.workloads.tflite.file import Node
from apollo.workloads.tflite.flow import IMAGE, Flow, Place, plain
from apollo.workloads.tflite.shaping import axis_of


def reduce(kind: ReduceKind) -> Importer:
    """Mean, sum or maximum over constant axes; a mean over an image is an average pool."""

    def convert(node: Node, importing: Importing) -> None:
        flow = importing.flow(node)
        rank, keep = len(flow.shape), bool(node.option(0, "bool"))
        axes = sorted({axis_of(node, axis, rank) for axis in importing.integers(node, 1)})
        shape = tuple(
            1 if axis in axes else size
            for axis, size in enumerate(flow.shape)
            if keep or axis not in axes
        )
        if all(flow.shape[axis] == 1 for axis in axes) and flow.quantization == importing.scales(
            node
        ):
            importing.put_view(node, flow, shape)
            return
        pools = kind is ReduceKind.MEAN and rank == 4 and axes == [1, 2]
        layout = IMAGE if pools else importing.any_layout(flow)
        source, places = importing.bring(flow, layout), tuple(layout.index(axis) for axis in axes)
        operator: Pool | Reduce = Reduce(node.name, (source,), node.name, kind, places)
        if pools:
            window = (flow.shape[1], flow.shape[2])
            operator = Pool(node.name, (source,), node.name, PoolKind.AVERAGE, window)
        importing.finish(node, operator, layout, shape=shape)

    return convert


def softmax(node: Node, importing: Importing) -> None:
    """A softmax over the last dimension of the file."""
    flow = importing.flow(node)
    beta = node.options.real(0) if node.options else 1.0
    if beta != 1.0 or not flow.shape:
        raise node.fail(f"must not scale its input by beta {beta:g}")
    layout = importing.any_layout(flow)
    source, axis = importing.bring(flow, layout), layout.index(len(flow.shape) - 1)
    importing.finish(node, Softmax(node.name, (source,), node.name, axis), layout)


def l2_normalization(node: Node, importing: Importing) -> None:
    """Division by the root of the sum of squares over the last dimension of the file."""
    flow, layout = importing.flow(node), importing.any_layout(importing.flow(node))
    if importing.scales(node) is not None:
        raise node.fail("must not be quantised")
    source, axis = importing.bring(flow, layout), layout.index(len(flow.shape) - 1)
    names = [importing.unique(f"{node.name}/{part}") for part in ("square", "sum", "root", "over")]
    importing.add(Binary(names[0], (source, source), names[0], BinaryKind.MULTIPLY))
    importing.add(Reduce(names[1], (names[0],), names[1], ReduceKind.SUM, (axis,)))
    importing.add(Unary(names[2], (names[1],), names[2], UnaryKind.SQRT))
    importing.add(Unary(names[3], (names[2],), names[3], UnaryKind.RECIPROCAL))
    operator = Binary(node.name, (source, names[3]), node.name, BinaryKind.MULTIPLY)
    importing.finish(node, operator, layout, node.option(0, "u8"))


def resize(kind: ResizeKind, slot: int) -> Importer:
    """An image at a constant size; the options begin at a slot."""

    def convert(node: Node, importing: Importing) -> None:
        flow, size = importing.image(node), importing.integers(node, 1)
        if len(size) != 2:
            raise node.fail(f"must have a height and a width, not {size}")
        grid = ResizeGrid.ASYMMETRIC
        if node.option(slot, "bool"):
            grid = ResizeGrid.CORNERS
        elif node.option(slot + 1, "bool"):
            grid = ResizeGrid.HALF_PIXEL
        source = importing.bring(flow, IMAGE)
        operator = Resize(node.name, (source,), node.name, kind, (size[0], size[1]), grid)
        importing.finish(node, operator, IMAGE)

    return convert


def arg_max(node: Node, importing: Importing) -> None:
    """The position of the greatest element along a constant axis."""
    flow, axes = importing.flow(node), importing.integers(node, 1)
    rank = len(flow.shape)
    axis = axis_of(node, axes[0] if axes else 0, rank)
    source = importing.bring(flow, plain(rank))
    importing.finish(node, ArgMax(node.name, (source,), node.name, axis), plain(rank - 1))


def top_k(node: Node, importing: Importing) -> None:
    """The greatest elements of the last dimension, and their positions."""
    flow, count = importing.flow(node), importing.integers(node, 1)
    if len(count) != 1 or len(node.outputs) != 2:
        raise node.fail("must have one count and two outputs")
    layout = plain(len(flow.shape))
    names = [importing.unique(importing.tensor(index).name) for index in node.outputs]
    source = importing.bring(flow, layout)
    importing.add(TopK(names[0], (source,), names[0], count[0], names[1]), flow.quantization)
    for place, name in enumerate(names):
        scales = flow.quantization if place == 0 else None
        shape = importing.draft.shape(name)
        importing.put(node, Flow(name, shape, scales, [Place(name, layout)]), place)

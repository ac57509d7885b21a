"""Import of the operators that cut tensors."""

from apollo.workloads.operators import Slice, Split
from apollo.workloads.shapes import Shape
from apollo.workloads.tflite.context import Importing
from apollo.workloads.tflite.file import Node
from apollo.workloads.tflite.flow import Flow, Layout, Place, restore
from apollo.workloads.tflite.shaping import axis_of


def cut(node: Node, importing: Importing) -> None:
    """A part that begins at a constant place and has a constant size; -1 means the rest."""
    flow, begin, size = (
        importing.flow(node),
        importing.integers(node, 1),
        importing.integers(node, 2),
    )
    if not len(flow.shape) == len(begin) == len(size):
        raise node.fail(f"must have a begin and a size for each dimension of {flow.shape}")
    ends = [
        extent if wide == -1 else start + wide
        for start, wide, extent in zip(begin, size, flow.shape, strict=True)
    ]
    ranges = [range(start, end) for start, end in zip(begin, ends, strict=True)]
    _slice(node, importing, flow, ranges, tuple(len(part) for part in ranges))


def strided(node: Node, importing: Importing) -> None:
    """Parts along every dimension, with TensorFlow's masks."""
    flow = importing.flow(node)
    begin, end, step = (importing.integers(node, place) for place in (1, 2, 3))
    if not len(begin) == len(end) == len(step) or len(begin) > len(flow.shape):
        raise node.fail(f"must have begin, end and stride for dimensions of {flow.shape}")
    begins, ends, ellipsis, new, shrink = (node.option(slot) for slot in range(5))
    if ellipsis or new or node.option(5, "bool") or min(step, default=1) < 1:
        raise node.fail("must step forwards, without ellipsis, new axes or offsets")
    ranges = [range(extent) for extent in flow.shape]
    kept = []
    for axis, extent in enumerate(flow.shape):
        if axis < len(begin):
            bit = 1 << axis
            start = None if begins & bit else begin[axis]
            stop = None if ends & bit else end[axis]
            if shrink & bit:
                start, stop = begin[axis], (begin[axis] + 1) or None
            ranges[axis] = range(extent)[start : stop : step[axis]]
        if not (axis < len(begin) and shrink >> axis & 1):
            kept.append(len(ranges[axis]))
    _slice(node, importing, flow, ranges, tuple(kept))


def _slice(node: Node, importing: Importing, flow: Flow, ranges: list[range], shape: Shape) -> None:
    """Cut where there is something to cut off; a dimension of extent 1 may then be dropped."""
    if any(len(part) == 0 for part in ranges):
        raise node.fail(f"must leave something of {flow.shape}")
    axes = [axis for axis, part in enumerate(ranges) if part != range(flow.shape[axis])]
    if not axes:
        importing.put_view(node, flow, shape)
        return
    layout = importing.any_layout(flow)
    steps = tuple(ranges[axis].step for axis in axes)
    operator = Slice(
        node.name,
        (importing.bring(flow, layout),),
        node.name,
        tuple(layout.index(axis) for axis in axes),
        tuple(ranges[axis].start for axis in axes),
        tuple(min(ranges[axis].stop, flow.shape[axis]) for axis in axes),
        steps if max(steps) > 1 else (),
    )
    importing.finish(node, operator, layout, shape=shape)


def take(node: Node, importing: Importing) -> None:
    """Positions that follow each other, named one by one; a single one may lose its dimension."""
    flow, indices = importing.flow(node), importing.values(node, 1)
    axis = axis_of(node, node.option(0), len(flow.shape))
    places = [int(index) % flow.shape[axis] for index in indices.reshape(-1)]
    if not places or places != [*range(places[0], places[0] + len(places))] or node.option(1):
        raise node.fail("must take constant positions that follow each other")
    ranges = [range(extent) for extent in flow.shape]
    ranges[axis] = range(places[0], places[0] + len(places))
    shape = (*flow.shape[:axis], *indices.shape, *flow.shape[axis + 1 :])
    _slice(node, importing, flow, ranges, shape)


def split(node: Node, importing: Importing) -> None:
    """Equal parts along a constant axis; the input comes second."""
    flow, axes = importing.flow(node, 1), importing.integers(node, 0)
    axis, count = axis_of(node, axes[0] if axes else 0, len(flow.shape)), len(node.outputs)
    if count == 0 or flow.shape[axis] % count:
        raise node.fail(f"must cut {flow.shape} into equal parts, not {count}")
    _parts(node, importing, flow, axis, [flow.shape[axis] // count] * count)


def split_by_sizes(node: Node, importing: Importing) -> None:
    """Parts of constant sizes along a constant axis; -1 means the rest."""
    flow, sizes = importing.flow(node), importing.integers(node, 1)
    axes = importing.integers(node, 2)
    axis = axis_of(node, axes[0] if axes else 0, len(flow.shape))
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = flow.shape[axis] - sum(sizes) - 1
    _parts(node, importing, flow, axis, sizes)


def unpack(node: Node, importing: Importing) -> None:
    """Parts of extent 1, whose dimension is dropped."""
    flow, count = importing.flow(node), len(node.outputs)
    axis = axis_of(node, node.option(1), len(flow.shape))
    shape = (*flow.shape[:axis], *flow.shape[axis + 1 :])
    _parts(node, importing, flow, axis, [1] * count, shape)


def _parts(
    node: Node,
    importing: Importing,
    flow: Flow,
    axis: int,
    sizes: list[int],
    shape: Shape | None = None,
) -> None:
    if len(sizes) != len(node.outputs) or not sizes:
        raise node.fail(f"must have a size for each of {len(node.outputs)} outputs, not {sizes}")
    if len(sizes) == 1:
        importing.put_view(node, flow, flow.shape if shape is None else shape)
        return
    layout = importing.any_layout(flow)
    names = [importing.unique(importing.tensor(index).name) for index in node.outputs]
    source = importing.bring(flow, layout)
    operator = Split(
        names[0], (source,), names[0], tuple(sizes), tuple(names[1:]), layout.index(axis)
    )
    importing.add(operator)
    for place, name in enumerate(names):
        _put_part(node, importing, place, name, layout, shape)


def _put_part(
    node: Node, importing: Importing, place: int, name: str, layout: Layout, shape: Shape | None
) -> None:
    scales = importing.scales(node, place)
    importing.describe(name, scales)
    given = restore(importing.draft.shape(name), layout)
    part = Flow(name, given, scales, [Place(name, layout)])
    importing.put_view(node, part, given if shape is None else shape, place)

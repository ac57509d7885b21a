"""Import of the operators that move elements or only rename their places."""

from apollo.workloads.operators import Concat, DepthToSpace, Pad, Slice, SpaceToDepth
from apollo.workloads.shapes import elements
from apollo.workloads.tflite.context import Importing
from apollo.workloads.tflite.file import MOST_DIMENSIONS, Node
from apollo.workloads.tflite.flow import IMAGE, Flow

MOST_PARTS = 256  # positions that are taken one by one


def axis_of(node: Node, axis: int, rank: int) -> int:
    """An axis counted from the front."""
    if not -rank <= axis < rank:
        raise node.fail(f"must have an axis within {rank} dimensions, not {axis}")
    return axis % rank


def listed(node: Node) -> list[int]:
    """The integers that are the first of the options."""
    given = node.options.numbers(0, "i32") if node.options else ()
    return [int(value) for value in given[:MOST_DIMENSIONS]]


def reshape(node: Node, importing: Importing) -> None:
    """The same elements under a constant shape, in which one extent may be left open."""
    flow = importing.flow(node)
    target = importing.integers(node, 1) if importing.is_stored(node, 1) else listed(node)
    if target.count(-1) == 1:
        rest = -elements(tuple(target))
        target[target.index(-1)] = elements(flow.shape) // rest if rest > 0 else 0
    importing.put_view(node, flow, tuple(target))


def squeeze(node: Node, importing: Importing) -> None:
    """Dimensions of extent 1 dropped: those of the options, or all."""
    flow = importing.flow(node)
    rank = len(flow.shape)
    axes = [axis_of(node, axis, rank) for axis in listed(node)]
    kept = [
        size for axis, size in enumerate(flow.shape) if (axis not in axes if axes else size != 1)
    ]
    importing.put_view(node, flow, tuple(kept))


def expand(node: Node, importing: Importing) -> None:
    """A dimension of extent 1 put in."""
    flow, axes = importing.flow(node), importing.integers(node, 1)
    if len(axes) != 1:
        raise node.fail(f"must put in one dimension, not {len(axes)}")
    axis = axis_of(node, axes[0], len(flow.shape) + 1)
    importing.put_view(node, flow, (*flow.shape[:axis], 1, *flow.shape[axis:]))


def transpose(node: Node, importing: Importing) -> None:
    """Another order of the dimensions: another layout of the same tensor."""
    flow, order = importing.flow(node), importing.integers(node, 1)
    if sorted(order) != list(range(len(flow.shape))):
        raise node.fail(f"must order the dimensions of {flow.shape}, not by {order}")
    if not flow.places:
        importing.bring(flow, importing.any_layout(flow))
    importing.put(node, flow.transposed(node.name, order))


def concat(node: Node, importing: Importing) -> None:
    """Computed tensors one after the other."""
    flows = [importing.flow(node, place) for place in range(len(node.inputs))]
    axis = axis_of(node, node.option(0), len(flows[0].shape))
    _concat(node, importing, flows, axis, node.option(1, "u8"))


def pack(node: Node, importing: Importing) -> None:
    """Computed tensors one after the other along a new dimension."""
    flows = [importing.flow(node, place) for place in range(len(node.inputs))]
    rank = len(flows[0].shape) + 1
    axis = axis_of(node, node.option(1), rank)
    wide = [
        flow.view(f"{flow.name}/wide", (*flow.shape[:axis], 1, *flow.shape[axis:]))
        for flow in flows
    ]
    if any(len(flow.shape) != rank for flow in wide):
        raise node.fail("must have inputs of equal rank")
    _concat(node, importing, wide, axis, 0)


def _concat(
    node: Node, importing: Importing, flows: list[Flow], axis: int, activation: int
) -> None:
    rank = len(flows[0].shape)
    if any(len(flow.shape) != rank for flow in flows):
        raise node.fail("must have inputs of equal rank")
    if len(flows) == 1 and flows[0].quantization == importing.scales(node):
        importing.put(node, flows[0])
        return
    layout = importing.any_layout(next((flow for flow in flows if flow.places), flows[0]))
    sources = tuple(importing.bring(flow, layout) for flow in flows)
    operator = Concat(node.name, sources, node.name, layout.index(axis))
    importing.finish(node, operator, layout, activation)


def pad(node: Node, importing: Importing) -> None:
    """Constant elements around: zeros, or those of a third input."""
    flow, extents = importing.flow(node), importing.values(node, 1)
    if extents.shape != (len(flow.shape), 2) or extents.dtype.kind not in "iu":
        raise node.fail(f"must have a pair of extents for each dimension of {flow.shape}")
    value = 0.0
    if node.has(2):
        stored = importing.stored(node, 2)
        raw = importing.values(node, 2).reshape(-1)[:1]
        real = raw if stored.quantization is None else stored.quantization.dequantize(raw)
        value = float(real[0]) if real.size else 0.0
    if not extents.any():
        importing.put(node, flow)
        return
    layout = importing.any_layout(flow)
    before, after = (tuple(int(extents[axis, end]) for axis in layout) for end in range(2))
    source = importing.bring(flow, layout)
    importing.finish(node, Pad(node.name, (source,), node.name, before, after, value), layout)


def mirror_pad(node: Node, importing: Importing) -> None:
    """Elements near the border repeated: positions taken one by one along one axis."""
    flow, extents = importing.flow(node), importing.values(node, 1)
    if extents.shape != (len(flow.shape), 2) or extents.dtype.kind not in "iu":
        raise node.fail(f"must have a pair of extents for each dimension of {flow.shape}")
    axes = [axis for axis, pair in enumerate(extents.tolist()) if any(pair)]
    before, behind = extents[axes[0]].tolist() if axes else (0, 0)
    if len(axes) != 1 or min(before, behind) < 0 or before + behind > MOST_PARTS:
        raise node.fail(f"must mirror one dimension by at most {MOST_PARTS}")
    axis, skipped = axes[0], 1 - node.option(0, "u8")  # the border itself is repeated or not
    if max(before, behind) + skipped > flow.shape[axis]:
        raise node.fail(f"must not mirror more than there is of {flow.shape}")
    layout = importing.any_layout(flow)
    source, place = importing.bring(flow, layout), layout.index(axis)
    last = flow.shape[axis] - 1
    first = [
        _position(node, importing, source, place, before - i - 1 + skipped) for i in range(before)
    ]
    rest = [_position(node, importing, source, place, last - i - skipped) for i in range(behind)]
    importing.finish(node, Concat(node.name, (*first, source, *rest), node.name, place), layout)


def _position(node: Node, importing: Importing, source: str, axis: int, position: int) -> str:
    """One position of a dimension, which stays with extent 1."""
    name = importing.unique(f"{node.name}/{position}")
    cut = Slice(name, (source,), name, (axis,), (position,), (position + 1,))
    return importing.add(cut, importing.quantizations.get(source))


def depth_to_space(node: Node, importing: Importing) -> None:
    """Channels that become squares of positions."""
    source, block = importing.bring(importing.image(node), IMAGE), node.option(0)
    importing.finish(node, DepthToSpace(node.name, (source,), node.name, block), IMAGE)


def space_to_depth(node: Node, importing: Importing) -> None:
    """Squares of positions that become channels."""
    source, block = importing.bring(importing.image(node), IMAGE), node.option(0)
    importing.finish(node, SpaceToDepth(node.name, (source,), node.name, block), IMAGE)


def rescale(node: Node, importing: Importing) -> None:
    """Numbers stored in another way: nothing where the scale stays, else a requantisation."""
    flow, scales = importing.flow(node), importing.scales(node)
    if flow.quantization == scales:
        importing.put(node, flow)
        return
    root = flow.root()
    given = root.places and root.places[0].name in importing.draft.inputs
    if given and root.quantization is None and scales is not None:
        # The network takes integers: whoever calls it quantises.
        root.quantization = flow.quantization = scales
        for place in root.places:
            importing.describe(place.name, scales)
        importing.put(node, flow)
        return
    if scales is None and node.outputs[0] in importing.file.graphs[0].outputs:
        importing.put(node, flow)  # the network gives integers
        return
    layout = importing.any_layout(flow)
    source = importing.bring(flow, layout)
    importing.finish(node, Concat(node.name, (source,), node.name, len(layout) - 1), layout)


def skip(node: Node, importing: Importing) -> None:
    """An operator that does nothing here."""
    importing.put(node, importing.flow(node))

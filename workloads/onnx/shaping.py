"""Import of the operators that give a tensor another shape, or do nothing."""

from onnx import TensorProto

from apollo.workloads.onnx.context import Importing
from apollo.workloads.onnx.node import Node
from apollo.workloads.operators import DepthToSpace, Reshape, SpaceToDepth, Transpose
from apollo.workloads.shapes import Shape, elements

INTEGERS = (TensorProto.INT32, TensorProto.INT64, TensorProto.UINT8, TensorProto.INT8)
REALS = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16)


def reshape(node: Node, importing: Importing) -> None:
    """A constant target shape, with ONNX's 0 and -1."""
    shape = importing.shape(node)
    given = importing.small(node, 1)
    target = [int(size) for size in (node.get("shape", ()) if given is None else given)]
    if not node.get("allowzero", 0):
        known = dict(enumerate(shape))
        target = [known.get(i, 0) if size == 0 else size for i, size in enumerate(target)]
    if target.count(-1) == 1:
        rest = -elements(tuple(target))
        target[target.index(-1)] = elements(shape) // rest if rest > 0 else 0
    _add_reshape(node, importing, tuple(target))


def flatten(node: Node, importing: Importing) -> None:
    """Two dimensions: those before an axis and those from it on."""
    shape = importing.shape(node)
    axis = node.get("axis", 1)
    axis = axis + len(shape) if axis < 0 else axis
    _add_reshape(node, importing, (elements(shape[:axis]), elements(shape[axis:])))


def squeeze(node: Node, importing: Importing) -> None:
    """Dimensions of extent 1 dropped."""
    shape = importing.shape(node)
    axes = [axis % len(shape) for axis in _axes(node, importing)]
    if not axes:
        axes = [axis for axis, size in enumerate(shape) if size == 1]
    if any(shape[axis] != 1 for axis in axes):
        raise node.fail(f"must drop dimensions of extent 1, not {axes} of {shape}")
    kept = tuple(size for axis, size in enumerate(shape) if axis not in axes)
    _add_reshape(node, importing, kept)


def unsqueeze(node: Node, importing: Importing) -> None:
    """Dimensions of extent 1 put in."""
    shape = [*importing.shape(node)]
    axes = _axes(node, importing)
    rank = len(shape) + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        shape.insert(axis, 1)
    _add_reshape(node, importing, tuple(shape))


def _axes(node: Node, importing: Importing) -> list[int]:
    given = importing.small(node, 1)
    return [int(axis) for axis in (node.get("axes", ()) if given is None else given.ravel())]


def _add_reshape(node: Node, importing: Importing, shape: Shape) -> None:
    source, shape = importing.tensor(node), shape or (1,)  # a scalar is a vector of one
    if importing.draft.shape(source) == shape:
        importing.skip(node)
    else:
        importing.add(Reshape(node.name, (source,), node.output, shape))


def transpose(node: Node, importing: Importing) -> None:
    """Dimensions in another order, reversed by default."""
    source, shape = importing.tensor(node), importing.shape(node)
    rank = len(shape)
    perm = tuple(node.get("perm", range(rank - 1, -1, -1)))
    moved = [axis for axis in perm if axis < rank and shape[axis] > 1]
    if sorted(perm) == [*range(rank)] and moved == sorted(moved):  # nothing moves
        _add_reshape(node, importing, tuple(shape[axis] for axis in perm))
    else:
        importing.add(Transpose(node.name, (source,), node.output, perm))


def skip(node: Node, importing: Importing) -> None:
    """An operator that does nothing at inference."""
    importing.skip(node)


def cast(node: Node, importing: Importing) -> None:
    """Another type for the same numbers: real ones stay real, and integers integers."""
    before, after = importing.known(node.inputs[0]).kind, node.get("to", TensorProto.UNDEFINED)
    kept = (before in REALS and after in REALS) or (before in INTEGERS and after in INTEGERS)
    if not kept and not (before in INTEGERS and after in REALS):
        name = TensorProto.DataType.Name(after)
        raise node.fail(f"must not turn computed numbers into {name}")
    importing.skip(node)


def depth_to_space(node: Node, importing: Importing) -> None:
    """Channels that become positions, in either order."""
    shape, block = importing.shape(node), node.get("blocksize", 1)
    if node.text("mode", "DCR") == "CRD":
        _reordered(node, importing, shape, block)
    else:
        sources = (importing.tensor(node),)
        importing.add(DepthToSpace(node.name, sources, node.output, block))


def _reordered(node: Node, importing: Importing, shape: Shape, block: int) -> None:
    """Channel-first order: the channels put into the other order before."""
    batch, channels, height, width = shape
    split = (batch, channels // block**2, block**2, height, width)
    source = importing.reshaped(node, importing.tensor(node), split)
    source = importing.transposed(node, source, (0, 2, 1, 3, 4))
    source = importing.reshaped(node, source, shape)
    importing.add(DepthToSpace(node.name, (source,), node.output, block))


def space_to_depth(node: Node, importing: Importing) -> None:
    """Positions that become channels."""
    block = node.get("blocksize", 1)
    importing.add(SpaceToDepth(node.name, (importing.tensor(node),), node.output, block))

"""Import of the operators that move elements or do nothing."""

from apollo.workloads.onnx.context import Importing, Node
from apollo.workloads.operators import Concat, Reshape, Transpose
from apollo.workloads.shapes import Shape, elements


def concat(node: Node, importing: Importing) -> None:
    """Computed tensors one after the other."""
    sources = tuple(importing.tensor(node, index) for index in range(len(node.inputs)))
    axis = node.get("axis", 1) % len(importing.builder.shape(sources[0]))
    importing.add(Concat(node.name, sources, node.output, axis))


def reshape(node: Node, importing: Importing) -> None:
    """A constant target shape, with ONNX's 0 and -1."""
    shape = importing.builder.shape(importing.tensor(node))
    given = importing.values(node, 1)
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
    shape = importing.builder.shape(importing.tensor(node))
    axis = node.get("axis", 1) % (len(shape) + 1)
    _add_reshape(node, importing, (elements(shape[:axis]), elements(shape[axis:])))


def squeeze(node: Node, importing: Importing) -> None:
    """Dimensions of extent 1 dropped, the batch never."""
    shape = importing.builder.shape(importing.tensor(node))
    axes = [axis % len(shape) for axis in _axes(node, importing)]
    if not axes:
        axes = [axis for axis, size in enumerate(shape) if size == 1]
    if any(shape[axis] != 1 for axis in axes):
        raise node.fail(f"must drop dimensions of extent 1, not {axes} of {shape}")
    # The batch stays, even of one image.
    kept = [size for axis, size in enumerate(shape) if axis not in axes or axis == 0]
    _add_reshape(node, importing, tuple(kept))


def unsqueeze(node: Node, importing: Importing) -> None:
    """Dimensions of extent 1 put in."""
    shape = [*importing.builder.shape(importing.tensor(node))]
    axes = _axes(node, importing)
    rank = len(shape) + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        shape.insert(axis, 1)
    _add_reshape(node, importing, tuple(shape))


def _axes(node: Node, importing: Importing) -> list[int]:
    given = importing.values(node, 1)
    return [int(axis) for axis in (node.get("axes", ()) if given is None else given)]


def _add_reshape(node: Node, importing: Importing, shape: Shape) -> None:
    source = importing.tensor(node)
    if importing.builder.shape(source) == shape:
        importing.skip(node)
    else:
        importing.add(Reshape(node.name, (source,), node.output, shape))


def transpose(node: Node, importing: Importing) -> None:
    """Dimensions in another order, reversed by default."""
    source = importing.tensor(node)
    rank = len(importing.builder.shape(source))
    perm = tuple(node.get("perm", range(rank - 1, -1, -1)))
    importing.add(Transpose(node.name, (source,), node.output, perm))


def skip(node: Node, importing: Importing) -> None:
    """An operator that does nothing at inference."""
    importing.skip(node)

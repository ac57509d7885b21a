"""Import of matrix products and of look-ups in stored tables."""

from apollo.workloads.operators import Embedding, FullyConnected, Gather, MatMul
from apollo.workloads.shapes import elements
from apollo.workloads.tflite.context import Importing
from apollo.workloads.tflite.file import Node
from apollo.workloads.tflite.flow import IMAGE, Flow, plain
from apollo.workloads.tflite.layers import bias
from apollo.workloads.tflite.slicing import take
from apollo.workloads.tflite.values import Stored

DEFAULT_FORMAT = 0  # of weights; the other one is shuffled for a kernel of its own


def fully_connected(node: Node, importing: Importing) -> None:
    """A product with stored weights (out, in)."""
    weight = importing.stored(node, 1)
    if len(weight.shape) != 2 or node.option(1, "u8") != DEFAULT_FORMAT:
        raise node.fail(f"must have plain weights of shape (out, in), not {weight.shape}")
    flow, (out, features) = importing.flow(node), weight.shape
    keeps = bool(node.option(2, "bool"))
    if min(weight.shape) < 1 or elements(flow.shape) % features:
        raise node.fail(f"must not multiply {flow.shape} by weights of shape {weight.shape}")
    if keeps and flow.shape[-1] != features:
        raise node.fail(f"must have {features} features, not an input of shape {flow.shape}")
    rows = elements(flow.shape) // features
    shape = (*flow.shape[:-1], out) if keeps else (rows, out)
    source, stored = _flattened(importing, flow, weight, rows)
    stored |= bias(node, importing, 2, out)
    operator = FullyConnected(node.name, (source,), node.name, out, "bias" in stored)
    layout = plain(len(operator.infer([importing.draft.shape(source)])))
    importing.finish(node, operator, layout, node.option(0, "u8"), stored, shape)


def _flattened(
    importing: Importing, flow: Flow, weight: Stored, rows: int
) -> tuple[str, dict[str, Stored]]:
    """The input as rows, and weights that take their elements in the order in which they lie."""
    root, features = flow.root(), weight.shape[1]
    name = root.at_hand(IMAGE)
    if name is not None and root.shape[0] == rows:
        height, width, channels = root.shape[1:]
        image = weight.reshaped((weight.shape[0], height, width, channels), 0)
        ordered = image.transposed((0, 3, 1, 2)).reshaped(weight.shape, 0)
        return name, {"weight": weight if height * width == 1 else ordered}
    if rows > 1 and len(flow.shape) > 2 and flow.shape[-1] == features:
        steps = rows // flow.shape[0]
        flow = (
            flow if len(flow.shape) == 3 else flow.view(flow.name, (flow.shape[0], steps, features))
        )
    elif flow.shape != (rows, features):
        flow = flow.view(flow.name, (rows, features))
    return importing.bring(flow, plain(len(flow.shape))), {"weight": weight}


def matmul(node: Node, importing: Importing) -> None:
    """A product of two computed tensors, or of one and a constant matrix."""
    left, right = bool(node.option(0, "bool")), bool(node.option(1, "bool"))
    first = importing.flow(node)
    if importing.is_stored(node, 1):
        if left:
            raise node.fail("must not transpose what it multiplies by a constant")
        _by_constant(node, importing, first, right)
        return
    second = importing.flow(node, 1)
    rank = max(len(first.shape), len(second.shape))
    sources = tuple(importing.bring(widened(flow, rank), plain(rank)) for flow in (first, second))
    product = MatMul(node.name, sources, node.name, left, right)
    importing.finish(node, product, plain(rank))


def _by_constant(node: Node, importing: Importing, flow: Flow, transposed: bool) -> None:
    """A product with a stored matrix (in, out), or (out, in) if it is transposed."""
    weight = importing.stored(node, 1)
    if len(weight.shape) < 2 or elements(weight.shape[:-2]) != 1:
        raise node.fail(f"must multiply by one matrix, not by a constant {weight.shape}")
    axis = weight.quantization.axis if weight.quantization else 0
    matrix = weight.reshaped(weight.shape[-2:], axis - len(weight.shape) + 2)
    matrix = matrix if transposed else matrix.transposed((1, 0))
    out, features = matrix.shape
    if not flow.shape or flow.shape[-1] != features:
        raise node.fail(f"must not multiply {flow.shape} by a constant {weight.shape}")
    source, stored = _flattened(importing, flow, matrix, elements(flow.shape) // features)
    operator = FullyConnected(node.name, (source,), node.name, out)
    layout = plain(len(operator.infer([importing.draft.shape(source)])))
    importing.finish(node, operator, layout, 0, stored, (*flow.shape[:-1], out))


def widened(flow: Flow, rank: int) -> Flow:
    """A tensor with dimensions of extent 1 in front, up to a rank."""
    missing = rank - len(flow.shape)
    return flow.view(flow.name, (1,) * missing + flow.shape) if missing > 0 else flow


def look_up(node: Node, importing: Importing) -> None:
    """Rows of a stored table that computed indices name."""
    _embed(node, importing, importing.stored(node, 1), importing.flow(node, 0))


def gather(node: Node, importing: Importing) -> None:
    """Entries along an axis: of a stored table, or of a sequence item by item of the batch."""
    axis, batch = node.option(0), node.option(1)
    if importing.is_stored(node, 0) and (axis, batch) == (0, 0):
        _embed(node, importing, importing.stored(node, 0), importing.flow(node, 1))
        return
    if importing.is_stored(node, 1):
        take(node, importing)
        return
    data, indices = importing.flow(node, 0), importing.flow(node, 1)
    if (axis, batch) != (1, 1):
        raise node.fail(f"must take entries of a batch's items, not along axis {axis}")
    sources = tuple(importing.bring(flow, plain(len(flow.shape))) for flow in (data, indices))
    operator = Gather(node.name, sources, node.name)
    importing.finish(node, operator, plain(len(data.shape)))


def _embed(node: Node, importing: Importing, table: Stored, indices: Flow) -> None:
    if len(table.shape) != 2:
        raise node.fail(f"must have a table of shape (rows, features), not {table.shape}")
    source = importing.bring(indices, plain(len(indices.shape)))
    operator = Embedding(node.name, (source,), node.name, *table.shape)
    layout = plain(len(indices.shape) + 1)
    importing.finish(node, operator, layout, 0, {"table": table})

"""What the operators of a network cost: operations and traffic.

Two operations a multiply-accumulate, as many as the window has positions for an output of a pool,
and one an element for every other function. What only moves elements computes nothing, and its
time is its traffic.
"""

from apollo.workloads.figures import OPERATIONS_PER_MAC
from apollo.workloads.graph import Graph
from apollo.workloads.operators import (
    Concat,
    DepthToSpace,
    Embedding,
    Gather,
    Operator,
    Pad,
    Pool,
    Slice,
    SpaceToDepth,
    Split,
    Transpose,
)
from apollo.workloads.shapes import elements

MOVING = (Concat, DepthToSpace, Embedding, Gather, Pad, Slice, SpaceToDepth, Split, Transpose)
PICKING = (Embedding, Gather, Slice)  # which read no more of a tensor than they write


def operations_of(graph: Graph, operator: Operator) -> int:
    """Arithmetic operations of an operator for the whole batch."""
    shapes, output = graph.input_shapes(operator), graph.tensor(operator.output).shape
    macs = operator.macs(shapes, output)
    if macs:
        return OPERATIONS_PER_MAC * macs
    if isinstance(operator, MOVING):
        return 0
    if isinstance(operator, Pool):
        return elements(output) * operator.kernel[0] * operator.kernel[1]
    return max(elements(shape) for shape in (output, *shapes))


def traffic_of(graph: Graph, operator: Operator) -> int:
    """Values that an operator reads and writes for the whole batch, each once."""
    shapes = graph.input_shapes(operator)
    written = sum(elements(graph.tensor(name).shape) for name in operator.outputs)
    if isinstance(operator, PICKING):
        return 2 * written
    read = sum(elements(shape) for shape in shapes)
    return operator.parameters(shapes) + read + written

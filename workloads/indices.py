"""Tensors that hold positions, not numbers: they are integers as they are."""

from apollo.workloads.graph import Graph
from apollo.workloads.operators import ArgMax, Embedding, Gather, Reshape, Slice, TopK

_UNMOVED = (Reshape, Slice)


def index_tensors(graph: Graph) -> dict[str, int]:
    """Positions that are read or found, and how many there are to choose from."""
    found: dict[str, int] = {}
    for operator in reversed(graph.operators):
        source = operator.inputs[0]
        if isinstance(operator, Embedding):
            found[source] = operator.rows
        elif isinstance(operator, Gather):
            found[operator.inputs[1]] = graph.tensor(source).shape[1]
        elif isinstance(operator, ArgMax):
            found[operator.output] = graph.tensor(source).shape[operator.axis]
        elif isinstance(operator, TopK):
            found[operator.indices] = graph.tensor(source).shape[-1]
        elif isinstance(operator, _UNMOVED) and operator.output in found:
            found[source] = found[operator.output]
    return found

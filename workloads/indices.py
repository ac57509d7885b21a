"""Tensors that hold positions, not numbers: they are integers as they are."""

from apollo.workloads.graph import Graph
from apollo.workloads.operators import (
    ArgMax,
    Concat,
    Embedding,
    Gather,
    Reshape,
    Slice,
    Split,
    TopK,
    Transpose,
)

MOVES = (Concat, Reshape, Slice, Split, Transpose)  # positions stay what they are


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
        elif isinstance(operator, MOVES):
            places = [found[name] for name in operator.outputs if name in found]
            found |= dict.fromkeys(operator.inputs if places else (), min(places, default=0))
    return found

"""What the host does before a program: indices that are moved before something reads them."""

from apollo.compiler.selecting import Hits
from apollo.workloads.graph import Graph
from apollo.workloads.indices import MOVES
from apollo.workloads.integer.arithmetic import Ints
from apollo.workloads.integer.context import Context
from apollo.workloads.integer.run import execute
from apollo.workloads.operators import Embedding, Gather, Operator


def ahead_of(graph: Graph) -> dict[str, str]:
    """Tensors made of inputs that nobody reads but as indices: by name, which operator's."""
    found: dict[str, str] = {}
    for operator in graph.operators:
        given = all(name in graph.inputs or name in found for name in operator.inputs)
        if given and isinstance(operator, MOVES) and _is_of_indices(graph, operator):
            found |= dict.fromkeys(operator.outputs, operator.name)
    return found


def _is_of_indices(graph: Graph, operator: Operator) -> bool:
    return all(_holds_indices(graph, name) for name in operator.outputs)


def _holds_indices(graph: Graph, name: str) -> bool:
    readers = graph.consumers(name)
    if name in graph.outputs or not readers:
        return False
    return all(
        _is_of_indices(graph, reader)
        if isinstance(reader, MOVES)
        else isinstance(reader, Embedding | Hits)
        or (isinstance(reader, Gather) and reader.inputs.index(name) == 1)
        for reader in readers
    )


def value_ahead(name: str, context: Context) -> Ints:
    """A tensor that follows from inputs alone; `context` has these, and keeps what is found."""
    if name not in context.tensors:
        producer = context.model.graph.producer(name)
        assert producer is not None  # inputs are there
        for source in producer.inputs:
            value_ahead(source, context)
        context.tensors.update(zip(producer.outputs, execute(producer, context), strict=True))
    return context.tensors[name]

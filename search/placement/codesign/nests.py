"""Which operators of a network the compiler's nests are."""

from collections.abc import Iterable

from apollo.workloads.graph import Graph


def operators_of(graph: Graph, layers: Iterable[str]) -> list[str]:
    """The operator of the network that each nest is of, by the nest's name, in program order.

    A nest is named as its operator, or `TENSOR:PART` where several compute what the operator
    writes; a block of a nest has a name of its own and comes behind another of the operator.
    """
    known = {item.name: item.name for item in graph.operators}
    writers = {name: item.name for item in graph.operators for name in item.outputs}
    found: list[str] = []
    last = graph.operators[0].name
    for layer in layers:
        last = known.get(layer) or writers.get(layer.partition(":")[0], last)
        found.append(last)
    return found

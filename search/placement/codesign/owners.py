"""Which operators of a network the operators of a graph are, or are parts of."""

from collections.abc import Collection
from typing import NamedTuple

from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.pipelined import MICRO_BATCH
from apollo.workloads.graph import Graph


class Owner(NamedTuple):
    """An operator of the network, once for each micro-batch."""

    operator: str
    micro_batch: str = ""


def owners_of(graph: OperatorGraph) -> list[Owner | None]:
    """[N] Of every operator; None where it is of none, or works backwards.

    The parts of an operator, as steps of a layer or slices of a split, are named `OPERATOR/PART`.
    """
    known = set[str]()
    if graph.network is not None:
        known = {item.name for item in graph.network.operators}
    return [
        None if is_backward else _owner(name, known)
        for name, is_backward in zip(graph.names, graph.is_backward, strict=True)
    ]


def representatives(network: Graph, present: Collection[str]) -> dict[str, str]:
    """Which of the operators `present` stands for each of the network, by name.

    Itself, or for one that a graph leaves out, a view, whoever reads it first, or else writes it.
    """
    stands = {name: name for name in present}
    for item in reversed(network.operators):
        readers = [reader.name for name in item.outputs for reader in network.consumers(name)]
        if item.name not in stands and readers and readers[0] in stands:
            stands[item.name] = stands[readers[0]]
    for item in network.operators:
        producer = network.producer(item.inputs[0])
        if item.name not in stands and producer is not None and producer.name in stands:
            stands[item.name] = stands[producer.name]
    return stands


def _owner(name: str, known: Collection[str]) -> Owner | None:
    if name in known:
        return Owner(name)
    name, _, micro_batch = name.partition(MICRO_BATCH)
    while name and name not in known:
        name = name.rpartition("/")[0]
    return Owner(name, micro_batch) if name else None

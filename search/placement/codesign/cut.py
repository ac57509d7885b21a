"""Parts of a network: some of its operators as a network of their own."""

from collections.abc import Collection, Iterable, Sequence

from apollo.workloads.graph import Graph
from apollo.workloads.operators import Operator


def sub_network(graph: Graph, operators: Sequence[str]) -> Graph:
    """The part of a network that a chip runs, its operators in the order given.

    What others compute is an input; what others or the network's user read is an output. Raises
    `ValueError`, one sentence, when there is no such operator, an operator comes twice or before
    one that it reads, or nobody reads what the part computes.
    """
    known = {item.name: item for item in graph.operators}
    for name in operators:
        if name not in known:
            raise ValueError(f"Network '{graph.name}' has no operator '{name}' to cut out.")
    part = [known[name] for name in operators]
    written = {name for item in part for name in item.outputs}
    inputs = _inputs(graph, part, written)
    outputs = [
        name
        for item in part
        for name in item.outputs
        if name in graph.outputs
        or not {each.name for each in graph.consumers(name)} <= {*operators}
    ]
    if not part or not outputs:
        cut = f"'{part[0].name}' to '{part[-1].name}'" if part else "no operators"
        raise ValueError(f"Network '{graph.name}': nobody reads what {cut} would compute.")
    tensors = tuple(tensor for tensor in graph.tensors if tensor.name in {*inputs, *written})
    rows = max(1, graph.tensor(inputs[0]).shape[0] // graph.batch)
    return Graph(graph.name, tensors, tuple(part), tuple(inputs), tuple(outputs), rows)


def crossing(graph: Graph, before: Collection[str], behind: Collection[str]) -> Iterable[str]:
    """Tensors that operators `before` a cut write and operators `behind` it read, in order."""
    for item in graph.operators:
        if item.name in before:
            for name in item.outputs:
                if any(reader.name in behind for reader in graph.consumers(name)):
                    yield name


def _inputs(graph: Graph, part: Sequence[Operator], written: Collection[str]) -> list[str]:
    """What the part reads and does not write, the network's own inputs first."""
    read = dict.fromkeys(name for item in part for name in item.inputs if name not in written)
    own = [name for name in graph.inputs if name in read]
    return own + [name for name in read if name not in own]

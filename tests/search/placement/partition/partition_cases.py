"""Random small partition graphs: inference and training, unsupported nodes, scarce memory."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from apollo.search.placement.partition.graph import PartitionGraph

Edges = list[tuple[int, int]]


@st.composite
def partition_graphs(draw: st.DrawFn, largest: int = 7, coloured: bool = True) -> PartitionGraph:
    """With colour classes of several nodes, or only those of a node and its backward node."""
    nodes = draw(st.integers(1, largest))
    pairs = [(one, two) for two in range(nodes) for one in range(two)]
    edges = [pair for pair in pairs if draw(st.booleans())]
    colours = list(range(nodes))
    if coloured:
        colours = draw(st.lists(st.integers(0, nodes), min_size=nodes, max_size=nodes))
    backward = [False] * nodes
    if draw(st.booleans()):
        last = 2 * nodes - 1
        edges += [(last - two, last - one) for one, two in edges]
        edges += [(one, last - one) for one in range(nodes) if draw(st.booleans())]
        colours += colours[::-1]
        backward += [True] * nodes
    return _graph(draw, edges, colours, backward)


def _graph(
    draw: st.DrawFn, edges: Edges, colours: Sequence[int], backward: Sequence[bool]
) -> PartitionGraph:
    nodes = len(colours)
    order = {colour: number for number, colour in enumerate(dict.fromkeys(colours))}

    def column(highest: int) -> np.ndarray:
        values = st.lists(st.integers(0, highest), min_size=nodes, max_size=nodes)
        return np.array(draw(values), dtype=np.int64)

    busy = np.minimum(column(2), 1)
    accelerator_ns, cpu_ns, sizes = column(9) * busy, column(30) * busy, column(6)
    idle = accelerator_ns + cpu_ns == 0
    return PartitionGraph(
        name="drawn",
        ids=np.arange(nodes),
        names=tuple(f"n{node}" for node in range(nodes)),
        accelerator_ns=accelerator_ns,
        cpu_ns=cpu_ns,
        output_ns=column(5),
        size_bytes=np.where(idle, 0, sizes),
        on_accelerator=column(9) > 0,
        is_backward=np.array(backward),
        group=np.array([order[colour] for colour in colours]),
        source=np.array([one for one, _ in edges], dtype=np.int64),
        target=np.array([two for _, two in edges], dtype=np.int64),
        edge_bytes=np.ones(len(edges), dtype=np.int64),
        accelerators=draw(st.integers(1, 3)),
        cpus=draw(st.integers(1, 2)),
        accelerator_bytes=draw(st.integers(5, 40)),
    )

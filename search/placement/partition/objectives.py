"""The two objectives of the paper, as we read them. Both in nanoseconds, exact.

An output crosses the border of an accelerator once, however many of its readers are on the other
side: it goes to the memory of the host, and from there once into each accelerator that reads it.
CPUs work in that memory and send nothing.

**Max-load**: samples follow each other through the devices as a pipeline, so that the busiest
device sets the pace. The load of an accelerator is the times of its nodes, plus the transfer of
every output from elsewhere that a node of it reads, plus the transfer of every output of its own
that is read elsewhere. The load of a CPU is the times of its nodes. The cost is the highest load.
Of a training step it is the same sum: a device works forward and backward on each sample.

**Latency**: one sample runs alone. An accelerator runs its nodes as one piece of work that is not
interrupted: it starts when all inputs from elsewhere are in the memory of the host, and takes the
transfers in, the times of the nodes, and the transfers out, one after another; only then are its
outputs there. A node on a CPU starts when its inputs are there; there are as many cores as nodes
that could run at once, as in the paper. The cost is the time at which everything is finished.

A placement in which accelerators wait for each other has no such schedule, and the paper admits
none. We let it run in more pieces, so that every placement has a cost: when nothing can start, the
accelerator of the first node left, by the order of the graph, runs those of its nodes that wait
for no other device. Pieces of an accelerator run one after another; what one hands to a later one
goes through the memory of the host too.
"""

from collections.abc import Callable
from enum import StrEnum

import numpy as np

from apollo.search.placement.partition.devices import Devices
from apollo.search.placement.partition.graph import PartitionGraph
from apollo.search.placement.partition.kernels.latency import Nodes, State, latency
from apollo.search.placement.partition.kernels.max_load import max_load
from apollo.search.placement.partition.outputs import outputs_of
from apollo.search.placement.problem import Ints


class Objective(StrEnum):
    """What a placement is to be good at."""

    MAX_LOAD = "max_load"
    LATENCY = "latency"


def objective_of(
    graph: PartitionGraph, devices: Devices, objective: Objective
) -> Callable[[Ints], Ints]:
    """The function of placements [P, G] to nanoseconds [P]."""
    if objective is Objective.LATENCY:
        run = latency_of(graph)
        return lambda placements: run(placements)[0]
    outputs = outputs_of(graph)

    def loads(placements: Ints) -> Ints:
        found: Ints = np.zeros(len(placements), dtype=np.int64)
        max_load(placements, devices.compute_ns, *outputs, graph.accelerators, found)
        return found

    return loads


def latency_of(graph: PartitionGraph) -> Callable[[Ints], tuple[Ints, Ints]]:
    """The function of placements [P, G] to latency in nanoseconds [P] and extra pieces [P].

    Extra pieces are those that accelerators needed beyond one each: without them the placement is
    one that the paper admits.
    """
    nodes = _nodes_of(graph)

    def run(placements: Ints) -> tuple[Ints, Ints]:
        found: Ints = np.zeros((2, len(placements)), dtype=np.int64)
        latency(placements, nodes, _state_of(graph), found[0], found[1])
        return found[0], found[1]

    return run


def _state_of(graph: PartitionGraph) -> State:
    lengths = dict.fromkeys(State._fields, len(graph.group))
    lengths |= dict.fromkeys(("waits", "free_ns", "head"), graph.accelerators)
    lengths["counts"] = 3
    return State(*(np.zeros(length, dtype=np.int64) for length in lengths.values()))


def _nodes_of(graph: PartitionGraph) -> Nodes:
    by_source = np.argsort(graph.source, kind="stable")
    by_target = np.argsort(graph.target, kind="stable")
    counted = np.arange(len(graph.group) + 1)
    return Nodes(
        group=graph.group,
        accelerator_ns=graph.accelerator_ns,
        cpu_ns=graph.cpu_ns,
        output_ns=graph.output_ns,
        first_input=np.searchsorted(graph.target[by_target], counted),
        source=graph.source[by_target],
        first_reader=np.searchsorted(graph.source[by_source], counted),
        target=graph.target[by_source],
    )

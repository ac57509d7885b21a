"""Micro-batches: a step that runs a graph several times, so that devices work at the same time.

The graph is that of one micro-batch. What holds weights and what updates them is there once; all
else is there once a micro-batch, in the same groups, and an update waits for the gradients of all
(GPipe, Huang et al., 2019, arXiv:1811.06965: the step ends with a flush). Adding up the gradients
of the micro-batches is left to the update, whose cost is that of one.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.problem import Bools, Ints

MICRO_BATCH = " #"  # between an operator's name and the number of its micro-batch
ONCE = ("Variable", "Update")  # kinds of operators that a step has once


class Pipelined(NamedTuple):
    """A step of several micro-batches."""

    graph: OperatorGraph
    micro_batch: Ints  # [N] of every operator; -1 before the first, and behind the last


def pipelined(graph: OperatorGraph, micro_batches: int) -> Pipelined:
    """The step of so many micro-batches; their operators are named `NAME #1` and so on.

    Raises `ValueError`, one sentence, when there is no micro-batch.
    """
    if micro_batches < 1:
        raise ValueError(f"There must be at least 1 micro-batch, not {micro_batches}.")
    once = np.array([kind in ONCE for kind in graph.kinds])
    # Of operators that are there once those without inputs come first, the others last.
    reads = np.zeros(len(once), np.bool_)
    reads[graph.target] = True
    copies = [np.flatnonzero(once & ~reads)]
    copies += [np.flatnonzero(~once)] * micro_batches
    copies += [np.flatnonzero(once & reads)]
    operator = np.concatenate(copies)
    batch = np.repeat(np.arange(-1, micro_batches + 1), [len(copy) for copy in copies])
    place = np.empty((micro_batches, len(once)), np.int64)  # of every operator by micro-batch
    for number in range(micro_batches):
        own = once[operator] | (batch == number)
        place[number, operator[own]] = np.flatnonzero(own)
    edges = _edges(graph, place)
    is_repeat = batch > 0
    step = OperatorGraph(
        name=graph.name if micro_batches == 1 else f"{graph.name} x{micro_batches}",
        names=tuple(_names(graph.names, operator, batch, once | (micro_batches == 1))),
        kinds=tuple(graph.kinds[index] for index in operator),
        operations=graph.operations[operator],
        traffic_bytes=graph.traffic_bytes[operator],
        parameter_bytes=np.where(is_repeat & ~once[operator], 0, graph.parameter_bytes[operator]),
        output_bytes=graph.output_bytes[operator],
        group=graph.group[operator],
        is_backward=graph.is_backward[operator],
        source=edges[:, 0],
        target=edges[:, 1],
        edge_bytes=edges[:, 2],
        network=graph.network,
    )
    return Pipelined(step, batch)


def _edges(graph: OperatorGraph, place: Ints) -> Ints:
    """[E, 3] The edges of every micro-batch, each once."""
    rows = [
        np.stack([own[graph.source], own[graph.target], graph.edge_bytes], axis=1) for own in place
    ]
    found: Ints = np.unique(np.concatenate(rows), axis=0)
    return found


def _names(names: Sequence[str], operator: Ints, batch: Ints, once: Bools) -> list[str]:
    """What is there once keeps its name."""
    return [
        names[index] if once[index] else f"{names[index]}{MICRO_BATCH}{number + 1}"
        for index, number in zip(operator.tolist(), batch.tolist(), strict=True)
    ]

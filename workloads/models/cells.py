"""Recurrent cells written out in elementary operators, gate by gate."""

from collections.abc import Sequence

from apollo.workloads.graph import GraphBuilder
from apollo.workloads.models.blocks import activate, add, concat, dense, multiply
from apollo.workloads.operators import UnaryKind

_GATES = {
    "input": UnaryKind.SIGMOID,
    "forget": UnaryKind.SIGMOID,
    "candidate": UnaryKind.TANH,
    "output": UnaryKind.SIGMOID,
}


def lstm_cell(
    builder: GraphBuilder, name: str, sources: Sequence[str], memory: str, units: int
) -> tuple[str, str]:
    """One step of an LSTM: the hidden state and the memory after it, (n, units) each.

    Hochreiter and Schmidhuber (1997) with forget gates: four fully connected layers read the
    `sources`, among them the hidden state, side by side; five vector operators follow.
    """
    joined = concat(builder, f"{name}/join", *sources)
    gates = {}
    for gate, kind in _GATES.items():
        label = f"{name}/{gate}_gate"
        gates[gate] = activate(builder, label, dense(builder, label, joined, units), kind)
    kept = multiply(builder, f"{name}/keep", gates["forget"], memory)
    learnt = multiply(builder, f"{name}/learn", gates["input"], gates["candidate"])
    updated = add(builder, f"{name}/update", kept, learnt)
    bounded = activate(builder, f"{name}/update", updated, UnaryKind.TANH)
    return multiply(builder, f"{name}/show", gates["output"], bounded), updated

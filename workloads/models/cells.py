"""Recurrent cells written out in elementary operators, gate by gate."""

from collections.abc import Sequence

from apollo.workloads.graph import GraphBuilder
from apollo.workloads.operators import (
    Binary,
    BinaryKind,
    Concat,
    FullyConnected,
    Unary,
    UnaryKind,
)

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
    joined = builder.add(Concat(f"{name}/join", tuple(sources), f"{name}/join"))
    gates = {
        gate: _gate(builder, f"{name}/{gate}_gate", joined, units, kind)
        for gate, kind in _GATES.items()
    }
    kept = _multiply(builder, f"{name}/keep", gates["forget"], memory)
    added = _multiply(builder, f"{name}/learn", gates["input"], gates["candidate"])
    label = f"{name}/update"
    updated = builder.add(Binary(label, (kept, added), label, BinaryKind.ADD))
    label = f"{name}/bound"
    bounded = builder.add(Unary(label, (updated,), label, UnaryKind.TANH))
    return _multiply(builder, f"{name}/show", gates["output"], bounded), updated


def _gate(builder: GraphBuilder, name: str, source: str, units: int, kind: UnaryKind) -> str:
    tensor = builder.add(FullyConnected(name, (source,), name, units, bias=True))
    label = f"{name}/{kind.value}"
    return builder.add(Unary(label, (tensor,), label, kind))


def _multiply(builder: GraphBuilder, name: str, left: str, right: str) -> str:
    return builder.add(Binary(name, (left, right), name, BinaryKind.MULTIPLY))

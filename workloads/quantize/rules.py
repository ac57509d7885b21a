"""The quantisation of every tensor: ONNX Runtime's, by the operator, or by what was seen."""

import math
from collections.abc import Iterator, Mapping

import numpy as np

from apollo.workloads.graph import Graph
from apollo.workloads.operators import (
    GRU,
    LSTM,
    DepthToSpace,
    Operator,
    Pool,
    PoolKind,
    Reshape,
    Resize,
    ResizeKind,
    Slice,
    Softmax,
    SpaceToDepth,
    Split,
    Transpose,
    Unary,
    UnaryKind,
)
from apollo.workloads.quantization import Quantization
from apollo.workloads.quantize.calibrate import Ranges

CLAMPS = (UnaryKind.RELU, UnaryKind.RELU6, UnaryKind.CLIP)
_MOVES = (Reshape, Transpose, Slice, Split, DepthToSpace, SpaceToDepth)
PROBABILITY = Quantization((1 / 256,), (-128,))
STATE = Quantization((2.0**-15,), (0,), bits=16)  # of a GRU
MEMORY_BITS = 16
_LEAST_MEMORY = 4.0  # a memory's range is at least that, and a power of two
_LEAST_RANGE = 1e-6


def of_range(low: float, high: float) -> Quantization:
    """Int8 from the least to the greatest value, zero among them and exact."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = float(np.float32(max(high - low, _LEAST_RANGE) / 255))  # as files hold it
    return Quantization((scale,), (round(max(-128, min(127, -128 - low / scale))),))


def of_memory(greatest: float) -> Quantization:
    """Int16 with twice the room that was needed."""
    reach = 2.0 ** math.ceil(math.log2(max(2 * greatest, _LEAST_MEMORY)))
    return Quantization((reach / (1 << MEMORY_BITS - 1),), (0,), bits=MEMORY_BITS)


def complete(
    graph: Graph, given: Mapping[str, Quantization], ranges: Ranges, indices: frozenset[str]
) -> dict[str, Quantization]:
    """A quantisation for every tensor that holds numbers."""
    rules = dict(given)
    rules.update(
        {item.output: PROBABILITY for item in graph.operators if isinstance(item, Softmax)}
    )
    rules.update(_states(graph, ranges))
    rules = spread(graph, rules)
    later = clamped(graph)
    for name in [tensor.name for tensor in graph.tensors if tensor.name not in later]:
        if name not in rules and name not in indices:
            rules = spread(graph, {**rules, name: _own(graph, name, ranges)})
    return rules


def _own(graph: Graph, name: str, ranges: Ranges) -> Quantization:
    producer = graph.producer(name)
    if isinstance(producer, Unary) and producer.kind is UnaryKind.SIGMOID:
        return PROBABILITY
    return of_range(*ranges[name])


def _states(graph: Graph, ranges: Ranges) -> dict[str, Quantization]:
    """Memories of recurrent layers, given or taken, with 16 bits."""
    found: dict[str, Quantization] = {}
    for operator in graph.operators:
        if isinstance(operator, LSTM):
            names = [*operator.inputs[2:], operator.memory]
            greatest = max([0.0, *(abs(v) for n in names if n for v in ranges[n])])
            found.update({name: of_memory(greatest) for name in names if name})
            found.update(_hidden(operator, ranges))
        elif isinstance(operator, GRU):
            names = [*operator.inputs[1:], operator.hidden]
            found.update({name: STATE for name in names if name})
    return found


def _hidden(operator: LSTM, ranges: Ranges) -> dict[str, Quantization]:
    """One quantisation for the hidden state, given, between steps and taken."""
    names = [name for name in (*operator.inputs[1:2], operator.output, operator.hidden) if name]
    low, high = min(ranges[name][0] for name in names), max(ranges[name][1] for name in names)
    return dict.fromkeys(names, of_range(low, high))


def clamped(graph: Graph) -> set[str]:
    """Tensors that nobody but a clamp reads."""
    return {
        item.inputs[0]
        for item in graph.operators
        if isinstance(item, Unary) and item.kind in CLAMPS and _alone(graph, item.inputs[0])
    }


def _alone(graph: Graph, name: str) -> bool:
    """Whether a tensor is made and read once, inside of the network."""
    readers = len(graph.consumers(name))
    return readers == 1 and name not in graph.outputs and graph.producer(name) is not None


def spread(graph: Graph, given: Mapping[str, Quantization]) -> dict[str, Quantization]:
    """Quantisations carried over operators that change no value, and back over clamps.

    What a clamp reads is saturated as what it writes: both are done by one requantisation.
    """
    rules = dict(given)
    for operator in graph.operators:
        for name in _unchanged(operator):
            rule = rules.get(operator.inputs[0])
            if name not in rules and rule is not None and len(rule.scale) == 1:
                rules[name] = rule
    for operator in reversed(graph.operators):
        source, rule = operator.inputs[0], rules.get(operator.output)
        if rule is None or source in rules or not _alone(graph, source):
            continue
        if (isinstance(operator, Unary) and operator.kind in CLAMPS) or _moves(operator):
            rules[source] = rule
    return rules


def _moves(operator: Operator) -> bool:
    return isinstance(operator, _MOVES) and not isinstance(operator, Split)


def _unchanged(operator: Operator) -> Iterator[str]:
    """Outputs whose elements are elements of the first input."""
    pool = isinstance(operator, Pool) and operator.kind is PoolKind.MAX
    near = isinstance(operator, Resize) and operator.kind is ResizeKind.NEAREST
    if pool or near or isinstance(operator, _MOVES):
        yield from operator.outputs

"""Import of recurrent layers: a matrix for each gate in the file, one for all of them with us."""

from itertools import chain

import numpy as np

from apollo.workloads.operators import LSTM
from apollo.workloads.quantization import PER_TENSOR, Quantization
from apollo.workloads.shapes import Shape
from apollo.workloads.tflite.context import Importing
from apollo.workloads.tflite.file import Node, Type
from apollo.workloads.tflite.flow import Layout
from apollo.workloads.tflite.values import Stored

TANH = 4  # as a fused activation
INPUT, RECURRENT, PEEPHOLES, BIASES = range(1, 5), range(5, 9), range(9, 12), range(12, 16)
PROJECTION, PROJECTION_BIAS, NORMALIZATION = 16, 17, range(20, 24)
SEQUENCE: Layout = (0, 1, 2)
TIME_FIRST: Layout = (1, 0, 2)


def lstm(node: Node, importing: Importing) -> None:
    """Long short-term memory over a sequence, from states of zero."""
    flow = importing.flow(node)
    _check(node, importing)
    layout = TIME_FIRST if node.option(3, "bool") else SEQUENCE
    source = importing.bring(flow, layout)
    weight, recurrent = (
        _joined(node, [importing.stored(node, place) for place in places])
        for places in (INPUT, RECURRENT)
    )
    bias = _joined(node, [importing.stored(node, place) for place in BIASES])
    units = bias.shape[-1] // 4
    stored = {"input_weight": weight, "recurrent_weight": recurrent, "bias": bias}
    features = units
    if node.has(PROJECTION):
        matrix = importing.stored(node, PROJECTION)
        features = matrix.shape[0]
        stored["projection_weight"] = matrix.reshaped((1, *matrix.shape), 1)
    if weight.shape != (1, 4 * units, flow.shape[-1]) or recurrent.shape != (
        1,
        4 * units,
        features,
    ):
        raise node.fail(f"has matrices of shapes {weight.shape} and {recurrent.shape}")
    projection = features if node.has(PROJECTION) else None
    operator = LSTM(node.name, (source,), node.name, units, projection=projection)
    importing.finish(node, operator, layout, stored=stored)


def _check(node: Node, importing: Importing) -> None:
    """Refuse what our operator does not do."""
    if len(importing.flow(node).shape) != 3:
        raise node.fail("must have an input of three dimensions")
    if importing.scales(node) is not None:
        raise node.fail("must not have integers as its input, whose inner scales are not read")
    if any(node.has(place) for place in (*PEEPHOLES, PROJECTION_BIAS, *NORMALIZATION)):
        raise node.fail("must not have peepholes, a bias of the projection or normalised gates")
    if not node.has(1):
        raise node.fail("must not have coupled gates")
    clips = [node.options.real(slot) for slot in (1, 2)] if node.options else []
    if any(clips) or node.option(0, "u8") != TANH:
        raise node.fail("must have no clip and tanh as its function")


def _joined(node: Node, gates: list[Stored]) -> Stored:
    """The stored tensors of all gates one below the other, for one direction."""
    first = gates[0]
    if any(gate.shape != first.shape for gate in gates):
        raise node.fail(f"must have gates of one shape, not {[gate.shape for gate in gates]}")
    shape: Shape = (1, len(gates) * first.shape[0], *first.shape[1:])
    reads = [gate.read for gate in gates]
    return Stored(
        first.name,
        shape,
        first.type if first.type is not Type.FLOAT16 else Type.FLOAT32,
        lambda: np.concatenate([read() for read in reads])[None],
        _joined_scales(gates),
    )


def _joined_scales(gates: list[Stored]) -> Quantization | None:
    """Scales of all rows, if the gates are integers."""
    rules = [gate.quantization for gate in gates]
    known = [rule for rule in rules if rule is not None]
    if len(known) < len(gates):
        return None
    rows = [
        gate.shape[0] if rule.axis == PER_TENSOR else 1
        for gate, rule in zip(gates, known, strict=True)
    ]
    scale = chain.from_iterable(rule.scale * row for rule, row in zip(known, rows, strict=True))
    zero = chain.from_iterable(rule.zero_point * row for rule, row in zip(known, rows, strict=True))
    return Quantization(tuple(scale), tuple(zero), 1, known[0].bits)

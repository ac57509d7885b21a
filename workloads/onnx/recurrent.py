"""Import of recurrent layers: ONNX's time-first sequences become ours, batch first."""

import numpy as np

from apollo.workloads.model import Values
from apollo.workloads.onnx.context import Importing
from apollo.workloads.onnx.node import Node
from apollo.workloads.onnx.stored import Stored
from apollo.workloads.operators import GRU, LSTM, Concat, Slice
from apollo.workloads.shapes import Shape

DEFAULTS = {"GRU": ["sigmoid", "tanh"]}
LSTM_DEFAULTS = ["sigmoid", "tanh", "tanh"]
# Gates in ONNX's order, at the places of ours (model.py).
ORDER = {4: (0, 2, 3, 1), 3: (0, 1, 2)}


def lstm(node: Node, importing: Importing) -> None:
    """Long short-term memory, without peepholes."""
    _check(node, importing)
    if node.has(7):
        raise node.fail("must not have peepholes")
    _layer(node, importing, 4, (importing.stored(node, 1), importing.stored(node, 2)))


def dynamic_lstm(node: Node, importing: Importing) -> None:
    """ONNX Runtime's LSTM of integer weights (directions, in, gates), dequantised here."""
    _check(node, importing)
    if node.has(7):
        raise node.fail("must not have peepholes")
    _layer(node, importing, 4, (_dequantized(node, importing, 1), _dequantized(node, importing, 2)))


def _dequantized(node: Node, importing: Importing, place: int) -> Stored:
    source = importing.stored(node, place)
    directions, inputs, gates = source.shape
    scale, zero = (importing.small(node, 6 + 2 * place + index) for index in range(2))

    def read() -> Values:
        units = np.ones(1) if scale is None else scale
        origin = np.zeros(1) if zero is None else zero.astype(np.int64)
        rows = (directions, 1, -1) if units.size > 1 else (1, 1, 1)
        real = (source.read().astype(np.int64) - origin.reshape(rows)) * units.reshape(rows)
        return real.transpose(0, 2, 1).astype(np.float32)

    return Stored((directions, gates, inputs), np.dtype(np.float32), read)


def gru(node: Node, importing: Importing) -> None:
    """Gated recurrent units."""
    _check(node, importing)
    _layer(node, importing, 3, (importing.stored(node, 1), importing.stored(node, 2)))


def _check(node: Node, importing: Importing) -> None:
    """Refuse what no operator of ours does."""
    direction = node.text("direction", "forward")
    functions = [name.lower() for name in node.texts("activations")]
    repeated = DEFAULTS.get(node.kind, LSTM_DEFAULTS) * (2 if direction == "bidirectional" else 1)
    if direction == "reverse":
        raise node.fail("must not run backwards only")
    if functions and functions != repeated:
        raise node.fail(f"must have the activations {repeated}, not {functions}")
    if node.get("clip", 0.0) or node.get("input_forget", 0) or node.get("layout", 0):
        raise node.fail("must not have a clip, coupled gates or another layout")
    if node.has(4):
        given = importing.small(node, 4)
        length = importing.shape(node)[0]
        if given is not None and any(int(value) != length for value in given):
            raise node.fail("must have sequences of equal length")


def _layer(node: Node, importing: Importing, gates: int, matrices: tuple[Stored, Stored]) -> None:
    source, (length, batch, _) = importing.tensor(node), importing.shape(node)
    weight, recurrent = matrices
    units, directions = recurrent.shape[-1], recurrent.shape[0]
    states = _states(node, importing, directions, gates - 2)
    source = importing.transposed(node, source, (1, 0, 2))
    output = f"{node.output or node.name}/steps"
    wanted = [bool(importing.readers[node.wants(index)]) for index in range(3)]
    single = directions == 1
    ends = tuple(f"{node.wants(i)}/state" if wanted[i] and single else "" for i in (1, 2))
    common = (node.name, (source, *states), output, units, not single, ends[0])
    if gates == 4:
        if wanted[2] and not single:
            raise node.fail("must not have the memories of both directions read")
        layer = importing.add(LSTM(*common, memory=ends[1]))
    else:
        after = bool(node.get("linear_before_reset", 0))
        layer = importing.add(GRU(*common, reset_after=after))
    places = ORDER[gates]
    importing.keep(layer, "input_weight", _ordered(weight, places))
    importing.keep(layer, "recurrent_weight", _ordered(recurrent, places))
    apart = gates == 3 and bool(node.get("linear_before_reset", 0))
    importing.keep(layer, "bias", _biases(node, importing, (directions, units), places, apart))
    _outputs(node, importing, output, (length, batch, directions, units), ends)


def _states(node: Node, importing: Importing, directions: int, count: int) -> tuple[str, ...]:
    """First states, as (n, c); zeros need not be given."""
    given = [index for index in range(5, 5 + count) if node.has(index)]
    computed = [index for index in given if not importing.is_constant(node, index)]
    for index in given:
        if index not in computed and np.any(importing.small(node, index)):
            raise node.fail("must not have constant first states other than zero")
    if not computed:
        return ()
    if directions > 1 or len(computed) < count:
        raise node.fail("must have all first states or none, and none in both directions")
    return tuple(
        importing.reshaped(node, importing.tensor(node, index), importing.shape(node, index)[1:])
        for index in computed
    )


def _ordered(weight: Stored, places: tuple[int, ...]) -> Stored:
    """Matrices (directions, gates * units, inputs) with the gates in our order."""
    return weight.apply(lambda values: _reorder(values, places), weight.shape)


def _reorder(values: Values, places: tuple[int, ...]) -> Values:
    parts = np.split(values, len(places), axis=1)
    return np.concatenate([parts[place] for place in places], axis=1)


def _biases(
    node: Node, importing: Importing, size: tuple[int, int], places: tuple[int, ...], apart: bool
) -> Stored:
    """Biases of input and recurrent products, added to each other or one behind the other."""
    directions, units = size
    width = len(places) * units
    shape: Shape = (directions, 2 * width if apart else width)
    kind = np.dtype(np.float32)
    if not node.has(3):
        return Stored(shape, kind, lambda: np.zeros(shape, np.float32))
    bias = importing.stored(node, 3)

    def read() -> Values:
        halves = [_reorder(half, places) for half in np.split(bias.real(), 2, axis=1)]
        return np.concatenate(halves, axis=1) if apart else np.asarray(halves[0] + halves[1])

    return Stored(shape, kind, read)


def _outputs(
    node: Node,
    importing: Importing,
    steps: str,
    size: tuple[int, int, int, int],
    ends: tuple[str, ...],
) -> None:
    """ONNX's shapes of the output (t, directions, n, c) and of the states (directions, n, c)."""
    length, batch, directions, units = size
    if importing.readers[node.wants(0)]:
        split = importing.reshaped(node, steps, (batch, length, directions, units))
        importing.transposed(node, split, (1, 2, 0, 3), node.output)
    for index, end in enumerate(ends, start=1):
        if end:
            shape = (1, *importing.draft.shape(end))
            importing.reshaped(node, end, shape, node.wants(index))
    if directions > 1 and importing.readers[node.wants(1)]:
        _last_of_both(node, importing, steps, size)


def _last_of_both(
    node: Node, importing: Importing, steps: str, size: tuple[int, int, int, int]
) -> None:
    """Last hidden states of both directions: the backward one ends at the first step."""
    length, batch, _, units = size
    parts = []
    for direction, step in ((0, length - 1), (1, 0)):
        output, first = f"{node.wants(1)}/{direction}", direction * units
        cut = Slice(
            f"{node.name}/{direction}",
            (steps,),
            output,
            (1, 2),
            (step, first),
            (step + 1, first + units),
        )
        part = importing.add(cut).output
        parts.append(importing.reshaped(node, part, (1, batch, units)))
    importing.add(Concat(f"{node.name}/both", tuple(parts), node.wants(1), 0))

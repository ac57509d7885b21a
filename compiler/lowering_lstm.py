"""Lowering of LSTMs, step after step (docs/quantization.md says what a step computes)."""

from apollo.compiler.lower import Lowering
from apollo.compiler.lowering_recurrent import At, Layer
from apollo.compiler.recipe import Ingredients, Rows
from apollo.workloads.integer.levelling import LEVELS, SQUARE
from apollo.workloads.integer.wide import GATE, NARROW, UNIT
from apollo.workloads.operators import LSTM
from apollo.workloads.quantization import Quantization

_GATES = range(4)  # input, forget, cell, output


def lstm(lowering: Lowering, operator: LSTM) -> None:
    """Directions one after the other, the second from the last step to the first."""
    layer = Layer(lowering, operator)
    memory_rule = _memory_rule(lowering, operator)
    hidden = memory = None
    for direction in range(operator.directions):
        hidden, memory = _first_states(layer, operator, memory_rule)
        cell = _Cell(layer, operator, direction, memory_rule)
        for step in layer.order(direction):
            hidden, memory = cell.step(step, hidden, memory)
            layer.put(hidden, step, direction)
    assert hidden is not None
    assert memory is not None
    layer.finish(operator.hidden, hidden)
    layer.finish(operator.memory, memory)


def _memory_rule(lowering: Lowering, operator: LSTM) -> Quantization:
    """The units of the memory between steps."""
    if lowering.model is None:
        return UNIT
    rule = lowering.model.constant(operator.name, "memory").quantization or UNIT
    if any(rule.zero_point):
        raise lowering.refuse(operator, "must have a memory around zero")
    return rule


def _first_states(
    layer: Layer, operator: LSTM, memory: Quantization
) -> tuple[int | None, int | None]:
    """Hidden state and memory in units of the layer; None where they are zeros."""
    if len(operator.inputs) == 1:
        return None, None
    states = ((1, operator.features, layer.rule), (2, operator.units, memory))
    hidden, kept = (
        layer.in_units(layer.given(index, channels), rule, None) for index, channels, rule in states
    )
    return hidden, kept


class _Cell:
    """One direction."""

    def __init__(self, layer: Layer, operator: LSTM, direction: int, memory: Quantization) -> None:
        self._layer, self._operator, self._direction = layer, operator, direction
        self._memory = memory
        # Normalised gates have their biases behind the normalisation.
        biased = not operator.layer_norm
        self._inputs = [
            layer.inputs(self._rows("input_weight", gate, biased=biased)) for gate in _GATES
        ]

    def _rows(self, role: str, gate: int, *, biased: bool = False) -> Rows:
        first = gate * self._operator.units
        bias = first if biased else None
        return Rows(role, self._direction, first, self._operator.units, bias)

    def step(self, step: int, hidden: int | None, memory: int | None) -> tuple[int, int]:
        """The states after a step."""
        layer = self._layer
        sigmoid, tangent = Ingredients.SIGMOID, Ingredients.TANGENT
        opened = [self._opened(gate, step, hidden) for gate in _GATES]
        inward, outward = (layer.table(opened[gate], sigmoid, UNIT) for gate in (0, 3))
        cell = layer.table(opened[2], tangent, UNIT)
        added = layer.multiply(inward, cell, self._memory)
        if memory is not None:
            forget = layer.table(opened[1], sigmoid, UNIT)
            kept = layer.multiply(forget, memory, self._memory)
            added = layer.add(At(kept), added, self._memory)
        squashed = layer.table(At(added), tangent, UNIT)
        return self._shown(outward, squashed), added

    def _opened(self, gate: int, step: int, hidden: int | None) -> At:
        """A gate before its function."""
        layer, total = self._layer, At(self._inputs[gate], step)
        if hidden is not None:
            from_state = layer.product(hidden, self._rows("recurrent_weight", gate), GATE)
            total = At(layer.add(total, from_state, GATE))
        if not self._operator.layer_norm:
            return total
        return At(layer.scale_rows(self._levelled(total), self._rows("scale", gate)))

    def _levelled(self, gate: At) -> int:
        """A gate less its mean and over its deviation, twice."""
        layer = self._layer
        found = layer.subtract(gate, layer.mean(gate, GATE), GATE)
        for level in LEVELS:
            squares = layer.multiply(found, found, SQUARE)
            mean = layer.mean(At(squares), level.mean)
            factor = layer.table(At(mean), Ingredients.LEVELLED, level.factor, level.aim)
            found = layer.multiply(found, factor, level.result)
        return found

    def _shown(self, outward: int, squashed: int) -> int:
        """The hidden state, projected if it is."""
        layer, projection = self._layer, self._operator.projection
        if projection is None:
            return layer.multiply(outward, squashed, layer.rule, layer.hidden())
        narrow = layer.multiply(outward, squashed, NARROW)
        rows = Rows("projection_weight", self._direction, 0, projection)
        return layer.product(narrow, rows, layer.rule, layer.hidden())

"""Lowering of GRUs, step after step (docs/quantization.md says what a step computes)."""

from typing import NamedTuple

from apollo.compiler.lower import Lowering
from apollo.compiler.lowering_recurrent import At, Layer
from apollo.compiler.recipe import Ingredients, Rows
from apollo.workloads.integer.wide import GATE, UNIT
from apollo.workloads.model import Rounding
from apollo.workloads.operators import GRU

_UPDATE, _RESET, _NEW = range(3)


class _State(NamedTuple):
    """The state at 16 bits, and at 8 as products read it and the output gives it."""

    wide: int
    narrow: int


def gru(lowering: Lowering, operator: GRU) -> None:
    """Directions one after the other, the second from the last step to the first."""
    layer, state = Layer(lowering, operator), None
    for direction in range(operator.directions):
        state = _first_state(layer, operator)
        cell = _Cell(layer, operator, direction)
        for step in layer.order(direction):
            state = cell.step(step, state)
            layer.put(state.narrow, step, direction)
    assert state is not None
    layer.finish(operator.hidden, state.wide, Rounding.ONCE)


def _first_state(layer: Layer, operator: GRU) -> _State:
    """The state that is given, or zeros."""
    if len(operator.inputs) > 1:
        wide = layer.in_units(layer.given(1, operator.units), UNIT, None)
        return _State(wide, layer.in_units(wide, layer.rule, Rounding.ONCE))
    return _State(
        layer.zero("state", operator.units, UNIT),
        layer.zero("hidden", operator.units, layer.rule),
    )


class _Cell:
    """One direction."""

    def __init__(self, layer: Layer, operator: GRU, direction: int) -> None:
        self._layer, self._operator, self._direction = layer, operator, direction
        gates = (_UPDATE, _RESET, _NEW)
        self._inputs = [
            layer.inputs(self._rows("input_weight", gate, gate * operator.units)) for gate in gates
        ]

    def _rows(self, role: str, gate: int, bias: int | None) -> Rows:
        units = self._operator.units
        return Rows(role, self._direction, gate * units, units, bias)

    def step(self, step: int, state: _State) -> _State:
        """The state after a step."""
        layer = self._layer
        update = self._opened(_UPDATE, step, state)
        reset = self._opened(_RESET, step, state)
        part = self._remembered(reset, state)
        total = layer.add(At(self._inputs[_NEW], step), part, GATE)
        new = layer.table(At(total), Ingredients.TANGENT, UNIT)
        kept = layer.multiply(update, state.wide, UNIT)
        replaced = layer.subtract(At(new), layer.multiply(update, new, UNIT), UNIT)
        wide = layer.add(At(kept), replaced, UNIT)
        return _State(wide, layer.in_units(wide, layer.rule, Rounding.ONCE, layer.hidden()))

    def _opened(self, gate: int, step: int, state: _State) -> int:
        """A gate behind its function."""
        layer = self._layer
        total = layer.add(At(self._inputs[gate], step), self._from_state(gate, state.narrow), GATE)
        return layer.table(At(total), Ingredients.SIGMOID, UNIT)

    def _from_state(self, gate: int, narrow: int) -> int:
        """A product of the state; with biases of its own where the reset gate acts behind it."""
        operator = self._operator
        bias = (3 + gate) * operator.units if operator.reset_after else None
        return self._layer.product(narrow, self._rows("recurrent_weight", gate, bias), GATE)

    def _remembered(self, reset: int, state: _State) -> int:
        """What the new state hears of the old one."""
        layer = self._layer
        if self._operator.reset_after:
            return layer.multiply(reset, self._from_state(_NEW, state.narrow), GATE)
        kept = layer.multiply(reset, state.wide, UNIT)
        return self._from_state(_NEW, layer.in_units(kept, layer.rule, Rounding.ONCE))

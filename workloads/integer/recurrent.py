"""Recurrent layers on integers: gates and memory have 16 bits, what products read has 8.

A gate's sums are brought to int16 with 11 bits behind the point, those of the input and of the
state each by itself, then added. Functions are tables of 513 entries with interpolation (M30) and
give int16 with 15 bits behind the point. The quantisation of an LSTM's memory is that of its stored
tensor `memory`; a GRU's state has 15 bits behind the point.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from apollo.workloads.integer.arithmetic import (
    Ints,
    Reals,
    halve,
    requantize,
    rescaled,
    saturate,
)
from apollo.workloads.integer.context import Context
from apollo.workloads.integer.normalizing import affine, normal
from apollo.workloads.integer.products import exact
from apollo.workloads.model import Rounding
from apollo.workloads.operators import GRU, LSTM
from apollo.workloads.quantization import Quantization

GATE = Quantization((2.0**-11,), (0,), bits=16)  # within 16 of zero
UNIT = Quantization((2.0**-15,), (0,), bits=16)  # between -1 and 1
NARROW = Quantization((2.0**-7,), (0,))  # what a projection reads
_ONE = 1 << 15
_STEP = 128  # between the entries of a table
_EPSILON = 1e-6


class _Weights(NamedTuple):
    """Stored tensors of one direction; `of_*` are the units of their sums."""

    input: Ints
    recurrent: Ints
    of_input: Reals
    of_recurrent: Reals
    bias: Reals


def wide_table(of: Callable[[Reals], Reals], scale: float) -> Ints:
    """513 entries of a function into UNIT, from int16 of a scale."""
    places = np.arange(-(1 << 15), (1 << 15) + 1, _STEP)
    real = of(np.asarray(places * scale, np.float64))
    return np.clip(np.rint(real * _ONE), -_ONE, _ONE - 1).astype(np.int64)


def wide_look_up(table: Ints, stored: Ints) -> Ints:
    """Between the entries on both sides, to the nearest, ties upwards."""
    place, part = np.divmod(stored + _ONE, _STEP)
    return np.asarray(table[place] + halve((table[place + 1] - table[place]) * part, 7), np.int64)


@cache
def _tables() -> tuple[Ints, Ints]:
    """Sigmoid and hyperbolic tangent of a gate."""
    sigmoid = wide_table(lambda x: np.asarray(0.5 * (1 + np.tanh(x / 2))), GATE.scale[0])
    return sigmoid, wide_table(np.tanh, GATE.scale[0])


def _weights(operator: LSTM | GRU, context: Context, direction: int) -> _Weights:
    matrices, units = [], []
    sources = (context.rule(operator.inputs[0]).scale[0], context.rule(operator.output).scale[0])
    for role, source in zip(("input_weight", "recurrent_weight"), sources, strict=True):
        values, rule = context.constant(operator, role)
        matrices.append(values[direction])
        units.append(source * np.broadcast_to(np.array(rule.scale), len(values[direction])))
    bias = context.real(operator, "bias")[direction]
    return _Weights(matrices[0], matrices[1], units[0], units[1], bias)


def _gates(source: Ints, matrix: Ints, units: Reals, bias: Reals | None) -> Ints:
    """Sums of a product [n, gates * units] as int16 with 11 bits behind the point."""
    sums = exact(source, matrix.T)
    if bias is not None:
        sums = sums + np.rint(bias / units).astype(np.int64)
    return requantize(sums, [*(units / GATE.scale[0])], GATE, Rounding.ONCE)


def lstm(operator: LSTM, context: Context) -> list[Ints]:
    """Step after step, the second direction backwards."""
    rule = context.rule(operator.output)
    memory_rule = context.model.constant(operator.name, "memory").quantization or UNIT
    source = context.centred(operator)
    steps = source[:, None] if source.ndim == 2 else source
    results, last = [], []
    for direction in range(operator.directions):
        cell = _Cell(operator, context, direction, memory_rule)
        hidden, memory = _first_states(operator, context, len(steps), (rule, memory_rule))
        order = range(steps.shape[1])[:: -1 if direction else 1]
        outputs = {}
        for step in order:
            hidden, memory = cell.step(steps[:, step], hidden, memory)
            outputs[step] = hidden
        results.append(np.stack([outputs[step] for step in sorted(outputs)], axis=1))
        last = [hidden, memory]
    joined = np.concatenate(results, axis=-1)
    states = zip(last, (rule, memory_rule), (operator.hidden, operator.memory), strict=True)
    return [
        joined[:, 0] if source.ndim == 2 else joined,
        *(
            rescaled(state, own, context.rule(name), context.rounding)
            for state, own, name in states
            if name
        ),
    ]


def _first_states(
    operator: LSTM, context: Context, batch: int, rules: tuple[Quantization, Quantization]
) -> tuple[Ints, Ints]:
    """States that are given, in the units of the layer; else zeros."""
    if len(operator.inputs) == 1:
        hidden = np.full((batch, operator.features), rules[0].zero_point[0], np.int64)
        return hidden, np.zeros((batch, operator.units), np.int64)
    hidden, memory = (
        rescaled(context.tensors[name], context.rule(name), rule, context.rounding)
        for name, rule in zip(operator.inputs[1:], rules, strict=True)
    )
    return hidden, memory


class _Cell:
    """One direction of an LSTM."""

    def __init__(
        self, operator: LSTM, context: Context, direction: int, memory: Quantization
    ) -> None:
        self._operator, self._memory = operator, memory
        self._rule = context.rule(operator.output)
        self._weights = _weights(operator, context, direction)
        self._squash = wide_table(np.tanh, memory.scale[0])
        self._scale = self._projection = None
        if operator.layer_norm:
            self._scale = context.real(operator, "scale")[direction]
        if operator.projection is not None:
            values, rule = context.constant(operator, "projection_weight")
            self._projection = values[direction], np.array(rule.scale)

    def step(self, source: Ints, hidden: Ints, memory: Ints) -> tuple[Ints, Ints]:
        """The states after a step."""
        inward, forget, cell, outward = np.split(self._opened(source, hidden), 4, axis=1)
        sigmoid, tangent = _tables()
        new = wide_look_up(sigmoid, inward) * wide_look_up(tangent, cell)
        unit = self._memory.scale[0]
        added = requantize(new, [UNIT.scale[0] ** 2 / unit], self._memory, Rounding.ONCE)
        kept = halve(wide_look_up(sigmoid, forget) * memory, 15)
        memory = saturate(kept + added, self._memory)
        product = wide_look_up(sigmoid, outward) * wide_look_up(self._squash, memory)
        return self._projected(product), memory

    def _opened(self, source: Ints, hidden: Ints) -> Ints:
        """Gates before their functions."""
        weights = self._weights
        plain = self._scale is None
        total = _gates(source, weights.input, weights.of_input, weights.bias if plain else None)
        state = hidden - self._rule.zero_point[0]
        total = saturate(total + _gates(state, weights.recurrent, weights.of_recurrent, None), GATE)
        if self._scale is None:
            return total
        rows = total.reshape(len(total), 4, -1)
        normalized = normal(rows, _EPSILON / GATE.scale[0] ** 2)
        shape = (4, rows.shape[-1])
        found = affine(normalized, self._scale.reshape(shape), weights.bias.reshape(shape), GATE)
        return found.reshape(total.shape)

    def _projected(self, product: Ints) -> Ints:
        """The hidden state, from a product of two numbers of UNIT."""
        square = UNIT.scale[0] ** 2
        if self._projection is None:
            return requantize(product, [square / self._rule.scale[0]], self._rule, Rounding.ONCE)
        narrow = requantize(product, [square / NARROW.scale[0]], NARROW, Rounding.ONCE)
        matrix, scales = self._projection
        units = NARROW.scale[0] * scales / self._rule.scale[0]
        return requantize(exact(narrow, matrix.T), [*units], self._rule, Rounding.ONCE)


def gru(operator: GRU, context: Context) -> list[Ints]:
    """Step after step; the state is kept at 16 bits and read by products at 8."""
    rule, source = context.rule(operator.output), context.centred(operator)
    steps = source[:, None] if source.ndim == 2 else source
    results, state = [], np.zeros((len(steps), operator.units), np.int64)
    for direction in range(operator.directions):
        weights = _weights(operator, context, direction)
        state = np.zeros((len(steps), operator.units), np.int64)
        if len(operator.inputs) > 1:
            given = context.rule(operator.inputs[1])
            state = rescaled(context.stored(operator, 1), given, UNIT, context.rounding)
        outputs = {}
        for step in range(steps.shape[1])[:: -1 if direction else 1]:
            state = _gru_step(operator, weights, steps[:, step], state, rule)
            outputs[step] = rescaled(state, UNIT, rule, Rounding.ONCE)
        results.append(np.stack([outputs[step] for step in sorted(outputs)], axis=1))
    joined = np.concatenate(results, axis=-1)
    found = [joined[:, 0] if source.ndim == 2 else joined]
    if operator.hidden:
        found.append(rescaled(state, UNIT, context.rule(operator.hidden), Rounding.ONCE))
    return found


def _gru_step(
    operator: GRU, weights: _Weights, source: Ints, state: Ints, rule: Quantization
) -> Ints:
    sigmoid, tangent = _tables()
    units, width = operator.units, 3 * operator.units
    after = weights.bias[width:] if operator.reset_after else None
    from_input = _gates(source, weights.input, weights.of_input, weights.bias[:width])
    narrow = rescaled(state, UNIT, rule, Rounding.ONCE) - rule.zero_point[0]
    from_state = _gates(narrow, weights.recurrent, weights.of_recurrent, after)
    opened = wide_look_up(
        sigmoid, saturate(from_input[:, : 2 * units] + from_state[:, : 2 * units], GATE)
    )
    update, reset = opened[:, :units], opened[:, units:]
    if operator.reset_after:
        part = halve(reset * from_state[:, 2 * units :], 15)
    else:
        kept = saturate(halve(reset * state, 15), UNIT)
        narrow = rescaled(kept, UNIT, rule, Rounding.ONCE) - rule.zero_point[0]
        rows = slice(2 * units, None)
        part = _gates(narrow, weights.recurrent[rows], weights.of_recurrent[rows], None)
    new = wide_look_up(tangent, saturate(from_input[:, 2 * units :] + part, GATE))
    return saturate(halve(update * state, 15) + halve((_ONE - update) * new, 15), UNIT)

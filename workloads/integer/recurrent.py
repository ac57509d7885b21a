"""Recurrent layers on integers: gates and memory have 16 bits, what products read has 8.

A gate's sums are brought to int16 with 11 bits behind the point, those of the input and of the
state each by itself, then added. Functions are tables of 513 entries with interpolation (M30) and
give int16 with 15 bits behind the point. The quantisation of an LSTM's memory is that of its stored
tensor `memory`; a GRU's state has 15 bits behind the point.
"""

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
from apollo.workloads.integer.levelling import levelled, stretched
from apollo.workloads.integer.products import exact
from apollo.workloads.integer.wide import (
    GATE,
    NARROW,
    UNIT,
    sigmoid,
    tangent,
    wide_look_up,
    wide_table,
)
from apollo.workloads.model import Rounding
from apollo.workloads.operators import GRU, LSTM
from apollo.workloads.quantization import Quantization


class _Weights(NamedTuple):
    """Stored tensors of one direction; `of_*` are the units of their sums."""

    input: Ints
    recurrent: Ints
    of_input: Reals
    of_recurrent: Reals
    bias: Reals


@cache
def _tables() -> tuple[Ints, Ints]:
    """Sigmoid and hyperbolic tangent of a gate."""
    return wide_table(sigmoid, GATE, UNIT), wide_table(tangent, GATE, UNIT)


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
        self._squash = wide_table(tangent, memory, UNIT)
        self._scale = self._projection = None
        if operator.layer_norm:
            self._scale = context.real(operator, "scale")[direction]
        if operator.projection is not None:
            values, rule = context.constant(operator, "projection_weight")
            self._projection = values[direction], np.array(rule.scale)

    def step(self, source: Ints, hidden: Ints, memory: Ints) -> tuple[Ints, Ints]:
        """The states after a step."""
        inward, forget, cell, outward = np.split(self._opened(source, hidden), 4, axis=1)
        opened, bent = _tables()
        new = wide_look_up(opened, inward) * wide_look_up(bent, cell)
        unit = self._memory.scale[0]
        added = requantize(new, [UNIT.scale[0] ** 2 / unit], self._memory, Rounding.ONCE)
        kept = halve(wide_look_up(opened, forget) * memory, 15)
        memory = saturate(kept + added, self._memory)
        product = wide_look_up(opened, outward) * wide_look_up(self._squash, memory)
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
        normalized = levelled(rows).reshape(total.shape)
        return stretched(normalized, self._scale, weights.bias)

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
    openings, bent = _tables()
    units, width = operator.units, 3 * operator.units
    after = weights.bias[width:] if operator.reset_after else None
    from_input = _gates(source, weights.input, weights.of_input, weights.bias[:width])
    narrow = rescaled(state, UNIT, rule, Rounding.ONCE) - rule.zero_point[0]
    from_state = _gates(narrow, weights.recurrent, weights.of_recurrent, after)
    opened = wide_look_up(
        openings, saturate(from_input[:, : 2 * units] + from_state[:, : 2 * units], GATE)
    )
    update, reset = opened[:, :units], opened[:, units:]
    if operator.reset_after:
        part = halve(reset * from_state[:, 2 * units :], 15)
    else:
        kept = saturate(halve(reset * state, 15), UNIT)
        narrow = rescaled(kept, UNIT, rule, Rounding.ONCE) - rule.zero_point[0]
        rows = slice(2 * units, None)
        part = _gates(narrow, weights.recurrent[rows], weights.of_recurrent[rows], None)
    new = wide_look_up(bent, saturate(from_input[:, 2 * units :] + part, GATE))
    # One less the update gate is no number of 16 bits where the gate is zero.
    replaced = new - halve(update * new, 15)
    return saturate(halve(update * state, 15) + replaced, UNIT)

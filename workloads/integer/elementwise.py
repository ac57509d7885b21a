"""Functions of elements: tables of 256 entries, sums, products and choices."""

import math
from collections.abc import Callable

import numpy as np

from apollo.workloads.integer.arithmetic import (
    Ints,
    Reals,
    fixed_point,
    halve,
    requantize,
    rescaled,
    saturate,
    scaled,
)
from apollo.workloads.integer.context import Context
from apollo.workloads.model import Rounding
from apollo.workloads.operators import Binary, BinaryKind, PReLU, Unary, UnaryKind
from apollo.workloads.quantization import Quantization

_ERF = np.vectorize(math.erf, otypes=[np.float64])
# By which the operands of TFLite's sum are shifted to the left.
_TFLITE_LEFT = 20
_WHOLE = (1 << 15) - 1


def _bounds(kind: UnaryKind, arguments: tuple[float, ...]) -> tuple[float, float]:
    fixed = {UnaryKind.RELU: (0.0, math.inf), UnaryKind.RELU6: (0.0, 6.0)}
    return fixed[kind] if kind in fixed else (arguments[0], arguments[1])


def _sigmoid(x: Reals) -> Reals:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * x)))


def _softplus(x: Reals) -> Reals:
    return np.asarray(np.logaddexp(0.0, x))


_FUNCTIONS: dict[UnaryKind, Callable[..., Reals]] = {
    UnaryKind.LEAKY_RELU: lambda x, a: np.where(x < 0, a * x, x),
    UnaryKind.ELU: lambda x, a=1.0: np.where(x < 0, a * np.expm1(np.minimum(x, 0)), x),
    UnaryKind.SIGMOID: _sigmoid,
    UnaryKind.HARD_SIGMOID: lambda x, a=1 / 6, b=0.5: np.clip(a * x + b, 0, 1),
    UnaryKind.HARD_SWISH: lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    UnaryKind.TANH: np.tanh,
    UnaryKind.GELU: lambda x: x / 2 * (1 + _ERF(x * math.sqrt(0.5))),
    UnaryKind.SOFTPLUS: _softplus,
    UnaryKind.MISH: lambda x: x * np.tanh(_softplus(x)),
    UnaryKind.EXP: np.exp,
    UnaryKind.LOG: np.log,
    UnaryKind.SQRT: np.sqrt,
    UnaryKind.RECIPROCAL: np.reciprocal,
    UnaryKind.ABS: np.abs,
    UnaryKind.NEGATE: np.negative,
    UnaryKind.ERF: _ERF,
}


def function(operator: Unary) -> Callable[[Reals], Reals]:
    """The real function of an operator."""
    if operator.kind in (UnaryKind.RELU, UnaryKind.RELU6, UnaryKind.CLIP):
        low, high = _bounds(operator.kind, operator.arguments)
        return lambda x: np.clip(x, low, high)
    chosen = _FUNCTIONS[operator.kind]
    return lambda x: chosen(x, *operator.arguments)


def table(of: Callable[[Reals], Reals], before: Quantization, after: Quantization) -> Ints:
    """The stored result of every stored integer, least first."""
    stored = np.arange(before.low, before.high + 1)
    with np.errstate(all="ignore"):
        real = of(before.dequantize(stored))
    edge = after.dequantize(np.array([after.low, after.high]))
    real = np.nan_to_num(real, nan=0.0, posinf=edge[1], neginf=edge[0])
    return after.quantize(np.clip(real, *edge)).astype(np.int64)


def look_up(
    of: Callable[[Reals], Reals], stored: Ints, rules: tuple[Quantization, Quantization]
) -> Ints:
    """A function of every element by a table; sources have 8 bits."""
    before, after = rules
    return np.asarray(table(of, before, after)[stored - before.low], np.int64)


def unary(operator: Unary, context: Context) -> Ints:
    """A table of every stored integer."""
    rules = (context.rule(operator.inputs[0]), context.rule(operator.output))
    return look_up(function(operator), context.stored(operator), rules)


def prelu(operator: PReLU, context: Context) -> Ints:
    """Negative elements times the slope of their channel."""
    source, (slope, rule) = context.centred(operator), context.constant(operator, "slope")
    before, after = context.rule(operator.inputs[0]).scale[0], context.rule(operator.output)
    slope = slope.reshape(1, -1, *(1 for _ in source.shape[2:]))
    below = requantize(
        source * slope, [before * rule.scale[0] / after.scale[0]], after, context.rounding
    )
    above = requantize(source, [before / after.scale[0]], after, context.rounding)
    return np.where(source < 0, below, above)


def binary(operator: Binary, context: Context) -> Ints:
    """Two operands, or one and a stored one; a stored number makes a table of the function."""
    after = context.rule(operator.output)
    if operator.constant:
        constant = context.model.constant(operator.name, "constant")
        if constant.values.size == 1 and context.rounding is Rounding.ONCE:
            return _by_number(operator, context)
        second, rule = context.constant(operator, "constant")
    else:
        second, rule = context.centred(operator, 1), context.rule(operator.inputs[1])
    first, before = context.centred(operator), context.rule(operator.inputs[0])
    return _BINARIES[operator.kind](
        (first, second), (before.scale[0], rule.scale[0]), after, context.rounding
    )


def _by_number(operator: Binary, context: Context) -> Ints:
    number = float(context.real(operator, "constant").ravel()[0])
    functions: dict[BinaryKind, Callable[[Reals], Reals]] = {
        BinaryKind.ADD: lambda x: x + number,
        BinaryKind.SUBTRACT: lambda x: x - number,
        BinaryKind.MULTIPLY: lambda x: x * number,
        BinaryKind.DIVIDE: lambda x: x / number,
        BinaryKind.MAXIMUM: lambda x: np.maximum(x, number),
        BinaryKind.MINIMUM: lambda x: np.minimum(x, number),
        BinaryKind.POWER: lambda x: np.power(x, number),
    }
    rules = (context.rule(operator.inputs[0]), context.rule(operator.output))
    found = look_up(functions[operator.kind], context.stored(operator), rules)
    shape = context.model.graph.tensor(operator.output).shape
    return np.broadcast_to(found, shape).copy()


Pair = tuple[Ints, Ints]
Scales = tuple[float, float]


def _sum(operands: Pair, scales: Scales, after: Quantization, rounding: Rounding) -> Ints:
    return add(operands, scales, after, rounding)


def _difference(operands: Pair, scales: Scales, after: Quantization, rounding: Rounding) -> Ints:
    return add((operands[0], -operands[1]), scales, after, rounding)


def add(operands: Pair, scales: Scales, after: Quantization, rounding: Rounding) -> Ints:
    """Both operands in fractions of the result's unit, added, and rounded once.

    TFLite rounds each of them before, in units of twice the greater scale over 2^20.
    """
    if rounding is Rounding.TFLITE:
        return _add_tflite(operands, scales, after)
    shift = fixed_point(max(scales) / after.scale[0])[1]
    total = sum(
        operand * round(scale / after.scale[0] * 2.0**shift)
        for operand, scale in zip(operands, scales, strict=True)
    )
    return saturate(halve(np.asarray(total, np.int64), shift), after)


def _add_tflite(operands: Pair, scales: Scales, after: Quantization) -> Ints:
    unit = 2 * max(scales)
    parts = [
        scaled(operand << _TFLITE_LEFT, *fixed_point(scale / unit), Rounding.TFLITE)
        for operand, scale in zip(operands, scales, strict=True)
    ]
    factor = unit / ((1 << _TFLITE_LEFT) * after.scale[0])
    return saturate(scaled(parts[0] + parts[1], *fixed_point(factor), Rounding.TFLITE), after)


def _product(operands: Pair, scales: Scales, after: Quantization, rounding: Rounding) -> Ints:
    factor = scales[0] * scales[1] / after.scale[0]
    return requantize(operands[0] * operands[1], [factor], after, rounding)


def _choice(choose: np.ufunc) -> Callable[[Pair, Scales, Quantization, Rounding], Ints]:
    """The greater or lesser one, both in units of the result."""

    def apply(operands: Pair, scales: Scales, after: Quantization, rounding: Rounding) -> Ints:
        parts = [
            requantize(operand, [scale / after.scale[0]], after, rounding)
            for operand, scale in zip(operands, scales, strict=True)
        ]
        return np.asarray(choose(*parts), np.int64)

    return apply


def _quotient(operands: Pair, scales: Scales, after: Quantization, rounding: Rounding) -> Ints:
    """The first times a reciprocal of 16 bits, rounded once more; over zero as over one."""
    product = operands[0] * reciprocals(operands[1])
    factor = scales[0] * reciprocal_rule(scales[1]).scale[0] / after.scale[0]
    return requantize(product, [factor], after, rounding)


def reciprocals(divisors: Ints) -> Ints:
    """Of centred elements, in 1/32767."""
    return np.rint(_WHOLE / np.where(divisors == 0, 1, divisors)).astype(np.int64)


def reciprocal_rule(scale: float) -> Quantization:
    """Of the reciprocals of elements with that scale."""
    return Quantization((1 / (_WHOLE * scale),), (0,), bits=16)


_BINARIES: dict[BinaryKind, Callable[[Pair, Scales, Quantization, Rounding], Ints]] = {
    BinaryKind.ADD: _sum,
    BinaryKind.SUBTRACT: _difference,
    BinaryKind.MULTIPLY: _product,
    BinaryKind.DIVIDE: _quotient,
    BinaryKind.MAXIMUM: _choice(np.maximum),
    BinaryKind.MINIMUM: _choice(np.minimum),
}

__all__ = ["add", "binary", "function", "look_up", "prelu", "rescaled", "table", "unary"]

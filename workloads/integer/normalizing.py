"""Softmax, normalisations and whole dimensions reduced, on integers."""

import math

import numpy as np

from apollo.workloads.integer.arithmetic import (
    MULTIPLIER_BITS,
    Ints,
    Reals,
    divide,
    halve,
    requantize,
    rescaled,
    saturate,
    square_root,
    sums_of,
)
from apollo.workloads.integer.context import Context
from apollo.workloads.model import Rounding
from apollo.workloads.operators import (
    BatchNormalization,
    LayerNormalization,
    LocalResponseNormalization,
    Reduce,
    ReduceKind,
    Softmax,
)
from apollo.workloads.quantization import Quantization

# What a softmax gives before it is put into other units (M30).
PROBABILITIES = Quantization((1 / 256,), (-128,))
_ENTRIES = 256
_EXPONENTIAL = 65_535  # of the greatest element
NORMAL_BITS = 12  # behind the point of a normalised element
_ROOT_BITS = 10
_WEIGHT = 127


def softmax(operator: Softmax, context: Context) -> Ints:
    """Exponentials by a table of the distance to the greatest, over their sum."""
    source, before = context.stored(operator), context.rule(operator.inputs[0])
    distance = np.arange(_ENTRIES)
    table = np.rint(_EXPONENTIAL * np.exp(-before.scale[0] * distance)).astype(np.int64)
    below = source.max(operator.axis, keepdims=True) - source
    exponentials = table[below]
    total = np.maximum(exponentials.sum(operator.axis, keepdims=True), 1)
    shares = (exponentials * 256 + total // 2) // total
    stored = saturate(shares, PROBABILITIES)
    return rescaled(stored, PROBABILITIES, context.rule(operator.output), context.rounding)


def layer_normalization(operator: LayerNormalization, context: Context) -> Ints:
    """The last dimension normalised, at 16 bits, then scaled and shifted as by a batch's."""
    source, before = context.stored(operator), context.rule(operator.inputs[0])
    unit = standard_unit(operator.features)
    standard = Quantization((1 / unit,), (0,), bits=16)
    normalized = normal(source, operator.epsilon / before.scale[0] ** 2, unit)
    scale, shift = context.real(operator, "scale"), context.real(operator, "shift")
    return by_channel(
        saturate(normalized, standard),
        (scale, shift),
        (standard, context.rule(operator.output)),
        context.rounding,
        -1,
    )


def standard_unit(features: int) -> int:
    """What stands for a deviation at 16 bits: of n elements none exceeds the root of n - 1."""
    return int(((1 << 15) - 1) / math.sqrt(max(1, features - 1)))


def standard_summand(count: int, epsilon: float) -> int:
    """What keeps the deviation of so many elements from zero, in their squared units: 32 bits."""
    return min(round(count * count * epsilon), (1 << 32) - 1)


def normal(source: Ints, epsilon: float, unit: int = 1 << NORMAL_BITS) -> Ints:
    """The last dimension centred, in parts of its deviation; `epsilon` in the source's units."""
    count = source.shape[-1]
    total = source.sum(-1, keepdims=True)
    spread = count * (source * source).sum(-1, keepdims=True) - total * total
    spread = np.maximum(spread + standard_summand(count, epsilon), 1)
    root = square_root(spread << 2 * _ROOT_BITS)
    return divide((count * source - total) * unit << _ROOT_BITS, root)


def affine(normalized: Ints, scale: Reals, shift: Reals, after: Quantization) -> Ints:
    """Normalised elements times a scale plus a shift, in units of the result, rounded once."""
    unit = after.scale[0]
    factors = scale / (unit * (1 << NORMAL_BITS))
    greatest = max(float(np.abs(factors).max()), 2.0**-MULTIPLIER_BITS)
    places = MULTIPLIER_BITS - math.frexp(greatest)[1]
    places = min(places, 40)
    multipliers = np.rint(factors * 2.0**places).astype(np.int64)
    summands = np.rint(shift / unit * 2.0**places).astype(np.int64)
    return saturate(halve(normalized * multipliers + summands, places), after)


def batch_normalization(operator: BatchNormalization, context: Context) -> Ints:
    """A scale and a shift for every channel."""
    factors = context.real(operator, "scale"), context.real(operator, "shift")
    rules = context.rule(operator.inputs[0]), context.rule(operator.output)
    return by_channel(context.centred(operator), factors, rules, context.rounding, 1)


def by_channel(
    source: Ints,
    factors: tuple[Reals, Reals],
    rules: tuple[Quantization, Quantization],
    rounding: Rounding,
    axis: int,
) -> Ints:
    """A depthwise product by plus or minus 127, the size of the factor in its record."""
    (scale, shift), (before, after) = factors, rules
    least = max(float(np.abs(scale).max()), 1e-9) * 2.0**-20
    size = np.maximum(np.abs(scale), least) / _WEIGHT
    weight = np.rint(scale / size).astype(np.int64)
    units = before.scale[0] * size
    shape = [1] * source.ndim
    shape[axis] = len(scale)
    sums = source * weight.reshape(shape) + sums_of(shift, units).reshape(shape)
    return requantize(sums, [*(units / after.scale[0])], after, rounding, axis)


def local_response(operator: LocalResponseNormalization, context: Context) -> Ints:
    """A factor by a table of 256 sums of squares over neighbouring channels (M30)."""
    source = context.centred(operator)
    before, after = context.rule(operator.inputs[0]), context.rule(operator.output)
    squares = np.pad(source * source, ((0, 0), (operator.size, operator.size), (0, 0), (0, 0)))
    first = operator.size - (operator.size - 1) // 2
    channels = source.shape[1]
    sums = sum(squares[:, first + k : first + k + channels] for k in range(operator.size))
    shift = max(0, (operator.size * 255 * 255).bit_length() - 8)
    place = np.minimum(np.asarray(sums) >> shift, _ENTRIES - 1)
    middle = (np.arange(_ENTRIES) + 0.5) * (1 << shift) * before.scale[0] ** 2
    base = operator.bias + operator.alpha / operator.size * middle
    factor = before.scale[0] / after.scale[0] * base**-operator.beta
    table = np.clip(np.rint(factor * (1 << 15)), 0, _EXPONENTIAL).astype(np.int64)
    return saturate(halve(source * table[place], 15), after)


def reduce(operator: Reduce, context: Context) -> Ints:
    """Sums and means are requantised once; the greatest and the least are elements."""
    before, after = context.rule(operator.inputs[0]), context.rule(operator.output)
    axes, keep = operator.axes, operator.keep
    if operator.kind in (ReduceKind.MAX, ReduceKind.MIN):
        choose = np.max if operator.kind is ReduceKind.MAX else np.min
        found = choose(context.stored(operator), axis=axes, keepdims=keep)
        return rescaled(np.asarray(found), before, after, context.rounding)
    source = context.centred(operator)
    sums = np.sum(source, axis=axes, keepdims=keep)
    count = source.size // sums.size if operator.kind is ReduceKind.MEAN else 1
    factor = before.scale[0] / (after.scale[0] * count)
    return requantize(np.asarray(sums, np.int64), [factor], after, context.rounding)

"""The numbers of a nest's parameters: weights, records and tables, from a model's constants.

`G` groups, `K` channels of a group, `T` taps, `I` input channels of a group.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from apollo.compiler.functions import function_table
from apollo.compiler.pairs import by_input
from apollo.compiler.recipe import NO_TAP, Ingredients, Recipe
from apollo.compiler.records import (
    Bytes,
    Channels,
    Numbers,
    entries,
    record,
    records,
    signs_and_sizes,
    sums_of,
)
from apollo.compiler.recurrent_ingredients import row_scales, rows_of, scaled, wide_function
from apollo.compiler.selecting import Hits
from apollo.workloads.integer import fixed_point
from apollo.workloads.integer.arithmetic import rescaled
from apollo.workloads.integer.context import real_values
from apollo.workloads.integer.elementwise import reciprocals
from apollo.workloads.integer.normalizing import standard_summand, standard_unit
from apollo.workloads.model import Constant, Model, Rounding
from apollo.workloads.operators import (
    BatchNormalization,
    Convolution,
    ConvTranspose,
    FullyConnected,
    LayerNormalization,
    LocalResponseNormalization,
    Operator,
)
from apollo.workloads.quantization import Quantization

Ints = npt.NDArray[np.int64]


def channels_of(recipe: Recipe, model: Model, channels: int, taps: int, inputs: int) -> Channels:
    """Weights and records of a nest that multiplies by them."""
    before, after = recipe.before, recipe.after
    zero, unit = before.zero_point[0], before.scale[0]
    if recipe.ingredients is Ingredients.ONES:
        weights = np.ones((channels, taps, inputs), np.int64)
        factors = [unit / (after.scale[0] * recipe.count)] * channels
        bias = np.zeros(channels, np.int64)
    else:
        weights, bias, factors = _STORED[recipe.ingredients](recipe, model, unit, after)
    bias = bias - zero * weights.sum((1, 2))
    return Channels(weights.astype(np.int8), records(bias, factors))


def _stored(recipe: Recipe, model: Model, unit: float, after: Quantization) -> Numbers:
    operator = recipe.operator
    assert isinstance(operator, Convolution | FullyConnected)
    values, rule = _around_zero(operator, model.constant(operator.name, "weight"))
    weights = by_input(operator, values, recipe.image, channels_last=recipe.channels_last)
    units = np.broadcast_to(unit * np.array(rule.scale), len(weights))
    bias = np.zeros(len(weights), np.int64)
    if operator.bias:
        bias = _bias(model, operator.name, units)
    return weights, bias, [float(each / after.scale[0]) for each in units]


def _slopes(recipe: Recipe, model: Model, unit: float, after: Quantization) -> Numbers:
    values, rule = _around_zero(recipe.operator, model.constant(recipe.operator.name, "slope"))
    weights = values.reshape(-1, 1, 1)
    factors = [unit * rule.scale[0] / after.scale[0]] * len(weights)
    return weights, np.zeros(len(weights), np.int64), factors


def _places(recipe: Recipe, _model: Model, _unit: float, _after: Quantization) -> Numbers:
    """An index less the number of the channel."""
    operator = recipe.operator
    assert isinstance(operator, Hits)
    count = operator.places
    return np.ones((count, 1, 1), np.int64), -np.arange(count), [1.0] * count


def _transposed(recipe: Recipe, model: Model, unit: float, after: Quantization) -> Numbers:
    """Of one phase of the rows, phase after phase of the columns, each with all its channels."""
    operator = recipe.operator
    assert isinstance(operator, ConvTranspose)
    constant = model.constant(operator.name, "weight")
    values, rule = _around_zero(operator, constant)
    outputs, groups = operator.out_channels, operator.groups
    rows, *phases = recipe.window
    depthwise = groups > 1 and len(values) == groups == outputs
    inputs = 1 if depthwise else len(values)
    kernel = np.zeros((outputs, inputs, *operator.kernel), np.int64)
    for group in range(groups):
        kept = slice(group * outputs // groups, (group + 1) * outputs // groups)
        read = slice(group * len(values) // groups, (group + 1) * len(values) // groups)
        kernel[kept, slice(None) if depthwise else read] = values[read].swapaxes(0, 1)
    found = np.zeros((len(phases), outputs, len(rows), len(phases[0]), inputs), np.int64)
    for index in np.ndindex(len(phases), len(rows), len(phases[0])):
        taps = rows[index[1]], phases[index[0]][index[2]]
        if NO_TAP not in taps:
            found[index[0], :, index[1], index[2]] = kernel[:, :, *taps]
    units = np.broadcast_to(unit * np.array(rule.scale), outputs)
    bias = _bias(model, operator.name, units) if operator.bias else np.zeros(outputs, np.int64)
    factors = [float(each / after.scale[0]) for each in units]
    weights = found.reshape(len(phases) * outputs, len(rows) * len(phases[0]), inputs)
    return weights, np.tile(bias, len(phases)), factors * len(phases)


def _around_zero(operator: Operator, constant: Constant) -> tuple[Ints, Quantization]:
    rule = constant.quantization
    if rule is None or any(rule.zero_point):
        raise ValueError(f"The weights of '{operator.name}' must be integers around zero.")
    return constant.values.astype(np.int64), rule


def _bias(model: Model, name: str, units: npt.NDArray[np.float64]) -> Ints:
    """In units of sums: as it is stored, if it is stored in them."""
    constant = model.constant(name, "bias")
    rule = constant.quantization
    if rule is not None and rule.bits == 32 and np.allclose(rule.scale, units, rtol=1e-5):
        return constant.values.astype(np.int64)
    return sums_of(real_values(constant), units)


def _normalization(recipe: Recipe, model: Model, unit: float, after: Quantization) -> Numbers:
    """Signs and sizes of the scales: weights of about 127, the rest in the record."""
    operator = recipe.operator
    assert isinstance(operator, BatchNormalization | LayerNormalization)
    scale = real_values(model.constant(operator.name, "scale"))
    shift = real_values(model.constant(operator.name, "shift"))
    return signs_and_sizes(scale, shift, unit, after)


_STORED: dict[Ingredients, Callable[[Recipe, Model, float, Quantization], Numbers]] = {
    Ingredients.WEIGHTS: _stored,
    Ingredients.SCALES: _normalization,
    Ingredients.SLOPES: _slopes,
    Ingredients.PLACES: _places,
    Ingredients.TRANSPOSED: _transposed,
    Ingredients.ROWS: rows_of,
    Ingredients.ROW_SCALES: row_scales,
}


def table_of(recipe: Recipe, model: Model) -> Bytes:
    """The record or table that every core reads."""
    makers = {
        Ingredients.SUM: _sum,
        Ingredients.DIFFERENCE: _sum,
        Ingredients.PRODUCT: _product,
        Ingredients.BLEND: _blend,
        Ingredients.FUNCTION: _function,
        Ingredients.MATMUL: _matmul,
        Ingredients.PIECE: _piece,
        Ingredients.UNITS: _units,
        Ingredients.MIRROR: _units,
        Ingredients.MIRRORED: _units,
        Ingredients.ABOVE: _units,
        Ingredients.CONSTANT: _constant,
        Ingredients.HITS: _hits,
        Ingredients.RECIPROCAL: _reciprocal,
        Ingredients.BELOW: _units,
        Ingredients.SOFTMAX: _softmax,
        Ingredients.NEIGHBOURS: _neighbours,
        Ingredients.SCALED: scaled,
        Ingredients.SIGMOID: wide_function,
        Ingredients.TANGENT: wide_function,
        Ingredients.LEVELLED: wide_function,
        Ingredients.STANDARD: _standard,
    }
    return makers[recipe.ingredients](recipe, model)


def _second(recipe: Recipe) -> Quantization:
    assert recipe.second is not None
    return recipe.second


def _sum(recipe: Recipe, model: Model) -> Bytes:
    """`ADD` (M29): with one rounding, both in fractions of the result's unit."""
    first, second, after = recipe.before, _second(recipe), recipe.after
    sign = -1 if recipe.ingredients is Ingredients.DIFFERENCE else 1
    zeros = ((first.zero_point[0], "<i2"), (second.zero_point[0], "<i2"))
    scales = (first.scale[0], second.scale[0])
    signs = (sign, 1) if recipe.is_swapped else (1, sign)
    if (recipe.rounding or model.rounding) is Rounding.ONCE:
        shift = fixed_point(max(scales) / after.scale[0])[1]
        one, other = (round(scale / after.scale[0] * 2.0**shift) for scale in scales)
        return record(*zeros, (signs[0] * one, "<i4"), (signs[1] * other, "<i4"), (shift, "i1"))
    unit = 2 * max(scales)
    factors = [fixed_point(scale / unit) for scale in scales]
    factors.append(fixed_point(unit / ((1 << 20) * after.scale[0])))
    fields: list[tuple[int, str]] = []
    for multiplier, shift in factors:
        fields += [(multiplier, "<i4"), (shift, "i1")]
    for place, each in zip((0, 2), signs, strict=True):
        fields[place] = (each * fields[place][0], "<i4")
    return record(*zeros, (20, "u1"), *fields)


def _product(recipe: Recipe, _: Model) -> Bytes:
    first, second, after = recipe.before, _second(recipe), recipe.after
    multiplier, shift = fixed_point(first.scale[0] * second.scale[0] / after.scale[0])
    zeros = ((first.zero_point[0], "<i2"), (second.zero_point[0], "<i2"))
    return record(*zeros, (multiplier, "<i4"), (shift, "i1"))


def _matmul(recipe: Recipe, _: Model) -> Bytes:
    factor = recipe.before.scale[0] * _second(recipe).scale[0] / recipe.after.scale[0]
    return records(np.zeros(1, np.int64), [factor]).reshape(-1)


def _piece(recipe: Recipe, _: Model) -> Bytes:
    """Centred elements as a sum of int8: what the pieces before leave, as much as fits."""
    before, after = recipe.before, recipe.after
    left = np.arange(before.low, before.high + 1) - before.zero_point[0]
    for _piece_before in range(recipe.count):
        left = left - np.clip(left, after.low, after.high)
    return entries(np.clip(left, after.low, after.high), after)


def _blend(recipe: Recipe, _: Model) -> Bytes:
    """`ADD` with one rounding: both times their factors."""
    shift = fixed_point(max(recipe.factors))[1]
    one, other = (round(factor * 2.0**shift) for factor in recipe.factors)
    zeros = ((recipe.before.zero_point[0], "<i2"), (_second(recipe).zero_point[0], "<i2"))
    return record(*zeros, (one, "<i4"), (other, "<i4"), (shift, "i1"))


def _function(recipe: Recipe, model: Model) -> Bytes:
    """The entries are a matter of quantisation, not of compiling: they come from there."""
    return entries(function_table(recipe.operator, model), recipe.after)


def _units(recipe: Recipe, model: Model) -> Bytes:
    """The same real numbers in other units."""
    before, after = recipe.before, recipe.after
    stored = np.arange(before.low, before.high + 1)
    if recipe.ingredients is Ingredients.MIRRORED:
        stored = -1 - stored
    elif recipe.ingredients is Ingredients.ABOVE:
        stored = np.maximum(stored, before.zero_point[0])
    elif recipe.ingredients is Ingredients.BELOW:
        stored = np.minimum(stored, before.zero_point[0])
    found = rescaled(stored, before, after, model.rounding)
    return entries(-1 - found if recipe.ingredients is Ingredients.MIRROR else found, after)


def _reciprocal(recipe: Recipe, _: Model) -> Bytes:
    before = recipe.before
    stored = np.arange(before.low, before.high + 1)
    return entries(reciprocals(stored - before.zero_point[0]), recipe.after)


def _constant(recipe: Recipe, _: Model) -> Bytes:
    return entries(np.full(256, recipe.count, np.int64), recipe.after)


def _hits(recipe: Recipe, _: Model) -> Bytes:
    return entries(np.arange(recipe.before.low, recipe.before.high + 1) == 0, recipe.after)


def _softmax(recipe: Recipe, _: Model) -> Bytes:
    table = np.rint(65_535 * np.exp(-recipe.before.scale[0] * np.arange(256)))
    return np.ascontiguousarray(table.astype("<u2")).view(np.uint8)


def _standard(recipe: Recipe, _: Model) -> Bytes:
    operator = recipe.operator
    assert isinstance(operator, LayerNormalization)
    epsilon = operator.epsilon / recipe.before.scale[0] ** 2
    summand = standard_summand(operator.features, epsilon)
    return record((summand, "<u4"), (standard_unit(operator.features), "<u2"))


def _neighbours(recipe: Recipe, _: Model) -> Bytes:
    operator = recipe.operator
    assert isinstance(operator, LocalResponseNormalization)
    before, after = recipe.before, recipe.after
    shift = max(0, (operator.size * 255 * 255).bit_length() - 8)
    middle = (np.arange(256) + 0.5) * (1 << shift) * before.scale[0] ** 2
    base = operator.bias + operator.alpha / operator.size * middle
    factor = before.scale[0] / after.scale[0] * base**-operator.beta
    table = np.clip(np.rint(factor * (1 << 15)), 0, 65_535).astype("<u2")
    head = record((before.zero_point[0], "<i2"), (shift, "u1"))
    return np.concatenate([head, np.ascontiguousarray(table).view(np.uint8)])

"""The numbers of a nest's parameters: weights, records and tables, from a model's constants.

`G` groups, `K` channels of a group, `T` taps, `I` input channels of a group.
"""

import numpy as np
import numpy.typing as npt

from apollo.compiler.functions import function_table
from apollo.compiler.numbers import quantization_of
from apollo.compiler.recipe import Ingredients, Recipe
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
from apollo.workloads.integer import fixed_point
from apollo.workloads.integer.arithmetic import rescaled
from apollo.workloads.integer.context import real_values
from apollo.workloads.model import Model, Rounding
from apollo.workloads.operators import (
    BatchNormalization,
    Convolution,
    FullyConnected,
    LocalResponseNormalization,
)
from apollo.workloads.quantization import Quantization

Ints = npt.NDArray[np.int64]


def channels_of(recipe: Recipe, model: Model, shape: tuple[int, int, int]) -> Channels:
    """Weights and records of a nest that multiplies by weights of that shape (G * K, T, I)."""
    before = quantization_of(model, recipe.before)
    after = quantization_of(model, recipe.after)
    zero, unit = before.zero_point[0], before.scale[0]
    if recipe.ingredients is Ingredients.ONES:
        weights = np.ones(shape, np.int64)
        factors = [unit / (after.scale[0] * recipe.count)] * len(weights)
        bias = np.zeros(len(weights), np.int64)
    elif recipe.ingredients is Ingredients.SCALES:
        weights, bias, factors = _normalization(recipe, model, unit, after)
    elif recipe.ingredients is Ingredients.ROWS:
        weights, bias, factors = rows_of(recipe, model)
    elif recipe.ingredients is Ingredients.ROW_SCALES:
        weights, bias, factors = row_scales(recipe, model)
    else:
        weights, bias, factors = _stored(recipe, model, unit, after)
    bias = bias - zero * weights.sum((1, 2))
    return Channels(weights.astype(np.int8), records(bias, factors))


def _stored(recipe: Recipe, model: Model, unit: float, after: Quantization) -> Numbers:
    operator = recipe.operator
    assert isinstance(operator, Convolution | FullyConnected)
    constant = model.constant(operator.name, "weight")
    rule = constant.quantization
    if rule is None or any(rule.zero_point):
        raise ValueError(f"The weights of '{operator.name}' must be integers around zero.")
    values = constant.values.astype(np.int64)
    if isinstance(operator, FullyConnected):
        values = values.reshape(len(values), *recipe.image)
    weights = values.transpose(0, 2, 3, 1).reshape(len(values), -1, values.shape[1])
    units = np.broadcast_to(unit * np.array(rule.scale), len(values))
    bias = np.zeros(len(values), np.int64)
    if operator.bias:
        bias = _bias(model, operator.name, units)
    return weights, bias, [float(each / after.scale[0]) for each in units]


def _bias(model: Model, name: str, units: npt.NDArray[np.float64]) -> Ints:
    """In units of sums: as it is stored, if it is stored in them."""
    constant = model.constant(name, "bias")
    rule = constant.quantization
    if rule is not None and rule.bits == 32 and np.allclose(rule.scale, units, rtol=1e-5):
        return constant.values.astype(np.int64)
    return sums_of(real_values(constant), units)


def _normalization(recipe: Recipe, model: Model, unit: float, after: Quantization) -> Numbers:
    operator = recipe.operator
    assert isinstance(operator, BatchNormalization)
    scale = real_values(model.constant(operator.name, "scale"))
    shift = real_values(model.constant(operator.name, "shift"))
    return signs_and_sizes(scale, shift, unit, after)


def table_of(recipe: Recipe, model: Model) -> Bytes:
    """The record or table that every core reads."""
    makers = {
        Ingredients.SUM: _sum,
        Ingredients.DIFFERENCE: _sum,
        Ingredients.PRODUCT: _product,
        Ingredients.FUNCTION: _function,
        Ingredients.UNITS: _units,
        Ingredients.SOFTMAX: _softmax,
        Ingredients.NEIGHBOURS: _neighbours,
        Ingredients.SCALED: scaled,
        Ingredients.SIGMOID: wide_function,
        Ingredients.TANGENT: wide_function,
        Ingredients.LEVELLED: wide_function,
    }
    return makers[recipe.ingredients](recipe, model)


def _rules(recipe: Recipe, model: Model) -> tuple[Quantization, Quantization]:
    return quantization_of(model, recipe.before), quantization_of(model, recipe.after)


def _second(recipe: Recipe, model: Model) -> Quantization:
    second, operator = recipe.second, recipe.operator
    if isinstance(second, str) and second.endswith(":constant") and operator is not None:
        rule = model.constant(operator.name, "constant").quantization
        return rule or Quantization((1.0,), (0,))
    return quantization_of(model, second)


def _sum(recipe: Recipe, model: Model) -> Bytes:
    """`ADD` (M29): with one rounding, both in fractions of the result's unit."""
    first, after = _rules(recipe, model)
    second = _second(recipe, model)
    sign = -1 if recipe.ingredients is Ingredients.DIFFERENCE else 1
    zeros = ((first.zero_point[0], "<i2"), (second.zero_point[0], "<i2"))
    scales = (first.scale[0], second.scale[0])
    if (recipe.rounding or model.rounding) is Rounding.ONCE:
        shift = fixed_point(max(scales) / after.scale[0])[1]
        one, other = (round(scale / after.scale[0] * 2.0**shift) for scale in scales)
        return record(*zeros, (one, "<i4"), (sign * other, "<i4"), (shift, "i1"))
    unit = 2 * max(scales)
    factors = [fixed_point(scale / unit) for scale in scales]
    factors.append(fixed_point(unit / ((1 << 20) * after.scale[0])))
    fields: list[tuple[int, str]] = []
    for multiplier, shift in factors:
        fields += [(multiplier, "<i4"), (shift, "i1")]
    fields[2] = (sign * fields[2][0], "<i4")
    return record(*zeros, (20, "u1"), *fields)


def _product(recipe: Recipe, model: Model) -> Bytes:
    first, after = _rules(recipe, model)
    second = _second(recipe, model)
    multiplier, shift = fixed_point(first.scale[0] * second.scale[0] / after.scale[0])
    zeros = ((first.zero_point[0], "<i2"), (second.zero_point[0], "<i2"))
    return record(*zeros, (multiplier, "<i4"), (shift, "i1"))


def _function(recipe: Recipe, model: Model) -> Bytes:
    """The entries are a matter of quantisation, not of compiling: they come from there."""
    after = quantization_of(model, recipe.after)
    assert recipe.operator is not None
    return entries(function_table(recipe.operator, model), after)


def _units(recipe: Recipe, model: Model) -> Bytes:
    """The same real numbers in other units."""
    before, after = _rules(recipe, model)
    stored = np.arange(before.low, before.high + 1)
    return entries(rescaled(stored, before, after, model.rounding), after)


def _softmax(recipe: Recipe, model: Model) -> Bytes:
    before = quantization_of(model, recipe.before)
    table = np.rint(65_535 * np.exp(-before.scale[0] * np.arange(256)))
    return np.ascontiguousarray(table.astype("<u2")).view(np.uint8)


def _neighbours(recipe: Recipe, model: Model) -> Bytes:
    operator = recipe.operator
    assert isinstance(operator, LocalResponseNormalization)
    before, after = _rules(recipe, model)
    shift = max(0, (operator.size * 255 * 255).bit_length() - 8)
    middle = (np.arange(256) + 0.5) * (1 << shift) * before.scale[0] ** 2
    base = operator.bias + operator.alpha / operator.size * middle
    factor = before.scale[0] / after.scale[0] * base**-operator.beta
    table = np.clip(np.rint(factor * (1 << 15)), 0, 65_535).astype("<u2")
    head = record((before.zero_point[0], "<i2"), (shift, "u1"))
    return np.concatenate([head, np.ascontiguousarray(table).view(np.uint8)])

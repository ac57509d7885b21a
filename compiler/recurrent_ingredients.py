"""The numbers of recurrent layers' parameters: rows of their matrices, records and tables."""

import numpy as np

from apollo.compiler.recipe import Ingredients, Recipe
from apollo.compiler.records import Bytes, Numbers, entries, record, signs_and_sizes
from apollo.workloads.integer import fixed_point
from apollo.workloads.integer.context import real_values
from apollo.workloads.integer.levelling import inverse_root
from apollo.workloads.integer.wide import sigmoid, tangent, wide_table
from apollo.workloads.model import Model, Rounding
from apollo.workloads.quantization import Quantization


def rows_of(recipe: Recipe, model: Model, unit: float, after: Quantization) -> Numbers:
    """Some rows of a stored matrix, with their biases if they have any."""
    operator, rows = recipe.operator, recipe.rows
    assert rows is not None
    constant = model.constant(operator.name, rows.role)
    rule = constant.quantization
    if rule is None or any(rule.zero_point):
        raise ValueError(f"The {rows.role} of '{operator.name}' must be integers around zero.")
    part = slice(rows.first, rows.first + rows.count)
    weights = constant.values[rows.direction, part].astype(np.int64)[:, None, :]
    scales = np.broadcast_to(np.array(rule.scale), constant.shape[1])[part]
    units = unit * scales
    bias = np.zeros(rows.count, np.int64)
    if rows.first_bias is not None:
        stored = real_values(model.constant(operator.name, "bias"))[rows.direction]
        found = stored[rows.first_bias : rows.first_bias + rows.count]
        bias = np.rint(found / units).astype(np.int64)
    return weights, bias, [float(each / after.scale[0]) for each in units]


def row_scales(recipe: Recipe, model: Model, unit: float, after: Quantization) -> Numbers:
    """A scale and a summand for each of some rows."""
    operator, rows = recipe.operator, recipe.rows
    assert rows is not None
    scale, shift = (
        real_values(model.constant(operator.name, role))[rows.direction]
        for role in ("scale", "bias")
    )
    part = slice(rows.first, rows.first + rows.count)
    # What counts as no scale at all is measured against all gates.
    weights, bias, factors = signs_and_sizes(scale, shift, unit, after)
    return weights[part], bias[part], factors[part]


def scaled(recipe: Recipe, model: Model) -> Bytes:
    """`ADD` (M29) of a tensor and nothing of itself: the same real numbers in other units."""
    before, after = recipe.before, recipe.after
    multiplier, shift = fixed_point(before.scale[0] / after.scale[0])
    zeros = ((before.zero_point[0], "<i2"), (before.zero_point[0], "<i2"))
    if (recipe.rounding or model.rounding) is Rounding.ONCE:
        return record(*zeros, (multiplier, "<i4"), (0, "<i4"), (shift, "i1"))
    one = fixed_point(1.0)
    fields: list[tuple[int, str]] = []
    for number, places in ((multiplier, shift), (0, 0), one):
        fields += [(number, "<i4"), (places, "i1")]
    return record(*zeros, (0, "u1"), *fields)


def wide_function(recipe: Recipe, model: Model) -> Bytes:
    """A table of 513 entries (M30)."""
    before, after = recipe.before, recipe.after
    if recipe.ingredients is Ingredients.LEVELLED:
        table = wide_table(lambda mean: inverse_root(mean, recipe.count), before, after)
        return entries(table, after)
    function = sigmoid if recipe.ingredients is Ingredients.SIGMOID else tangent
    return entries(wide_table(function, before, after), after)

"""Whole dimensions reduced, and choices between two operands: windows over what lies side by side.

The least of elements is the greatest of mirrored ones (`-1 - x`): tables mirror them and back.
"""

import math

from apollo.arch.isa import Opcode
from apollo.arch.operands import RECORD_BYTES
from apollo.compiler import lowering_moves as moves
from apollo.compiler.averages import mean
from apollo.compiler.lower import Columns, Lowering
from apollo.compiler.lowering_matrices import seen_as
from apollo.compiler.recipe import Ingredients, Recipe
from apollo.compiler.storage import Dims
from apollo.workloads.integer.elementwise import reciprocal_rule
from apollo.workloads.model import Rounding
from apollo.workloads.operators import Binary, BinaryKind, Operator, PReLU, Reduce, ReduceKind
from apollo.workloads.quantization import Quantization

_ADD_BYTES = 13
_COLUMNS_CHANNELS = 0x231  # of PERMUTATION: they change places
_WINDOWS = {"rows": ("kernel_rows", "stride_rows"), "columns": ("kernel_columns", "stride_columns")}


def reduce(lowering: Lowering, operator: Reduce) -> None:
    """A window over the dimensions; the result keeps the order of what is left."""
    source, axes = _stored_axes(lowering, operator)
    dims = lowering.dims[source]
    if operator.kind in (ReduceKind.MEAN, ReduceKind.SUM):
        _sum(lowering, operator, source, axes)
        return
    least, is_image = operator.kind is ReduceKind.MIN, lowering.is_image[source]
    if least:
        source = _mirrored(lowering, operator, source, lowering.rules[source])
    if axes > {"channels"}:
        # Positions first, channel by channel.
        window, axes = axes - {"channels"}, {"channels"}
        first = dims._replace(**dict.fromkeys(window, 1))
        extremes = lowering.new(f"{operator.output}:positions", first, lowering.rules[source])
        lowering.append(operator, Opcode.POOL_MAX, source, extremes, columns=_window(dims, window))
        source, dims = extremes, first
    if "channels" in axes:
        turned = Dims(dims.images, dims.rows, dims.channels, dims.columns)
        source = lowering.copy(operator, source, turned, {"permutation": _COLUMNS_CHANNELS})
        axes, dims, is_image = {"columns"}, turned, False
    result = dims._replace(**dict.fromkeys(axes, 1))
    chosen = lowering.new(f"{operator.output}:chosen", result, lowering.rules[source])
    lowering.append(operator, Opcode.POOL_MAX, source, chosen, columns=_window(dims, axes))
    lowering.is_image[chosen] = is_image
    _finish(lowering, operator, chosen, least)


def _stored_axes(lowering: Lowering, operator: Reduce) -> tuple[int, set[str]]:
    """The number of the source, and its stored coordinates that are reduced."""
    name = operator.inputs[0]
    source, shape = lowering.plain(name), lowering.shape(name)
    axes = {axis for axis in operator.axes if shape[axis] > 1}
    if not axes:
        return source, set()
    if len(shape) == 4 and 0 not in axes:
        names = ("images", "channels", "rows", "columns")
        return source, {names[axis] for axis in axes}
    if len(shape) == 3 and axes == {1}:
        batch, steps, features = shape
        return seen_as(lowering, operator, source, Dims(batch, steps, 1, features)), {"rows"}
    if len(shape) == 3 and axes == {0}:
        items = Dims(1, shape[0], 1, math.prod(shape[1:]))
        return seen_as(lowering, operator, source, items), {"rows"}
    last = {len(shape) - 1}
    others = set(range(len(shape) - 1))
    if len(shape) < 4 and axes in (last, others, last | others):
        found = {"channels"} if axes & last else set[str]()
        return source, found | ({"rows"} if axes >= others and others else set())
    raise lowering.refuse(operator, f"has no lowering over {operator.axes} of {shape}")


def _window(dims: Dims, axes: set[str]) -> dict[str, int]:
    """Over whole rows, columns or both."""
    columns = {"taps": math.prod(getattr(dims, axis) for axis in axes & {*_WINDOWS})}
    for axis in axes & {*_WINDOWS}:
        columns |= dict.fromkeys(_WINDOWS[axis], getattr(dims, axis))
    return columns


def _sum(lowering: Lowering, operator: Reduce, source: int, axes: set[str]) -> None:
    """A product by ones, over its count."""
    dims, is_image = lowering.dims[source], lowering.is_image[source]
    count = math.prod(getattr(dims, axis) for axis in axes)
    count = count if operator.kind is ReduceKind.MEAN else 1
    destination = lowering.result(operator, dims._replace(**dict.fromkeys(axes, 1)))
    lowering.is_image[destination] = is_image
    window = _window(dims, axes)
    if "channels" not in axes:
        mean(lowering, operator, source, destination, count, window)
        return
    rules = lowering.rules[source], lowering.rules[destination]
    recipe = Recipe(Ingredients.ONES, operator, *rules, count=count)
    columns = {**window, "in_channels": dims.channels, "mixes_channels": 1, "weights": 1}
    lowering.append(operator, Opcode.CONVOLVE, source, destination, recipe, columns)


def _mirrored(
    lowering: Lowering,
    operator: Operator,
    source: int,
    after: Quantization,
) -> int:
    """Elements mirrored in the units of a quantisation."""
    result = lowering.new(f"{lowering.names[source]}:mirrored", lowering.dims[source], after)
    _table(lowering, operator, source, result, Ingredients.MIRROR, {})
    return result


def _table(
    lowering: Lowering,
    operator: Operator,
    source: int,
    result: int,
    ingredients: Ingredients,
    columns: Columns,
) -> None:
    before, after = lowering.rules[source], lowering.rules[result]
    if before.bits != 8:
        raise lowering.refuse(operator, "has no lowering for elements of 16 bits")
    recipe = Recipe(ingredients, operator, before, after)
    size = {"table_bytes": moves.table_bytes(before, after)}
    lowering.append(operator, Opcode.LOOKUP, source, result, recipe, {**columns, **size})


def _finish(lowering: Lowering, operator: Operator, chosen: int, least: bool) -> None:
    """What was chosen becomes the result: mirrored back, or put into other units."""
    after, is_image = lowering.rule_of(operator), lowering.is_image[chosen]
    if least or lowering.rules[chosen] != after:
        result = lowering.new(operator.output, lowering.dims[chosen], after, is_image=is_image)
        kind = Ingredients.MIRRORED if least else Ingredients.UNITS
        _table(lowering, operator, chosen, result, kind, {})
        chosen = result
    lowering.numbers[operator.output] = chosen


def choose(lowering: Lowering, operator: Binary, first: int, second: int) -> None:
    """The greater or lesser one: both in rows by turns, then windows of two."""
    least = operator.kind is BinaryKind.MINIMUM
    dims, after = lowering.dims[first], lowering.rule_of(operator)
    if lowering.dims[second].elements > dims.elements:
        first, second, dims = second, first, lowering.dims[second]
    if lowering.dims[second] != dims:
        second = _stretched(lowering, operator, first, second)
    pair = lowering.new(
        f"{operator.output}:pair", dims._replace(rows=2 * dims.rows), after, is_image=True
    )
    kind = Ingredients.MIRROR if least else Ingredients.UNITS
    for row, source in enumerate((first, second)):
        place = {"rows": dims.rows, "first_row": row, "result_rows": 2, "is_part": 1}
        _table(lowering, operator, source, pair, kind, place)
    name = f"{operator.output}:chosen" if least else operator.output
    chosen = lowering.new(name, dims, after)
    lowering.is_image[chosen] = lowering.is_image[first]
    window = {"taps": 2, "kernel_rows": 2, "stride_rows": 2}
    lowering.append(operator, Opcode.POOL_MAX, pair, chosen, columns=window)
    _finish(lowering, operator, chosen, least)


def _stretched(lowering: Lowering, operator: Binary, full: int, small: int) -> int:
    """A tensor that repeats the small operand, in units of the result: none of the full one is in.

    Its one rounding is that of models which round once; in others units change before.
    """
    dims, after = lowering.dims[full], lowering.rule_of(operator)
    if any(each not in (1, size) for size, each in zip(dims, lowering.dims[small], strict=True)):
        raise lowering.refuse(operator, "has no lowering that stretches what it chooses from")
    rounds_once = lowering.model is None or lowering.model.rounding is Rounding.ONCE
    if not rounds_once and lowering.rules[small] != after:
        name = f"{operator.output}:units"
        small = moves.in_other_units(lowering, operator, small, name, after)
    rules = lowering.rules[full], lowering.rules[small]
    result = lowering.new(f"{operator.output}:stretched", dims, after)
    factors = (0.0, rules[1].scale[0] / after.scale[0])
    recipe = Recipe(Ingredients.BLEND, operator, rules[0], after, second=rules[1], factors=factors)
    lowering.append(operator, Opcode.ADD, full, result, recipe, {"table_bytes": _ADD_BYTES}, small)
    return result


def reciprocal(lowering: Lowering, operator: Binary, divisor: int) -> int:
    """The number of what to multiply by in place of dividing."""
    rule = reciprocal_rule(lowering.rules[divisor].scale[0])
    result = lowering.new(f"{operator.output}:reciprocal", lowering.dims[divisor], rule)
    lowering.is_image[result] = lowering.is_image[divisor]
    _table(lowering, operator, divisor, result, Ingredients.RECIPROCAL, {})
    return result


def prelu(lowering: Lowering, operator: PReLU) -> None:
    """Two halves, one of which is zero: what is above, and slopes times what is below."""
    shape = lowering.shape(operator.output)
    if len(shape) not in (2, 4):
        raise lowering.refuse(operator, f"has no lowering for {shape}")
    source = lowering.plain(operator.inputs[0])
    dims, before, after = lowering.dims[source], lowering.rules[source], lowering.rule_of(operator)
    above = lowering.new(f"{operator.output}:above", dims, after)
    _table(lowering, operator, source, above, Ingredients.ABOVE, {})
    below = lowering.new(f"{operator.output}:below", dims, before)
    _table(lowering, operator, source, below, Ingredients.BELOW, {})
    sloped = lowering.new(f"{operator.output}:sloped", dims, after)
    _slope(lowering, operator, below, sloped)
    destination = lowering.result(operator, dims)
    recipe = Recipe(Ingredients.BLEND, operator, after, after, second=after)
    size = {"table_bytes": _ADD_BYTES}
    lowering.append(operator, Opcode.ADD, above, destination, recipe, size, sloped)


def _slope(lowering: Lowering, operator: PReLU, below: int, sloped: int) -> None:
    """Slopes as weights, or where these are not around zero as what is multiplied by."""
    before, after = lowering.rules[below], lowering.rules[sloped]
    stored = None if lowering.model is None else lowering.model.constant(operator.name, "slope")
    rule = None if stored is None else stored.quantization
    if stored is None or rule is None or not any(rule.zero_point):
        recipe = Recipe(Ingredients.SLOPES, operator, before, after)
        lowering.append(operator, Opcode.DEPTHWISE, below, sloped, recipe, {"weights": 1})
        return
    slopes = lowering.new(f"{operator.output}:slopes", Dims(1, 1, 1, operator.channels), rule)
    lowering.constants[slopes] = stored.values.reshape(1, -1)
    lowering.in_dram.add(slopes)
    recipe = Recipe(Ingredients.PRODUCT, operator, before, after, second=rule)
    size = {"table_bytes": RECORD_BYTES}
    lowering.append(operator, Opcode.MULTIPLY, below, sloped, recipe, size, slopes)

"""Padding: margins around an image, and channels or images of one number beside others."""

from apollo.arch.isa import Opcode
from apollo.compiler.lower import Lowering
from apollo.compiler.lowering_moves import FIRST, axis_in, in_other_units
from apollo.compiler.recipe import Ingredients, Recipe
from apollo.workloads.operators import Pad

_TABLE_BYTES = 256
_POSITIONS = ("rows", "columns")
_LEAST = -128


def pad(lowering: Lowering, operator: Pad) -> None:
    """In units of the result: a window of one element over margins, then channels and images."""
    name = operator.inputs[0]
    source, after = lowering.plain(name), lowering.rule_of(operator)
    amounts: dict[str, tuple[int, int]] = {}
    for axis, pair in enumerate(zip(operator.before, operator.after, strict=True)):
        if any(pair):
            amounts[axis_in(lowering, operator, name, axis)] = pair
    if lowering.rules[source] != after:
        source = in_other_units(lowering, operator, source, f"{operator.output}:units", after)
    real = after.zero_point[0] + operator.value / after.scale[0]
    fill = round(min(after.high, max(after.low, real)))
    # Margins are filled by loads and moves, which say 8 bits.
    positions = _POSITIONS if _LEAST <= fill < -_LEAST else ()
    margins = {axis: amounts[axis] for axis in positions if axis in amounts}
    others = [axis for axis in FIRST if axis in amounts and axis not in margins]
    if margins or not others:
        source = _pad_positions(lowering, operator, source, margins, fill)
    for name in others:
        source = _pad_others(lowering, operator, source, name, amounts[name], fill)
    lowering.numbers[operator.output] = source


def _result(lowering: Lowering, operator: Pad, like: int, extents: dict[str, int]) -> int:
    """A new tensor, as large as another but for some extents."""
    dims, rule = lowering.dims[like]._replace(**extents), lowering.rules[like]
    is_image = len(lowering.shape(operator.output)) >= 4
    return lowering.new(operator.output, dims, rule, is_image=is_image)


def _pad_positions(
    lowering: Lowering,
    operator: Pad,
    source: int,
    amounts: dict[str, tuple[int, int]],
    fill: int,
) -> int:
    dims = lowering.dims[source]
    grown = {axis: getattr(dims, axis) + sum(pair) for axis, pair in amounts.items()}
    result = _result(lowering, operator, source, grown)
    columns = {f"pad_{axis}": pair[0] for axis, pair in amounts.items()} | {"fill": fill}
    lowering.append(operator, Opcode.POOL_MAX, source, result, columns=columns)
    return result


def _pad_others(
    lowering: Lowering, operator: Pad, source: int, axis: str, amounts: tuple[int, int], fill: int
) -> int:
    """What there is as it is, and more by a product or table that gives one number."""
    q, have = lowering.rules[source], int(getattr(lowering.dims[source], axis))
    result = _result(lowering, operator, source, {axis: have + sum(amounts)})
    part = {"is_part": 1, "whole_channels": int(axis == "channels")}
    columns = part | {axis: have, FIRST[axis]: amounts[0]}
    lowering.append(operator, Opcode.COPY, source, result, columns=columns)
    opcode, recipe = Opcode.LOOKUP, Recipe(Ingredients.CONSTANT, operator, q, q, count=fill)
    part |= {"table_bytes": _TABLE_BYTES}
    if q.bits != 8:  # bounds that leave nothing else
        opcode, recipe = Opcode.DEPTHWISE, Recipe(Ingredients.ONES, operator, q, q)
        part |= {"table_bytes": 0, "weights": 1, "low": fill, "high": fill}
    for begin, count in ((0, amounts[0]), (amounts[0] + have, amounts[1])):
        for first in range(0, count, have):
            columns = part | {axis: min(have, count - first), FIRST[axis]: begin + first}
            lowering.append(operator, opcode, source, result, recipe, columns)
    return result

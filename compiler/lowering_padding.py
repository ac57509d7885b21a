"""Padding: margins around an image, and channels of one number behind and before others."""

from apollo.arch.isa import Opcode
from apollo.compiler.lower import Lowering
from apollo.compiler.lowering_moves import axis_in, in_units
from apollo.compiler.recipe import Ingredients, Recipe
from apollo.workloads.operators import Pad

_TABLE_BYTES = 256


def pad(lowering: Lowering, operator: Pad) -> None:
    """A window of one element over an image with margins, then the channels."""
    name = operator.inputs[0]
    source, q = lowering.plain(name), lowering.rules[lowering.numbers[name]]
    amounts: dict[str, tuple[int, int]] = {}
    for axis, pair in enumerate(zip(operator.before, operator.after, strict=True)):
        if any(pair):
            amounts[axis_in(lowering, operator, name, axis)] = pair
    if "images" in amounts:
        raise lowering.refuse(operator, "has no lowering that adds images to a batch")
    real = min(q.high, max(q.low, q.zero_point[0] + operator.value / q.scale[0]))
    channels = amounts.pop("channels", None)
    grown = {axis: getattr(lowering.dims[source], axis) + sum(amounts[axis]) for axis in amounts}
    dims = lowering.dims[source]._replace(**grown)
    columns = {f"pad_{axis}": pair[0] for axis, pair in amounts.items()} | {"fill": round(real)}
    if channels is None:
        in_units(lowering, operator, Opcode.POOL_MAX, source, dims=dims, columns=columns)
        return
    if amounts:
        is_image = len(lowering.shape(name)) >= 4
        high = lowering.new(f"{operator.output}:margins", dims, q, is_image=is_image)
        lowering.append(operator, Opcode.POOL_MAX, source, high, columns=columns)
        source = high
    _pad_channels(lowering, operator, source, channels, round(real))


def _pad_channels(
    lowering: Lowering, operator: Pad, source: int, amounts: tuple[int, int], fill: int
) -> None:
    """The channels as they are, and others by a table that gives one number."""
    q, dims = lowering.rules[source], lowering.dims[source]
    if q.bits != 8:
        raise lowering.refuse(operator, "has no lowering for channels of 16 bits")
    wide = dims._replace(channels=dims.channels + sum(amounts))
    result = lowering.new(f"{operator.output}:padded", wide, q)
    lowering.is_image[result] = len(lowering.shape(operator.output)) >= 4
    part = {"is_part": 1, "whole_channels": 1}
    columns = part | {"channels": dims.channels, "first_channel": amounts[0]}
    lowering.append(operator, Opcode.COPY, source, result, columns=columns)
    for begin, count in ((0, amounts[0]), (amounts[0] + dims.channels, amounts[1])):
        for first in range(0, count, dims.channels):
            size = min(dims.channels, count - first)
            recipe = Recipe(Ingredients.CONSTANT, operator, q, q, count=fill)
            columns = part | {"channels": size, "first_channel": begin + first}
            columns |= {"table_bytes": _TABLE_BYTES}
            lowering.append(operator, Opcode.LOOKUP, source, result, recipe, columns)
    if q == lowering.rule_of(operator):
        lowering.numbers[operator.output] = result
    else:
        in_units(lowering, operator, Opcode.COPY, result, dims=wide, columns={})

"""Resizing and blocks of positions: one dimension after the other, a nest for every phase.

Positions of a resized dimension repeat: output `period * r + p` lies between the same two elements,
in the same shares, `step * r` further on. A phase `p` is a sum of two elements with fixed factors;
its results lie `period` apart. Columns come first and rows last, so that whole rows are stored.
"""

from typing import NamedTuple

from apollo.arch.isa import Opcode
from apollo.compiler.lower import Columns, Lowering
from apollo.compiler.lowering_moves import in_units
from apollo.compiler.recipe import Ingredients, Recipe
from apollo.compiler.storage import Dims, dims_of
from apollo.workloads.operators import DepthToSpace, Operator, Resize, ResizeKind, SpaceToDepth
from apollo.workloads.quantization import Quantization
from apollo.workloads.resampling import Phases, blend_factors, fine, phases

ADD_BYTES = 13


class Axis(NamedTuple):
    """Names of what has to do with a dimension."""

    size: str
    pad: str
    stride: str
    first: str
    beside: str
    second: str
    whole: str


_ROWS = Axis(
    *("rows", "pad_rows", "stride_rows", "first_row", "result_rows", "second_row", "whole_rows")
)
_COLUMNS = Axis(
    *("columns", "pad_columns", "stride_columns", "first_column"),
    *("result_columns", "second_column", "whole_columns"),
)
_AXES = (_COLUMNS, _ROWS)


def resize(lowering: Lowering, operator: Resize) -> None:
    """Columns, then rows; elements that are taken as they are may get other units behind."""
    source = lowering.plain(operator.inputs[0])
    before, after = lowering.rules[source], lowering.rule_of(operator)
    blends = operator.kind is ResizeKind.BILINEAR
    rules = (fine(before), after) if blends else (before, before)
    number = source
    for axis, size, rule in zip(_AXES, operator.size[::-1], rules, strict=True):
        found = phases(operator, getattr(lowering.dims[number], axis.size), size)
        number = _along(lowering, operator, number, axis, found, size, rule)
    wanted = dims_of(lowering.shape(operator.output))
    if number == source or lowering.dims[number] != wanted:
        in_units(lowering, operator, Opcode.POOL_MAX, number, columns={})
    else:
        _finish(lowering, operator, number)


def _along(
    lowering: Lowering,
    operator: Resize,
    source: int,
    axis: Axis,
    found: Phases,
    size: int,
    rule: Quantization,
) -> int:
    """A tensor of `size` elements along a dimension, or somewhat more; its number."""
    blends = operator.kind is ResizeKind.BILINEAR
    dims = lowering.dims[source]
    if not blends and found.is_identity:
        return source
    count = -(-size // found.period)
    offsets = [offset for offset, _ in found.places]
    before = max(0, -min(offsets))
    last = (count - 1) * found.step + max(offsets) + int(blends)
    behind = max(0, last - (getattr(dims, axis.size) - 1))
    source = _extended(lowering, operator, source, axis, before, behind, found.period > 1)
    whole = dims._replace(**{axis.size: count * found.period})
    name = f"{operator.output}:{axis.size}"
    result = lowering.new(name, whole, rule, is_image=True)
    columns = {
        axis.size: count,
        axis.beside: found.period,
        axis.stride: found.step if count > 1 else 1,
        "is_part": int(found.period > 1),
    }
    if not blends and axis is _COLUMNS and len(set(offsets)) == 1 and found.period > 1:
        # All take the same element: one nest leaves them side by side.
        columns |= {axis.pad: -offsets[0] - before, "groups": found.period}
        columns |= {"result_step": dims.channels, "whole_channels": 1}
        lowering.append(operator, Opcode.COPY, source, result, columns=columns)
        return result
    for phase, (offset, share) in enumerate(found.places):
        first = before + offset
        columns |= {axis.pad: -first, axis.first: phase}
        if not blends:
            lowering.append(operator, Opcode.COPY, source, result, columns=columns)
            continue
        factors = blend_factors(lowering.rules[source], rule, share)
        given = lowering.rules[source]
        recipe = Recipe(Ingredients.BLEND, operator, given, rule, second=given, factors=factors)
        more = columns | {axis.second: first + 1, "table_bytes": ADD_BYTES}
        lowering.append(operator, Opcode.ADD, source, result, recipe, more, source)
    return result


def _extended(
    lowering: Lowering,
    operator: Operator,
    source: int,
    axis: Axis,
    before: int,
    behind: int,
    is_shared: bool,
) -> int:
    """The source with its first and last elements repeated, whole in the PEs that have any of it.

    What several phases read is brought there once.
    """
    dims, rule = lowering.dims[source], lowering.rules[source]
    if not (before or behind or is_shared):
        return source
    size = getattr(dims, axis.size)
    wide = dims._replace(**{axis.size: before + size + behind})
    result = lowering.new(f"{lowering.names[source]}:{axis.size}", wide, rule, is_image=True)
    is_part = int(before + behind > 0)
    columns: Columns = {axis.whole: 1, axis.size: size, axis.first: before, "is_part": is_part}
    lowering.append(operator, Opcode.COPY, source, result, columns=columns)
    edges = [(place, 0) for place in range(before)]
    edges += [(before + size + place, size - 1) for place in range(behind)]
    for place, element in edges:
        columns = {axis.whole: 1, axis.size: 1, axis.first: place, axis.pad: -element, "is_part": 1}
        lowering.append(operator, Opcode.COPY, source, result, columns=columns)
    return result


def depth_to_space(lowering: Lowering, operator: DepthToSpace) -> None:
    """A copy for every row of a block: the columns' channels already lie side by side."""
    source = lowering.plain(operator.inputs[0])
    dims, block = lowering.dims[source], operator.block
    each = dims.channels // block
    result = Dims(dims.images, dims.rows * block, dims.columns * block, dims.channels // block**2)
    moved = lowering.new(f"{operator.output}:moved", result, lowering.rules[source], is_image=True)
    for row in range(block):
        columns = {"rows": dims.rows, "columns": dims.columns, "channels": each}
        columns |= {"source_channel": row * each, "first_row": row, "is_part": 1}
        columns |= {"result_rows": block, "result_columns": block, "whole_channels": 1}
        lowering.append(operator, Opcode.COPY, source, moved, columns=columns)
    _finish(lowering, operator, moved)


def space_to_depth(lowering: Lowering, operator: SpaceToDepth) -> None:
    """A copy for every element of a block, into channels of its own."""
    source = lowering.plain(operator.inputs[0])
    dims, block = lowering.dims[source], operator.block
    wanted = dims_of(lowering.shape(operator.output))
    moved = lowering.new(f"{operator.output}:moved", wanted, lowering.rules[source], is_image=True)
    for place in range(block * block):
        row, column = divmod(place, block)
        columns = {"channels": dims.channels, "first_channel": place * dims.channels}
        columns |= {"pad_rows": -row, "pad_columns": -column, "is_part": 1, "whole_channels": 1}
        columns |= {"stride_rows": block, "stride_columns": block}
        lowering.append(operator, Opcode.COPY, source, moved, columns=columns)
    _finish(lowering, operator, moved)


def _finish(lowering: Lowering, operator: Operator, moved: int) -> None:
    """What was moved becomes the result, or a table puts it into other units."""
    if lowering.rules[moved] != lowering.rule_of(operator):
        in_units(lowering, operator, Opcode.COPY, moved, columns={})
        return
    lowering.numbers[operator.output] = moved

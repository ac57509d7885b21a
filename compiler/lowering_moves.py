"""Lowering of operators that move elements: views, copies, and tables where units change."""

import math

from apollo.arch.isa import Opcode
from apollo.compiler.lower import Columns, Lowering
from apollo.compiler.lowering_matrices import exchanges_groups, seen_as
from apollo.compiler.lowering_orders import transpose_any
from apollo.compiler.numbers import quantization_of
from apollo.compiler.recipe import Ingredients, Recipe
from apollo.compiler.storage import Dims, axis_of, dims_of
from apollo.compiler.tables import IN_ORDER, NO_TENSOR
from apollo.compiler.tables import Split as Axis
from apollo.workloads.operators import Concat, Operator, Reshape, Slice, Split, Transpose
from apollo.workloads.quantization import Quantization

TABLE_BYTES, WIDE_TABLE_BYTES = 256, 2 * 513
FIRST = {
    "images": "first_image",
    "rows": "first_row",
    "columns": "first_column",
    "channels": "first_channel",
}


def table_bytes(before: Quantization, after: Quantization) -> int:
    """Of a table from one quantisation to another."""
    if before.bits == 16:
        return WIDE_TABLE_BYTES
    return TABLE_BYTES * after.bits // 8


def table(lowering: Lowering, operator: Operator, source: int, ingredients: Ingredients) -> None:
    """A function of every element: a table has an entry for every number of 8 bits."""
    if lowering.rules[source].bits != 8:
        raise lowering.refuse(operator, "has no lowering for elements of 16 bits")
    destination = lowering.result(operator, lowering.dims[source])
    if operator.inputs[0] in lowering.grouped:
        lowering.grouped[operator.output] = lowering.grouped[operator.inputs[0]]
    lowering.is_image[destination] = lowering.is_image[source]
    before, after = lowering.rules[source], lowering.rules[destination]
    recipe = Recipe(ingredients, operator, before, after)
    size = table_bytes(before, after)
    lowering.append(operator, Opcode.LOOKUP, source, destination, recipe, {"table_bytes": size})


def in_units(
    lowering: Lowering,
    operator: Operator,
    opcode: Opcode,
    source: int,
    *,
    columns: Columns,
    name: str = "",
    dims: Dims | None = None,
) -> None:
    """A nest that moves elements, and a table behind it where the result has other units."""
    name = name or operator.output
    dims = dims or dims_of(lowering.shape(name))
    before = lowering.rules[source]
    if before == lowering.rule_of(operator, name):
        destination = lowering.result(operator, dims, name)
        lowering.append(operator, opcode, source, destination, columns=columns)
        return
    moved = lowering.new(f"{name}:moved", dims, before)
    lowering.append(operator, opcode, source, moved, columns=columns)
    lowering.is_image[moved] = len(lowering.shape(name)) >= 4
    after = lowering.rule_of(operator, name)
    lowering.numbers[name] = in_other_units(lowering, operator, moved, name, after)


def reshape(lowering: Lowering, operator: Reshape) -> None:
    """A view, behind a table where units differ; whoever cannot read it puts it in order."""
    source = operator.inputs[0]
    before, after = (quantization_of(lowering.model, name) for name in (source, operator.output))
    if before != after:
        name, plain = f"{operator.output}:units", lowering.plain(source)
        number = in_other_units(lowering, operator, plain, name, after)
        lowering.numbers[operator.output] = number
        return
    if source in lowering.grouped:
        lowering.plain(source)
    number = lowering.numbers[source]
    # A view of a view: only the order of the first is known.
    if not lowering.is_plain(source) and not _same_logical(lowering, source):
        number = lowering.plain(source)
    lowering.numbers[operator.output] = number


def in_other_units(
    lowering: Lowering, operator: Operator, source: int, name: str, after: Quantization
) -> int:
    """The number of a new tensor with the same elements in other units.

    By a table, which has an entry for every number of 8 bits; of 16 bits by a product with ones.
    """
    before = lowering.rules[source]
    number = lowering.new(name, lowering.dims[source], after, is_image=lowering.is_image[source])
    if before.bits == 8:
        recipe, size = (
            Recipe(Ingredients.UNITS, operator, before, after),
            table_bytes(before, after),
        )
        lowering.append(operator, Opcode.LOOKUP, source, number, recipe, {"table_bytes": size})
    else:
        recipe = Recipe(Ingredients.ONES, operator, before, after)
        lowering.append(operator, Opcode.DEPTHWISE, source, number, recipe, {"weights": 1})
    return number


def _same_logical(lowering: Lowering, name: str) -> bool:
    """Whether a view has its tensor's logical order: all views have, as long as none is stored."""
    dims = lowering.dims[lowering.numbers[name]]
    return dims.elements == math.prod(lowering.shape(name))


def transpose(lowering: Lowering, operator: Transpose) -> None:
    """A copy that reads coordinates by other names, or channels in groups."""
    if exchanges_groups(lowering, operator):
        return
    source = lowering.plain(operator.inputs[0])
    shape, perm = lowering.shape(operator.inputs[0]), operator.perm
    dims = dims_of(lowering.shape(operator.output))
    if len(shape) == 5 and perm == (0, 2, 1, 3, 4):
        groups, each = shape[1], shape[2]
        columns = {"groups": groups, "channels": each, "source_step": each, "result_step": 1}
        columns |= {"result_pitch": groups, "whole_channels": 1}
        in_units(lowering, operator, Opcode.COPY, source, dims=dims, columns=columns)
        return
    order = _permutation(lowering, operator, shape)
    if order is None:
        transpose_any(lowering, operator)
        return
    in_units(lowering, operator, Opcode.COPY, source, dims=dims, columns={"permutation": order})


def _permutation(lowering: Lowering, operator: Transpose, shape: tuple[int, ...]) -> int | None:
    """Of rows, columns and channels the source's coordinate that each is; None: no single copy."""
    perm = operator.perm
    source = lowering.dims[lowering.numbers[operator.inputs[0]]]
    if len(shape) == 4 and perm[0] == 0:
        old = (0, Axis.CHANNELS, Axis.ROWS, Axis.COLUMNS)
        code = old[perm[2]] | old[perm[3]] << 4 | old[perm[1]] << 8
    elif (len(shape) == 2 or (len(shape) == 3 and shape[0] == 1 and perm[0] == 0)) and (
        source.images == 1
    ):
        swaps = perm[-1] != len(shape) - 1
        code = 0x123 if swaps else IN_ORDER
    else:
        return None
    return int(code)


def axis_in(
    lowering: Lowering, operator: Operator, tensor: str, axis: int, number: int = NO_TENSOR
) -> str:
    """The stored coordinate of a dimension of a tensor, or of what it is stored as."""
    try:
        name = axis_of(lowering.shape(tensor), axis)
    except ValueError as error:
        raise lowering.refuse(operator, f"has no lowering: {error}") from None
    number = lowering.numbers[tensor] if number == NO_TENSOR else number
    if name == "rows" and lowering.dims[number].images > 1:
        is_flat = len(lowering.shape(tensor)) < 4
        return "images" if is_flat else name
    return name


def concat(lowering: Lowering, operator: Concat) -> None:
    """One copy for every input, each into its part of the output, or a table where units differ."""
    after = lowering.rule_of(operator)
    sources = [_part(lowering, operator, name, after) for name in operator.inputs]
    dims = [lowering.dims[source] for source in sources]
    usual = [dims_of(lowering.shape(name)) for name in operator.inputs]
    if dims != usual and any(one == other for one, other in zip(dims, usual, strict=True)):
        # Items of a batch are rows here, and images of one position there.
        pairs, dims = zip(sources, usual, strict=True), usual
        sources = [seen_as(lowering, operator, source, each) for source, each in pairs]
    axis = axis_in(lowering, operator, operator.inputs[0], operator.axis, sources[0])
    extents = [getattr(each, axis) for each in dims]
    whole = dims[0]._replace(**{axis: sum(extents)})
    if any(each._replace(**{axis: 1}) != whole._replace(**{axis: 1}) for each in dims):
        raise lowering.refuse(operator, "has inputs that are stored differently")
    destination, first = lowering.result(operator, whole), 0
    for source, each in zip(sources, dims, strict=True):
        before = lowering.rules[source]
        same = before == after
        recipe = None if same else Recipe(Ingredients.UNITS, operator, before, after)
        columns = each._asdict() | {FIRST[axis]: first, "is_part": 1}
        columns["whole_channels"] = int(axis == "channels")
        columns["table_bytes"] = 0 if same else table_bytes(before, after)
        opcode = Opcode.COPY if same else Opcode.LOOKUP
        lowering.append(operator, opcode, source, destination, recipe, columns=columns)
        first += getattr(each, axis)


def _part(lowering: Lowering, operator: Concat, name: str, after: Quantization) -> int:
    """An input, of 16 bits in units of the result: no table has so many entries."""
    source = lowering.plain(name)
    if lowering.rules[source].bits == 8 or lowering.rules[source] == after:
        return source
    return in_other_units(lowering, operator, source, f"{name}:units", after)


def cut(lowering: Lowering, operator: Slice) -> None:
    """A window of one element that begins inside the source and takes steps."""
    if operator.axes == (0,) and len(lowering.shape(operator.output)) > 3:
        _cut_batch(lowering, operator)
        return
    source = _by_items(lowering, operator)
    steps = operator.steps or (1,) * len(operator.axes)
    columns: dict[str, int] = {}
    for axis, start, stop, step in zip(
        operator.axes, operator.starts, operator.stops, steps, strict=True
    ):
        name = _axis_of(lowering, operator, source, axis)
        if step == 1 and stop - start == lowering.shape(operator.inputs[0])[axis]:
            continue
        each = _item_rows(lowering, operator.inputs[0], source, axis)
        if each > 1 and step > 1:
            raise lowering.refuse(operator, "has no lowering by steps over a batch")
        columns |= _cut_of(lowering, operator, name, start * each, step)
    dims = _cut_dims(lowering, operator, source)
    in_units(lowering, operator, Opcode.POOL_MAX, source, dims=dims, columns=columns)


def _cut_batch(lowering: Lowering, operator: Slice) -> None:
    """Some images of a batch: rows of all of them, one below the other, in DRAM."""
    if any(step > 1 for step in operator.steps):
        raise lowering.refuse(operator, "has no lowering by steps over a batch")
    source = lowering.plain(operator.inputs[0])
    dims = lowering.dims[source]
    below = dims._replace(images=1, rows=dims.images * dims.rows)
    view = seen_as(lowering, operator, source, below)
    count = operator.stops[0] - operator.starts[0]
    part = lowering.new(
        f"{operator.output}:part", below._replace(rows=count * dims.rows), lowering.rules[source]
    )
    columns = {"pad_rows": -operator.starts[0] * dims.rows}
    lowering.append(operator, Opcode.POOL_MAX, view, part, columns=columns)
    lowering.private.add(part)
    found = dims._replace(images=count)
    number = seen_as(lowering, operator, part, found)
    in_units(lowering, operator, Opcode.POOL_MAX, number, dims=found, columns={})


def _by_items(lowering: Lowering, operator: Slice | Split) -> int:
    """The source; the items of a batch of sequences as images."""
    name = operator.inputs[0]
    source, shape = lowering.plain(name), lowering.shape(name)
    axes = operator.axes if isinstance(operator, Slice) else (operator.axis,)
    if len(shape) == 3 and shape[0] > 1 and 1 in axes:
        return seen_as(lowering, operator, source, Dims(shape[0], shape[1], 1, shape[2]))
    return source


def _item_rows(lowering: Lowering, name: str, source: int, axis: int) -> int:
    """Stored rows of an item along an axis: of a batch of sequences as many as steps."""
    shape = lowering.shape(name)
    is_batch = len(shape) == 3 and axis == 0 and source == lowering.numbers[name]
    return shape[1] if is_batch else 1


def _axis_of(lowering: Lowering, operator: Slice | Split, source: int, axis: int) -> str:
    name = operator.inputs[0]
    if source != lowering.numbers[name]:
        return ("images", "rows", "channels")[axis]
    return axis_in(lowering, operator, name, axis)


def _cut_dims(lowering: Lowering, operator: Slice, source: int) -> Dims:
    shape = lowering.shape(operator.output)
    if source != lowering.numbers[operator.inputs[0]]:
        return Dims(shape[0], shape[1], 1, shape[2])
    if len(shape) == 2 and lowering.dims[source].images > 1:
        return Dims(shape[0], 1, 1, shape[1])  # items are images of one position
    return dims_of(shape)


def _cut_of(
    lowering: Lowering, operator: Operator, name: str, start: int, step: int
) -> dict[str, int]:
    if name == "channels" and step == 1:
        return {"source_channel": start, "whole_channels": 1}
    if name in ("rows", "columns"):
        return {f"pad_{name}": -start, f"stride_{name}": step}
    raise lowering.refuse(operator, f"has no lowering along {name} by steps of {step}")


def split(lowering: Lowering, operator: Split) -> None:
    """One cut for every part."""
    source = _by_items(lowering, operator)
    axis = _axis_of(lowering, operator, source, operator.axis)
    first = 0
    for name, size in zip(operator.outputs, operator.sizes, strict=True):
        each = _item_rows(lowering, operator.inputs[0], source, operator.axis)
        columns = _cut_of(lowering, operator, axis, first * each, 1)
        dims = lowering.dims[source]._replace(**{axis: size * each})
        in_units(lowering, operator, Opcode.POOL_MAX, source, name=name, dims=dims, columns=columns)
        first += size

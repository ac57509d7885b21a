"""Products of two computed operands, and how matrices lie: side by side along the channels.

Of a tensor (..., rows, columns) the leading dimensions number matrices. A *grouped* tensor has a
stored row for every row of them, and the matrices' rows beside each other as channels. That is how
a layer leaves the features of attention heads, and how the next layer reads their answers, so that
transpositions between heads and positions are views.
"""

import math

from apollo.arch.isa import Opcode
from apollo.arch.operands import RECORD_BYTES, ComputeFlag
from apollo.compiler.lower import Lowering
from apollo.compiler.recipe import Ingredients, Recipe
from apollo.compiler.storage import Dims
from apollo.compiler.tables import Dynamic, Nest
from apollo.workloads.operators import MatMul, Operator, Transpose
from apollo.workloads.quantization import Quantization

# Of PERMUTATION: rows and columns, or columns and channels, change places.
_ROWS_COLUMNS, _COLUMNS_CHANNELS = 0x312, 0x231
_TABLE_BYTES = 256


def exchanges_groups(lowering: Lowering, operator: Transpose) -> bool:
    """Whether a transposition only says which matrices lie side by side, and no more is to do."""
    name, shape = operator.inputs[0], lowering.shape(operator.inputs[0])
    if len(shape) != 4 or operator.perm != (0, 2, 1, 3) or shape[0] != 1:
        return False
    number = lowering.numbers[name]
    dims = lowering.dims[number]
    if lowering.rules[number] != lowering.rule_of(operator):
        return False
    if name in lowering.grouped:
        lowering.numbers[operator.output] = number
        return True
    _, rows, groups, each = shape
    if lowering.is_image[number] or dims != Dims(1, rows, 1, groups * each):
        return False
    lowering.numbers[operator.output] = number
    lowering.grouped[operator.output] = groups
    return True


def grouped(lowering: Lowering, name: str) -> int:
    """The number of a tensor whose matrices lie side by side."""
    *leading, rows, each = lowering.shape(name)
    groups = math.prod(leading)
    if name in lowering.grouped:
        return lowering.numbers[name]
    number = lowering.plain(name)
    if groups == 1 and lowering.dims[number] == Dims(1, rows, 1, each):
        return number
    operator = _operator(lowering, name)
    dims = lowering.dims[number]
    if lowering.is_image[number]:
        images, _, _, channels = dims
        if images == 1 or channels == 1:
            # [rows][columns][matrices], or one matrix after the other.
            order = _COLUMNS_CHANNELS if channels > 1 else _ROWS_COLUMNS
            seen = Dims(1, rows, each, channels) if channels > 1 else Dims(1, groups, rows, each)
            found = _turned(lowering, operator, number, seen, order)
            return _seen(lowering, found, Dims(1, rows, 1, groups * each))
        # Of every item [rows][matrices], then the rows of all items beside each other.
        seen = Dims(images, rows, each, channels)
        apart = _turned(lowering, operator, number, seen, _COLUMNS_CHANNELS)
        seen = Dims(1, images, rows, channels * each)
        found = _turned(lowering, operator, apart, seen, _ROWS_COLUMNS)
        return _seen(lowering, found, Dims(1, rows, 1, groups * each))
    found = _turned(lowering, operator, number, Dims(1, groups, rows, each), _ROWS_COLUMNS)
    return _seen(lowering, found, Dims(1, rows, 1, groups * each))


def ungroup(lowering: Lowering, name: str) -> None:
    """Store matrices as their shape has them."""
    groups, number = lowering.grouped.pop(name), lowering.numbers[name]
    shape = lowering.shape(name)
    rows, each = shape[-2:]
    operator = _operator(lowering, name)
    if len(shape) >= 4 and shape[0] == 1:
        found = _turned(lowering, operator, number, Dims(1, rows, groups, each), _COLUMNS_CHANNELS)
        lowering.is_image[found] = True
        lowering.numbers[name] = found
        return
    found = _turned(lowering, operator, number, Dims(1, rows, groups, each), _ROWS_COLUMNS)
    seen = Dims(1, groups * rows, 1, each)
    lowering.numbers[name] = lowering.copy(operator, _seen(lowering, found, seen), seen, {})


def _operator(lowering: Lowering, name: str) -> Operator:
    producer = lowering.graph.producer(name)
    return producer or lowering.graph.consumers(name)[0]


def _seen(lowering: Lowering, number: int, dims: Dims) -> int:
    """The same bytes in DRAM as a tensor of other dimensions."""
    if lowering.dims[number] == dims:
        return number
    view = lowering.new(f"{lowering.names[number]}:view", dims, lowering.rules[number])
    lowering.aliases[view] = lowering.aliases.get(number, number)
    lowering.in_dram |= {number, view}
    return view


def seen_as(lowering: Lowering, operator: Operator, number: int, seen: Dims) -> int:
    """The same for any tensor: of one that windows may read with margins a copy is seen."""
    if lowering.dims[number] == seen:
        return number
    if number not in lowering.private:
        number = lowering.copy(operator, number, lowering.dims[number], {})
        lowering.private.add(number)
    return _seen(lowering, number, seen)


def _turned(lowering: Lowering, operator: Operator, number: int, seen: Dims, order: int) -> int:
    """A copy in which two coordinates have changed places, of a tensor seen with dimensions."""
    view = seen_as(lowering, operator, number, seen)
    images, rows, columns, channels = seen
    turned = Dims(images, columns, rows, channels)
    if order == _COLUMNS_CHANNELS:
        turned = Dims(images, rows, channels, columns)
    copy = lowering.new(f"{lowering.names[number]}:turned", turned, lowering.rules[number])
    lowering.append(operator, Opcode.COPY, view, copy, columns={"permutation": order})
    lowering.private.add(copy)
    return copy


def matmul(lowering: Lowering, operator: MatMul) -> None:
    """A convolution whose weights are the right operand, group by group."""
    left, right = operator.inputs
    groups = math.prod(lowering.shape(operator.output)[:-2])
    if any(math.prod(lowering.shape(name)[:-2]) != groups for name in operator.inputs):
        raise lowering.refuse(operator, "has no lowering that repeats matrices")
    if operator.transpose_left:
        raise lowering.refuse(operator, "has no lowering with its left matrices turned")
    source, weights = grouped(lowering, left), grouped(lowering, right)
    if lowering.rules[weights].bits != 8:
        raise lowering.refuse(operator, "has no lowering with right matrices of 16 bits")
    rows = lowering.shape(left)[-2]
    outputs = lowering.shape(operator.output)[-1]
    dynamic = Dynamic.BY_RESULT if operator.transpose_right else Dynamic.BY_INPUT
    pieces = _pieces(lowering.rules[weights])
    rules = lowering.rules[source], lowering.rules[weights]
    if rules[0].zero_point[0] or pieces > 1:
        source = _centred(lowering, operator, source, groups, pieces)
    if rules[1].zero_point[0]:
        weights = _in_pieces(lowering, operator, weights, groups, dynamic, pieces)
    after = lowering.rule_of(operator)
    dims = Dims(1, rows, 1, groups * outputs)
    destination = lowering.new(operator.output, dims, after)
    lowering.numbers[operator.output] = destination
    if groups > 1 or len(lowering.shape(operator.output)) > 3:
        lowering.grouped[operator.output] = groups
    recipe = Recipe(Ingredients.MATMUL, operator, *(rules[0], after), second=rules[1])
    tensors = (source, weights, destination)
    multiply(lowering, operator, tensors, recipe, groups, dynamic=int(dynamic))


def multiply(
    lowering: Lowering,
    operator: Operator,
    tensors: tuple[int, int, int],
    recipe: Recipe,
    groups: int,
    **more: int,
) -> None:
    """The nest of a product, group by group; `tensors` are source, weights and destination."""
    source, weights, destination = tensors
    inputs, outputs = (lowering.dims[each].channels // groups for each in (source, destination))
    columns = {
        "channels": outputs,
        "in_channels": inputs,
        "groups": groups,
        "source_step": inputs,
        "result_step": outputs,
        "table_bytes": RECORD_BYTES,
        "mixes_channels": 1,
        "whole_channels": 1,
        "dynamic": int(Dynamic.BY_INPUT),
        **more,
    }
    lowering.append(operator, Opcode.CONVOLVE, source, destination, recipe, columns, weights)
    flags = lowering.rows[-1][Nest.FLAGS] & ~ComputeFlag.WIDE_SECOND
    lowering.rows[-1][Nest.FLAGS] = int(flags | ComputeFlag.UNIFORM)


def _pieces(rule: Quantization) -> int:
    """Int8 numbers whose sum a centred element is."""
    zero = rule.zero_point[0]
    return 1 if zero == 0 else max(-(-(127 - zero) // 127), -(-(128 + zero) // 128))


def _centred(lowering: Lowering, operator: MatMul, source: int, groups: int, pieces: int) -> int:
    """The left operand at 16 bits around zero, its inputs once for every piece of the right one."""
    before = lowering.rules[source]
    after = Quantization(before.scale, (0,), bits=16)
    if before.bits != 8 and before.zero_point[0]:
        raise lowering.refuse(operator, "has no lowering with left matrices of 16 bits off zero")
    dims = lowering.dims[source]
    each = dims.channels // groups
    wide = dims._replace(channels=dims.channels * pieces)
    result = lowering.new(f"{lowering.names[source]}:centred", wide, after)
    for piece in range(pieces):
        columns = _group_columns(groups, each, each * pieces, piece * each, pieces)
        recipe, opcode = Recipe(Ingredients.UNITS, operator, before, after), Opcode.LOOKUP
        columns["table_bytes"] = 2 * _TABLE_BYTES
        if before.bits != 8:
            recipe, opcode = Recipe(Ingredients.NOTHING, operator, before, after), Opcode.COPY
            columns["table_bytes"] = 0
        lowering.append(operator, opcode, source, result, recipe, columns)
    return result


def _group_columns(groups: int, each: int, pitch: int, first: int, parts: int) -> dict[str, int]:
    """Of a copy from groups of channels to groups that have room for several."""
    columns = {"groups": groups, "channels": each, "source_step": each, "result_step": pitch}
    return columns | {"first_channel": first, "is_part": int(parts > 1), "whole_channels": 1}


def _in_pieces(
    lowering: Lowering, operator: MatMul, weights: int, groups: int, dynamic: Dynamic, pieces: int
) -> int:
    """The right operand as so many of int8 around zero, one behind the other along the inputs."""
    before = lowering.rules[weights]
    after = Quantization(before.scale, (0,))
    dims = lowering.dims[weights]
    each = dims.channels // groups
    wide = dims._replace(rows=dims.rows * pieces)
    if dynamic is Dynamic.BY_RESULT:
        wide = dims._replace(channels=dims.channels * pieces)
    result = lowering.new(f"{lowering.names[weights]}:pieces", wide, after)
    for piece in range(pieces):
        recipe = Recipe(Ingredients.PIECE, operator, before, after, count=piece)
        columns = {"rows": dims.rows, "first_row": piece * dims.rows, "is_part": 1}
        if dynamic is Dynamic.BY_RESULT:
            columns = _group_columns(groups, each, each * pieces, piece * each, pieces)
        columns["table_bytes"] = _TABLE_BYTES
        lowering.append(operator, Opcode.LOOKUP, weights, result, recipe, columns)
    return result

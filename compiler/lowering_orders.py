"""Dimensions in any order: copies that exchange two neighbouring blocks of them, through DRAM."""

import math

from apollo.arch.isa import Opcode
from apollo.compiler.lower import Lowering
from apollo.compiler.lowering_matrices import seen_as
from apollo.compiler.storage import Dims, Shape, dims_of
from apollo.workloads.operators import Operator, Transpose

# Of PERMUTATION: rows and columns, or rows and channels, change places.
_ROWS_COLUMNS, _ROWS_CHANNELS = 0x312, 0x123


def stored_order(rank: int) -> tuple[int, ...]:
    """The dimensions of a shape in the order in which they are stored, the last fastest."""
    if rank < 4:
        return tuple(range(rank))
    return (0, rank - 2, rank - 1, *range(1, rank - 2))


def reordered(lowering: Lowering, operator: Transpose, source: int, shape: Shape) -> int:
    """The number of the transposed tensor, in the units of the source."""
    order = [axis for axis in stored_order(len(shape)) if shape[axis] > 1]
    wanted = [operator.perm[axis] for axis in stored_order(len(shape))]
    wanted = [axis for axis in wanted if shape[axis] > 1]
    place = 0
    while order != wanted:
        if order[place] == wanted[place]:
            place += 1
            continue
        first = order.index(wanted[place])
        end = first + 1
        while end < len(order) and order[end] == wanted[place + end - first]:
            end += 1
        parts = (order[:place], order[place:first], order[first:end], order[end:])
        sizes = [math.prod(shape[axis] for axis in part) for part in parts]
        source = _exchange(lowering, operator, source, sizes)
        order = [*parts[0], *parts[2], *parts[1], *parts[3]]
    dims = dims_of(tuple(shape[axis] for axis in operator.perm))
    result = seen_as(lowering, operator, source, dims)
    if result != source:
        result = lowering.copy(operator, result, dims, {})
    lowering.is_image[result] = len(shape) >= 4
    return result


def _exchange(lowering: Lowering, operator: Operator, source: int, sizes: list[int]) -> int:
    """Of blocks [a][b][c][d] the copy [a][c][b][d]."""
    images, rows, columns, channels = sizes
    if channels == 1:
        seen, order = Dims(images, rows, 1, columns), _ROWS_CHANNELS
        turned = Dims(images, columns, 1, rows)
    else:
        seen, order = Dims(images, rows, columns, channels), _ROWS_COLUMNS
        turned = Dims(images, columns, rows, channels)
    view = seen_as(lowering, operator, source, seen)
    result = lowering.copy(operator, view, turned, {"permutation": order})
    lowering.private.add(result)
    return result


def transpose_any(lowering: Lowering, operator: Transpose) -> None:
    """A transposition that no single copy does."""
    from apollo.compiler.lowering_moves import in_units

    source = lowering.plain(operator.inputs[0])
    number = reordered(lowering, operator, source, lowering.shape(operator.inputs[0]))
    if number == source or lowering.rules[number] != lowering.rule_of(operator):
        in_units(lowering, operator, Opcode.COPY, number, columns={})
    else:
        lowering.numbers[operator.output] = number

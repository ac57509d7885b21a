"""Margins of tensors: the ghost cells that windows read around them, once for all designs."""

from apollo.arch.isa import Opcode
from apollo.compiler.tables import IN_ORDER, NO_TENSOR, Ints, Nest, TensorColumn

_MOST_ALIGNMENT = 8
_Columns = tuple[TensorColumn, TensorColumn, TensorColumn, TensorColumn, TensorColumn]
_Axis = tuple[tuple[Nest, Nest, Nest, Nest], _Columns]
_AXES: tuple[_Axis, _Axis] = (
    (
        (Nest.ROWS, Nest.STRIDE_ROWS, Nest.EXTENT_ROWS, Nest.PAD_ROWS),
        (
            TensorColumn.ROWS,
            TensorColumn.TOP,
            TensorColumn.BOTTOM,
            TensorColumn.ALIGN_ROWS,
            TensorColumn.STEP_ROWS,
        ),
    ),
    (
        (Nest.COLUMNS, Nest.STRIDE_COLUMNS, Nest.EXTENT_COLUMNS, Nest.PAD_COLUMNS),
        (
            TensorColumn.COLUMNS,
            TensorColumn.LEFT,
            TensorColumn.RIGHT,
            TensorColumn.ALIGN_COLUMNS,
            TensorColumn.STEP_COLUMNS,
        ),
    ),
)


def enter_margins(nests: Ints, tensors: Ints) -> None:
    """Enter the margins and alignments that the readers of every tensor ask for."""
    tensors[:, TensorColumn.ALIGN_ROWS :] = 1
    widen_margins(nests, tensors)


def widen_margins(nests: Ints, tensors: Ints) -> None:
    """Enter what these nests ask for beyond what is there."""
    rows = tensors.tolist()  # Python reads and writes single numbers of a list quicker
    for nest in nests[::-1].tolist():
        if nest[Nest.PERMUTATION] != IN_ORDER:
            continue
        for axis in _AXES:
            _of_axis(nest, rows, axis)
    tensors[...] = rows


def _of_axis(nest: list[int], tensors: list[list[int]], axis: _Axis) -> None:
    """What one nest asks of its source along rows or columns."""
    outputs, stride, extent, pad = (nest[column] for column in axis[0])
    size, before, behind, align, step = axis[1]
    source = tensors[nest[Nest.SOURCE]]
    is_window = nest[Nest.OPCODE] < Opcode.ADD
    reach = (outputs - 1) * stride + extent - pad - source[size]
    # Where PEs share out the dimension, a neighbour's elements lie in the margin.
    shared = extent - stride - pad if slides(outputs, pad, extent, source[size]) else 0
    if is_window:
        source[before] = max(source[before], pad)
        source[behind] = max(source[behind], reach, shared)
    destination = tensors[nest[Nest.DESTINATION]]
    wanted = stride * destination[align]
    if wanted > _MOST_ALIGNMENT:
        wanted = stride  # of the windows behind that one we think when it is mapped
    if outputs > 1:
        source[align] = max(source[align], wanted)
        source[step] = max(source[step], stride)
        second = nest[Nest.SECOND]
        if second != NO_TENSOR and tensors[second][size] > 1:
            tensors[second][align] = max(tensors[second][align], wanted)


def slides(outputs: int, pad: int, extent: int, size: int) -> bool:
    """Whether a window moves over the dimension by steps, and so may be shared out in place."""
    return outputs > 1 and pad >= 0 and 2 * (extent - pad) <= size + 2

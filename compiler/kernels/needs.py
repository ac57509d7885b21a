"""Rows that a nest computes for others, and rows that it reads for them."""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined
from apollo.compiler.tables import NO_TENSOR, Nest, TensorColumn

Ints = npt.NDArray[np.int64]

BEGIN, END = range(2)  # the first row, and the one behind the last
NO_ROWS = -1


@bare_inlined
def _result_at(n: Ints, row: int) -> int:
    """The first of a nest's results that is not before a row of its destination."""
    return max(0, -((n[Nest.FIRST_ROW] - row) // n[Nest.RESULT_ROWS]))


@bare_inlined
def find_results(n: Ints, wanted: Ints, rows: Ints) -> bool:
    """Result rows of a nest that lie in these rows of its destination; whether there are any."""
    rows[END] = min(_result_at(n, wanted[END]), n[Nest.ROWS])
    rows[BEGIN] = min(_result_at(n, wanted[BEGIN]), rows[END])
    return bool(rows[BEGIN] < rows[END])


@bare_inlined
def _need(needed: Ints, begin: int, end: int) -> bool:
    """Add rows to those that are needed of a tensor; False where they are none."""
    if begin >= end:
        return False
    if needed[BEGIN] == NO_ROWS:
        needed[BEGIN], needed[END] = begin, end
    needed[BEGIN], needed[END] = min(needed[BEGIN], begin), max(needed[END], end)
    return True


@bare_inlined
def _need_window(n: Ints, rows: Ints, start: int, extent: int, size: int, needed: Ints) -> bool:
    """Add what windows of so many rows pass over, of which the first begins at `start`.

    What no result reads belongs to the results before it, so that the strips leave out nothing.
    """
    stride = n[Nest.STRIDE_ROWS]
    begin = 0 if rows[BEGIN] == 0 else max(0, start + rows[BEGIN] * stride)
    end = min(size, start + (rows[END] - 1) * stride + max(stride, extent))
    return _need(needed, begin, size if rows[END] == n[Nest.ROWS] else end)


@bare_inlined
def need_operands(n: Ints, tensors: Ints, inside: Ints, rows: Ints, needed: Ints) -> bool:
    """Add the rows that some results read of tensors inside; False where they are none."""
    source, second = n[Nest.SOURCE], n[Nest.SECOND]
    if inside[source]:
        size = tensors[source, TensorColumn.ROWS]
        start, extent = -n[Nest.PAD_ROWS], n[Nest.EXTENT_ROWS]
        if not _need_window(n, rows, start, extent, size, needed[source]):
            return False
    if second == NO_TENSOR or not inside[second]:
        return True
    size = tensors[second, TensorColumn.ROWS]
    if size == 1 and n[Nest.ROWS] > 1:  # the same one for all
        return _need(needed[second], 0, 1)
    return _need_window(n, rows, n[Nest.SECOND_ROW], 1, size, needed[second])

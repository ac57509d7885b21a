"""Segments of nests cut into strips of rows (`compiler/strips.py`): tables in, tables out.

A strip is found from its results back: the rows of what they read, and so on to the first nest of
the segment. What it needs of the tensors inside becomes tensors of its own.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.compiler.kernels.needs import BEGIN, END, NO_ROWS, find_results, need_operands
from apollo.compiler.kernels.rows import copy_row
from apollo.compiler.tables import NO_TENSOR, TENSOR_COLUMNS, Nest, TensorColumn

Ints = npt.NDArray[np.int64]

EMPTY = -1
FIRST, LAST, COUNT = range(3)  # of a segment: its nests, and into how many strips
ORIGIN, STRIP, STRIPS = range(3)  # of a nest or tensor: of which one, and which strip of how many
WHOLE = 0  # in place of a strip
_NOWHERE, _WRITTEN = -1, -2


class CutSpace(NamedTuple):
    """Scratch, for `L` nests and `T` tensors."""

    parts: Ints  # [L, 2] result rows of a nest that are in the strip
    needed: Ints  # [T, 2] rows of a tensor that the strip needs
    homes: Ints  # [T] which tensor the strip has in its place
    sharers: Ints  # [L] the first nest with the parameters of that one


class CutTables(NamedTuple):
    """What comes out, with room enough."""

    nests: Ints  # [L, NESTS]
    tensors: Ints  # [T, TENSOR_COLUMNS]
    nest_parts: Ints  # [3, L] ORIGIN, STRIP and STRIPS
    tensor_parts: Ints  # [3, T]


@bare_inlined
def _enter(parts_out: Ints, place: int, origin: int, strip: int, strips: int) -> None:
    parts_out[ORIGIN, place] = origin
    parts_out[STRIP, place] = strip
    parts_out[STRIPS, place] = strips


@bare_kernel
def _find_strip(
    nests: Ints, tensors: Ints, segment: Ints, inside: Ints, strip: int, s: CutSpace
) -> bool:
    """Find the rows of a strip, counted from 1; False where it would be empty."""
    for tensor in range(len(tensors)):
        s.needed[tensor, BEGIN] = NO_ROWS
        s.homes[tensor] = _NOWHERE
    result, strips = nests[segment[LAST], Nest.DESTINATION], segment[COUNT]
    total = tensors[result, TensorColumn.ROWS]
    s.needed[result, BEGIN] = total * (strip - 1) // strips
    s.needed[result, END] = total * strip // strips
    for i in range(segment[LAST], segment[FIRST] - 1, -1):
        n, rows = nests[i], s.parts[i]
        rows[BEGIN] = rows[END] = 0
        wanted = s.needed[n[Nest.DESTINATION]]
        if wanted[BEGIN] == NO_ROWS or not find_results(n, wanted, rows):
            continue
        if not need_operands(n, tensors, inside, rows, s.needed):
            return False
        s.homes[n[Nest.DESTINATION]] = _WRITTEN
    for tensor in range(len(tensors)):
        if s.needed[tensor, BEGIN] != NO_ROWS and s.homes[tensor] == _NOWHERE:
            return False
    return True


@bare_kernel
def _append_tensors(
    inside: Ints, strip: int, strips: int, s: CutSpace, count: int, out: CutTables
) -> int:
    """Append the tensors that a strip has for itself; how many there are now."""
    for tensor in range(len(inside)):
        if not inside[tensor] or s.homes[tensor] == _NOWHERE:
            s.homes[tensor] = _NOWHERE
            continue
        s.homes[tensor] = count
        _enter(out.tensor_parts, count, tensor, strip, strips)
        t = out.tensors[count]
        copy_row(out.tensors[tensor], t)
        t[TensorColumn.ROWS] = s.needed[tensor, END] - s.needed[tensor, BEGIN]
        for column in range(TensorColumn.TOP, TensorColumn.RIGHT + 1):
            t[column] = 0
        for column in range(TensorColumn.ALIGN_ROWS, TENSOR_COLUMNS):
            t[column] = 1
        count += 1
    return count


@bare_inlined
def _enter_part(old: Ints, tensors: Ints, rows: Ints, s: CutSpace, n: Ints) -> None:
    """What a strip has of a nest."""
    copy_row(old, n)
    skipped = rows[BEGIN] * n[Nest.STRIDE_ROWS]
    source, second, result = n[Nest.SOURCE], n[Nest.SECOND], n[Nest.DESTINATION]
    n[Nest.ROWS] = rows[END] - rows[BEGIN]
    n[Nest.FIRST_ROW] += rows[BEGIN] * n[Nest.RESULT_ROWS]
    n[Nest.PAD_ROWS] -= skipped
    if s.homes[source] != _NOWHERE:
        n[Nest.SOURCE] = s.homes[source]
        n[Nest.PAD_ROWS] += s.needed[source, BEGIN]
    if second != NO_TENSOR:
        if tensors[second, TensorColumn.ROWS] > 1 or old[Nest.ROWS] == 1:
            n[Nest.SECOND_ROW] += skipped
        if s.homes[second] != _NOWHERE:
            n[Nest.SECOND] = s.homes[second]
            n[Nest.SECOND_ROW] -= s.needed[second, BEGIN]
    if s.homes[result] != _NOWHERE:
        n[Nest.DESTINATION] = s.homes[result]
        n[Nest.FIRST_ROW] -= s.needed[result, BEGIN]
    else:
        n[Nest.IS_PART] = 1


@bare_kernel
def _append_wholes(nests: Ints, first: int, behind: int, length: int, out: CutTables) -> int:
    """Append nests as they are; how many there are now."""
    for i in range(first, behind):
        copy_row(nests[i], out.nests[length])
        _enter(out.nest_parts, length, i, WHOLE, WHOLE)
        length += 1
    return length


@bare_kernel
def _append_segment(
    nests: Ints,
    tensors: Ints,
    segment: Ints,
    inside: Ints,
    s: CutSpace,
    length: int,
    count: int,
    out: CutTables,
) -> tuple[int, int]:
    """Append strips, their nests and tensors; how many there are now, EMPTY where one would be."""
    for strip in range(1, segment[COUNT] + 1):
        if not _find_strip(nests, tensors, segment, inside, strip, s):
            return EMPTY, EMPTY
        count = _append_tensors(inside, strip, segment[COUNT], s, count, out)
        for i in range(segment[FIRST], segment[LAST] + 1):
            if s.parts[i, BEGIN] < s.parts[i, END]:
                _enter_part(nests[i], tensors, s.parts[i], s, out.nests[length])
                _enter(out.nest_parts, length, i, strip, segment[COUNT])
                length += 1
    return length, count


@bare_inlined
def _enter_order(length: int, count: int, s: CutSpace, out: CutTables) -> None:
    """Which nest is the first to have some parameters, and the last to use a tensor."""
    for tensor in range(count):
        out.tensors[tensor, TensorColumn.LAST_USE] = 0
    s.sharers[:] = _NOWHERE
    for i in range(length):
        n = out.nests[i]
        share = n[Nest.SHARES]
        if s.sharers[share] == _NOWHERE:
            s.sharers[share] = i
        n[Nest.SHARES] = s.sharers[share]
        out.tensors[n[Nest.SOURCE], TensorColumn.LAST_USE] = i
        out.tensors[n[Nest.DESTINATION], TensorColumn.LAST_USE] = i
        if n[Nest.SECOND] != NO_TENSOR:
            out.tensors[n[Nest.SECOND], TensorColumn.LAST_USE] = i


@bare_kernel
def cut_segments(
    # Network:
    nests: Ints,
    tensors: Ints,
    # Segments, in order and apart:
    segments: Ints,  # [S, 3]
    inside: Ints,  # [S, T] tensors that only the nests of a segment write and read
    # Scratch:
    s: CutSpace,
    # Out:
    tables_out: CutTables,
) -> tuple[int, int]:
    """Cut segments into strips; the numbers of nests and tensors, EMPTY where a strip would be."""
    for tensor in range(len(tensors)):
        copy_row(tensors[tensor], tables_out.tensors[tensor])
        _enter(tables_out.tensor_parts, tensor, tensor, WHOLE, WHOLE)
    length, count, first = 0, len(tensors), 0
    for i in range(len(segments)):
        segment = segments[i]
        length = _append_wholes(nests, first, segment[FIRST], length, tables_out)
        length, count = _append_segment(
            nests, tensors, segment, inside[i], s, length, count, tables_out
        )
        if length == EMPTY:
            return EMPTY, EMPTY
        first = segment[LAST] + 1
    length = _append_wholes(nests, first, len(nests), length, tables_out)
    _enter_order(length, count, s, tables_out)
    return length, count

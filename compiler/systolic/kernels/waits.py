"""Which earlier instructions a use of memory must not overtake (M32), page by page.

What every engine did to a page last is kept until a write covers it: whoever comes after that write
comes after what it has waited for.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.compiler.systolic.kernels.lines import NO_STRIP, Column, Ints, Lines, Use, conflict

NOTHING = -1
READ, WRITTEN = 0, 1


class Pages(NamedTuple):
    """What was done to the pages of all memories, in lists of entries.

    `M` memories, `P` pages, `N` entries.
    """

    bits: Ints  # [M] of an address within a page
    base: Ints  # [M] number of a memory's first page
    head: Column  # [P, 2] first entry of what was read and written, or NOTHING
    use: Column  # [N]
    engine: npt.NDArray[np.int8]  # [N] whose
    count: Column  # [N] the last instruction of that engine with that use, from 1
    next: Column  # [N] in the same list, or in that of the free ones
    free: Ints  # [1] first free entry


@bare_inlined
def _raise(wait: Column, s: Lines, p: Pages, entry: int, use: Ints) -> None:
    """Raise the waits to the uses in a list that this one must not overtake."""
    while entry != NOTHING:
        if p.count[entry] > wait[p.engine[entry]] and conflict(use, s.use[p.use[entry]]):
            wait[p.engine[entry]] = p.count[entry]
        entry = p.next[entry]


@bare_kernel
def _covers(use: Ints, other: Ints, low: int, high: int) -> bool:
    """Whether all that the other uses of a page, [low, high), is used by this one."""
    if use[Use.TENSOR] != NO_STRIP:
        if use[Use.TENSOR] != other[Use.TENSOR]:
            return False
        if other[Use.FIRST] < use[Use.FIRST] or use[Use.LAST] < other[Use.LAST]:
            return False
    starts = use[Use.START] <= max(other[Use.START], low)
    return bool(starts and min(other[Use.END], high) <= use[Use.END])


@bare_kernel
def _same(use: Ints, other: Ints, low: int, high: int) -> bool:
    """Whether both are the same use of a page."""
    if max(use[Use.START], low) != max(other[Use.START], low):
        return False
    if min(use[Use.END], high) != min(other[Use.END], high):
        return False
    for column in (Use.TENSOR, Use.FIRST, Use.LAST):
        if use[column] != other[column]:
            return False
    return True


@bare_kernel
def _forget(s: Lines, p: Pages, page: int, kind: int, use: Ints, low: int, high: int) -> None:
    """Drop what a write covers."""
    before, entry = NOTHING, p.head[page, kind]
    while entry != NOTHING:
        after = p.next[entry]
        if _covers(use, s.use[p.use[entry]], low, high):
            if before == NOTHING:
                p.head[page, kind] = after
            else:
                p.next[before] = after
            p.next[entry] = p.free[0]
            p.free[0] = entry
        else:
            before = entry
        entry = after


@bare_kernel
def _enter(
    s: Lines, p: Pages, page: int, number: int, engine: int, count: int, low: int, high: int
) -> None:
    """An engine's instruction of that count has that use of a page."""
    use = s.use[number]
    kind = WRITTEN if use[Use.WRITES] else READ
    entry = p.head[page, kind]
    while entry != NOTHING:
        other = s.use[p.use[entry]]
        if p.engine[entry] == engine and _same(use, other, low, high):
            p.count[entry] = count
            return
        entry = p.next[entry]
    entry = p.free[0]
    p.free[0] = p.next[entry]
    p.use[entry], p.engine[entry], p.count[entry] = number, engine, count
    p.next[entry] = p.head[page, kind]
    p.head[page, kind] = entry


@bare_inlined
def _look(wait: Column, s: Lines, p: Pages, number: int) -> None:
    """Raise the waits to all that a use must not overtake."""
    use = s.use[number]
    memory = use[Use.MEMORY]
    bits = p.bits[memory]
    for own in range(use[Use.START] >> bits, (use[Use.END] - 1 >> bits) + 1):
        page = p.base[memory] + own
        _raise(wait, s, p, p.head[page, WRITTEN], use)
        if use[Use.WRITES]:
            _raise(wait, s, p, p.head[page, READ], use)


@bare_inlined
def _note(s: Lines, p: Pages, number: int, engine: int, count: int) -> None:
    """Keep a use for those that come later."""
    use = s.use[number]
    memory = use[Use.MEMORY]
    bits = p.bits[memory]
    for own in range(use[Use.START] >> bits, (use[Use.END] - 1 >> bits) + 1):
        page, low, high = p.base[memory] + own, own << bits, own + 1 << bits
        if use[Use.WRITES]:
            _forget(s, p, page, WRITTEN, use, low, high)
            _forget(s, p, page, READ, use, low, high)
        _enter(s, p, page, number, engine, count, low, high)


@bare_kernel
def find_waits(
    # Program:
    s: Lines,
    engine: Ints,
    # Scratch:
    p: Pages,
    emitted: Ints,
    # Out:
    wait_out: Column,
) -> None:
    """How many instructions of each other engine every one waits for, in the order of emission."""
    for place in range(len(wait_out)):
        number, wait = s.order[place], wait_out[place]
        own = engine[s.opcode[number]]
        first, end = s.first_use[number], s.first_use[number + 1]
        for use in range(first, end):
            _look(wait, s, p, use)
        wait[own] = 0  # an engine is in order by itself
        emitted[own] += 1
        for use in range(first, end):
            _note(s, p, use, own, emitted[own])

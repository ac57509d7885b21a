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
# A page's entries are in a list for every bucket that one can begin in, but for those that are
# longer than a bucket: so a use meets those around it, and not all of a page.
_BUCKET_BITS = 6
LONG = 1 << _BUCKET_BITS
SHORT = LONG + 1  # how many are in buckets
HEADS = SHORT + 1


class Pages(NamedTuple):
    """What was done to the pages of all memories, in lists of entries.

    `M` memories, `P` pages, `N` entries.
    """

    bits: Ints  # [M] of an address within a page
    base: Ints  # [M] number of a memory's first page
    head: Column  # [P, 2, HEADS] first entries of what was read and written, or NOTHING
    use: Column  # [N]
    engine: npt.NDArray[np.int8]  # [N] whose
    newest: Column  # [N] the last instruction of that engine with that use, from 1
    next: Column  # [N] in the same list, or in that of the free ones
    free: Ints  # [1] first free entry


class _Part(NamedTuple):
    """The part of a use that is in a page."""

    page: int
    low: int  # first address of the page
    high: int
    shift: int  # of an address, to its bucket
    first: int
    end: int


@bare_inlined
def _part(p: Pages, use: Ints, own: int) -> _Part:
    """In the page of that number of its memory."""
    memory = use[Use.MEMORY]
    bits = p.bits[memory]
    low, high = own << bits, own + 1 << bits
    first, end = max(use[Use.START], low), min(use[Use.END], high)
    return _Part(p.base[memory] + own, low, high, max(0, bits - _BUCKET_BITS), first, end)


@bare_inlined
def _buckets(part: _Part) -> tuple[int, int]:
    """First and last bucket of what it can meet."""
    first, last = part.first - part.low >> part.shift, part.end - 1 - part.low >> part.shift
    return max(0, first - 1), last


@bare_inlined
def _raise(wait: Column, s: Lines, p: Pages, entry: int, use: Ints) -> None:
    """Raise the waits to the uses in a list that this one must not overtake."""
    while entry != NOTHING:
        if p.newest[entry] > wait[p.engine[entry]] and conflict(use, s.use[p.use[entry]]):
            wait[p.engine[entry]] = p.newest[entry]
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
    if use[Use.TENSOR] != other[Use.TENSOR]:
        return False
    return bool(use[Use.FIRST] == other[Use.FIRST] and use[Use.LAST] == other[Use.LAST])


@bare_kernel
def _forget(s: Lines, p: Pages, part: _Part, kind: int, bucket: int, use: Ints) -> None:
    """Drop what a write covers, of a bucket."""
    before, heads = NOTHING, p.head[part.page, kind]
    entry = heads[bucket]
    while entry != NOTHING:
        after = p.next[entry]
        if _covers(use, s.use[p.use[entry]], part.low, part.high):
            if before == NOTHING:
                heads[bucket] = after
            else:
                p.next[before] = after
            p.next[entry] = p.free[0]
            p.free[0] = entry
            heads[SHORT] -= bucket != LONG
        else:
            before = entry
        entry = after


@bare_kernel
def _enter(s: Lines, p: Pages, part: _Part, number: int, engine: int, count: int) -> None:
    """An engine's instruction of that count has that use of a page."""
    use = s.use[number]
    heads = p.head[part.page, WRITTEN if use[Use.WRITES] else READ]
    bucket = part.first - part.low >> part.shift
    if part.end - part.first > 1 << part.shift:
        bucket = LONG
    entry = heads[bucket]
    while entry != NOTHING:
        other = s.use[p.use[entry]]
        if p.engine[entry] == engine and _same(use, other, part.low, part.high):
            p.newest[entry] = count
            return
        entry = p.next[entry]
    entry = p.free[0]
    p.free[0] = p.next[entry]
    p.use[entry], p.engine[entry], p.newest[entry] = number, engine, count
    p.next[entry] = heads[bucket]
    heads[bucket] = entry
    heads[SHORT] += bucket != LONG


@bare_kernel
def _look(wait: Column, s: Lines, p: Pages, number: int) -> None:
    """Raise the waits to all that a use must not overtake."""
    use = s.use[number]
    bits = p.bits[use[Use.MEMORY]]
    for own in range(use[Use.START] >> bits, (use[Use.END] - 1 >> bits) + 1):
        part = _part(p, use, own)
        first, last = _buckets(part)
        for kind in range(READ if use[Use.WRITES] else WRITTEN, WRITTEN + 1):
            heads = p.head[part.page, kind]
            _raise(wait, s, p, heads[LONG], use)
            if heads[SHORT]:
                for bucket in range(first, last + 1):
                    _raise(wait, s, p, heads[bucket], use)


@bare_kernel
def _note(s: Lines, p: Pages, number: int, engine: int, count: int) -> None:
    """Keep a use for those that come later."""
    use = s.use[number]
    bits = p.bits[use[Use.MEMORY]]
    for own in range(use[Use.START] >> bits, (use[Use.END] - 1 >> bits) + 1):
        part = _part(p, use, own)
        first, last = _buckets(part)
        for kind in range(WRITTEN + 1 if use[Use.WRITES] else 0):
            _forget(s, p, part, kind, LONG, use)
            if p.head[part.page, kind, SHORT]:
                for bucket in range(first, last + 1):
                    _forget(s, p, part, kind, bucket, use)
        _enter(s, p, part, number, engine, count)


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

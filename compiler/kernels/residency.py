"""Which nests keep their parameters in core memory between inferences.

Nests that share parameters keep them together. What is kept is not loaded again, but takes room
from the ring through which the others stream, and with it loads that run ahead. So for some sizes
of the ring the best set that fits beside it is found by dynamic programming over steps of core
memory (a knapsack), and of these sets the one is kept with which a following inference ends first,
by the times of `clock`. Steps are finer than the sizes of the ring that are tried: parameters take
whole steps, and as many nests as there are steps can stay at most.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.compiler.kernels.clock import (
    TIMES,
    WORK,
    Time,
    Work,
    advance,
    enter_core_work,
    enter_transfers,
)
from apollo.compiler.kernels.cost import parameter_bytes
from apollo.compiler.kernels.parameters import ring_bytes, tiles_of
from apollo.compiler.kernels.rows import copy_row
from apollo.compiler.tables import Map, Nest, Unit

Ints = npt.NDArray[np.int64]

STEPS = 256  # into which core memory is divided
RINGS = 32  # sizes of the ring that are tried
_NEVER = 1 << 60
_NOWHERE = -1


class Shelf(NamedTuple):
    """Scratch of the choice."""

    saved: Ints  # [STEPS + 1] most bytes of DRAM traffic saved in so much core memory
    taken: Ints  # [L, STEPS + 1] whether the nest is in that set
    home: Ints  # [L] where in all that passes through the ring parameters in one tile begin
    value: Ints  # [L] bytes that a nest and those that share its parameters load
    best: Ints  # [L]
    times: Ints  # [L, 1, TIMES]
    parents: Ints  # [L, 1]
    works: Ints  # [L, WORK] of nests whose parameters do not stay
    ahead: Ints  # [L] cycles that the nests behind take at least
    work: Ints  # [WORK]


def shelf(layers: int) -> Shelf:
    """Empty columns for so many nests."""
    return Shelf(
        np.empty(STEPS + 1, np.int64),
        np.empty((layers, STEPS + 1), np.int64),
        np.empty(layers, np.int64),
        np.empty(layers, np.int64),
        np.empty(layers, np.int64),
        np.empty((layers, 1, TIMES), np.int64),
        np.zeros((layers, 1), np.int64),
        np.empty((layers, WORK), np.int64),
        np.empty(layers, np.int64),
        np.empty(WORK, np.int64),
    )


@bare_kernel
def _fill(s: Shelf, nests: Ints, d: Ints, forced: Ints, mapping: Ints) -> None:
    """The best sets of all sizes."""
    s.saved[:] = 0
    step = (d[Unit.CORE_MEMORY_BYTES] + STEPS - 1) // STEPS
    for i in range(len(nests)):
        s.value[i] = 0
    for i in range(len(nests)):
        s.value[mapping[i, Map.OWNER]] += parameter_bytes(nests[i], d, mapping[i])
    for i in range(len(nests)):
        m = mapping[i]
        size = (m[Map.CORE_BYTES] + step - 1) // step
        value = s.value[i]
        barred = m[Map.CORE_BYTES] == 0 or m[Map.OWNER] != i or forced[i, Map.RESIDENT] == 0
        if forced[i, Map.RESIDENT] == 1:
            value += _NEVER >> 16
        for room in range(STEPS, -1, -1):
            s.taken[i, room] = 0
            if barred or room < size:
                continue
            if s.saved[room - size] + value > s.saved[room]:
                s.saved[room] = s.saved[room - size] + value
                s.taken[i, room] = 1


@bare_kernel
def _enter_places(mapping: Ints) -> None:
    """Addresses of what stays, in the order of the nests; who shares it finds it there too."""
    end = 0
    for i in range(len(mapping)):
        m, owner = mapping[i], mapping[mapping[i, Map.OWNER]]
        m[Map.RESIDENT] = owner[Map.RESIDENT]
        if m[Map.RESIDENT] and m[Map.OWNER] == i:
            m[Map.RESIDENT_ADDRESS] = end
            end += m[Map.CORE_BYTES]
        m[Map.RESIDENT_ADDRESS] = owner[Map.RESIDENT_ADDRESS] if m[Map.RESIDENT] else 0


@bare_kernel
def _take(s: Shelf, d: Ints, mapping: Ints, room: int) -> int:
    """Enter the best set of a size in RESIDENT; bytes of core memory that it takes."""
    step = (d[Unit.CORE_MEMORY_BYTES] + STEPS - 1) // STEPS
    kept = 0
    for i in range(len(mapping) - 1, -1, -1):
        m = mapping[i]
        m[Map.RESIDENT] = s.taken[i, room]
        if m[Map.RESIDENT]:
            kept += m[Map.CORE_BYTES]
            room -= (m[Map.CORE_BYTES] + step - 1) // step
    _enter_places(mapping)
    return kept


@bare_inlined
def _streams(nests: Ints, mapping: Ints, ring: int, whole: int) -> bool:
    """Whether the others have room for two of their tiles, or for one in all of core memory."""
    most = 0
    for i in range(len(nests)):
        if not mapping[i, Map.RESIDENT]:
            most = max(most, ring_bytes(nests[i], mapping[i]))
    return ring >= 2 * most or (ring == whole and ring >= most)


@bare_kernel
def _enter_works(s: Shelf, nests: Ints, tensors: Ints, d: Ints, mapping: Ints) -> None:
    """What every nest has to do if its parameters do not stay."""
    ahead = 0
    for i in range(len(nests) - 1, -1, -1):
        w = s.works[i]
        mapping[i, Map.RESIDENT] = 0
        enter_core_work(nests[i], d, mapping[i], w)
        enter_transfers(nests[i], d, mapping[i], tensors, w)
        s.ahead[i] = ahead
        ahead += w[Work.COMPUTE] + w[Work.MOVE]


@bare_kernel
def _end(s: Shelf, nests: Ints, d: Ints, mapping: Ints, ring: int, least: int) -> int:
    """When a following inference ends; or something later than `least`, if it ends later."""
    passed = 0
    w = s.work
    for i in range(len(nests)):
        s.home[i] = _NOWHERE
        m = mapping[i]
        copy_row(s.works[i], w)
        if m[Map.RESIDENT]:
            w[Work.PARAMETERS] = w[Work.RING] = 0
        home = s.home[m[Map.OWNER]]
        if w[Work.RING] > 0 and tiles_of(m) == 1 and not nests[i, Nest.DYNAMIC]:
            # What an earlier nest has loaded is there until the ring has come round.
            if home != _NOWHERE and passed - home <= ring:
                w[Work.PARAMETERS] = w[Work.RING] = 0
            else:
                s.home[m[Map.OWNER]] = passed
        passed += w[Work.RING]
        advance(w, d, ring, s.times, s.parents, i, 0, s.times[i, 0])
        if s.times[i, 0, Time.END] + s.ahead[i] > least:
            return _NEVER
    last = s.times[len(nests) - 1, 0]
    return max(last[Time.END], last[Time.STORED])


@bare_kernel
def keep_resident(
    nests: Ints,
    tensors: Ints,
    d: Ints,
    forced: Ints,
    # Scratch:
    s: Shelf,
    # Out:
    mapping_out: Ints,
) -> tuple[int, int]:
    """Enter RESIDENT in the mapping; the bytes left for streaming, the end of an inference."""
    whole = d[Unit.CORE_MEMORY_BYTES]
    _fill(s, nests, d, forced, mapping_out)
    _enter_works(s, nests, tensors, d, mapping_out)
    least = _NEVER
    left = whole
    last = -1
    # What keeps the most is often the best: with that known, others are soon known to be worse.
    for number in range(RINGS, -1, -1):
        room = number * STEPS // RINGS
        if number > 0 and s.saved[room] == s.saved[(number - 1) * STEPS // RINGS]:
            continue
        kept = _take(s, d, mapping_out, room)
        if kept == last or not _streams(nests, mapping_out, whole - kept, whole):
            continue
        last = kept
        end = _end(s, nests, d, mapping_out, whole - kept, least)
        if end <= least:
            least, left = end, whole - kept
            for i in range(len(nests)):
                s.best[i] = mapping_out[i, Map.RESIDENT]
    for i in range(len(nests)):
        mapping_out[i, Map.RESIDENT] = s.best[i]
    _enter_places(mapping_out)
    return left, least

"""The race check: conflicting instructions are ordered by waits or by one engine's order (M32).

`I` instructions, `E` engines, `S` segments: the pieces into which the ends of all intervals of a
memory cut its addresses. An instruction's clock counts, for every engine, the instructions that
have retired for certain when it starts.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import ENGINES, Opcode
from apollo.arch.program import Program
from apollo.arch.touched import NAMES, Memory
from apollo.simulator.functional.machine import Ints
from apollo.simulator.functional.ranges import Access, Touched, accesses, unit_accesses


class Race(NamedTuple):
    """Two instructions that touch one byte, one of them writing, in no order."""

    first: int
    second: int
    address: int


def clocks(program: Program) -> Ints:
    """For each instruction, how many of each engine have retired when it starts, [I, E].

    An engine's own entry says less than its order does, and is not used.
    """
    known = np.zeros((len(program), ENGINES), np.int64)
    members: list[list[int]] = [[] for _ in range(ENGINES)]
    for number, engine in enumerate(program.engine.tolist()):
        clock = program.wait[number].astype(np.int64)
        for other in np.flatnonzero(clock).tolist():
            # It has retired, so it had started, and what it knew holds.
            np.maximum(clock, known[members[other][clock[other] - 1]], out=clock)
        if members[engine]:
            np.maximum(clock, known[members[engine][-1]], out=clock)
        known[number] = clock
        members[engine].append(number)
    return known


def refuse_races(
    program: Program, accelerator: Accelerator, walked: Mapping[int, Ints] | None = None
) -> None:
    """Raise `ValueError`, naming both instructions and a byte, when two of them race (M32).

    `walked` are the bytes [PEs, cores] that every CONVOLVE_SPARSE reads, by its number
    (`Machine.walked_bytes`); without them such an instruction counts as if it had no non-zeros.
    """
    known = clocks(program)
    for memory, together in accesses(program, accelerator, walked or {}).items():
        race = _race(program, known, together)
        if race is None:
            continue
        # The boxes of all units together cross; those of a single one may not.
        if memory in (Memory.PE, Memory.CORE):
            race = _race_in_units(program, accelerator, memory, walked or {}, together, known)
        if race is not None:
            raise ValueError(_sentence(program, memory, race))


def _sentence(program: Program, memory: Memory, race: Race) -> str:
    first, second = (
        f"{number} ({Opcode(int(program.opcode[number])).name})"
        for number in (race.first, race.second)
    )
    return (
        f"Instructions {first} and {second} of {len(program)} both touch byte {race.address:,} "
        f"of {NAMES[memory]}, and neither waits for the other (M32)."
    )


def _race_in_units(
    program: Program,
    accelerator: Accelerator,
    memory: Memory,
    walked: Mapping[int, Ints],
    together: Touched,
    known: Ints,
) -> Race | None:
    """The first race in a single PE or core; units with the same accesses are one."""
    varied = unit_accesses(program, accelerator, memory, walked)
    same = [(number, access) for number, access in together if number not in varied]
    seen: set[tuple[tuple[int, bytes, bytes], ...]] = set()
    units = accelerator.pes * (accelerator.cores if memory == Memory.CORE else 1)
    for unit in range(units):
        own = [(number, access) for number, each in varied.items() for access in each[unit]]
        key = tuple((number, one.start.tobytes(), one.end.tobytes()) for number, one in own)
        if key in seen:
            continue
        seen.add(key)
        race = _race(program, known, sorted([*same, *own], key=lambda entry: entry[0]))
        if race is not None:
            return race
    return None


def _race(program: Program, known: Ints, touched: Touched) -> Race | None:
    """The first race among accesses to one memory, given in order of the program."""
    touched = _of_written(touched)
    if not touched:
        return None
    points = np.unique(np.concatenate([part for _, access in touched for part in access[1:]]))
    engine = program.engine.tolist()
    # The last of each engine that wrote, or read, a segment; one less is its number in `order`.
    written = np.zeros((ENGINES, len(points)), np.int32)
    read = np.zeros((ENGINES, len(points)), np.int32)
    order = [np.flatnonzero(program.engine == unit) for unit in range(ENGINES)]
    rank = np.zeros(len(program), np.int64)
    for members in order:
        rank[members] = np.arange(1, len(members) + 1)
    for number, access in touched:
        segments = _segments(points, access)
        against = (written, read) if access.writes else (written,)
        for last in against:
            place = _unordered(last, segments, known[number], engine[number])
            if place is not None:
                unit, segment = place
                first = int(order[unit][last[unit, segment] - 1])
                return Race(first, number, int(points[segment]))
        (written if access.writes else read)[engine[number], segments] = rank[number]
    return None


def _of_written(touched: Touched) -> Touched:
    """Without the accesses that meet no write: most of a DRAM image is only read."""
    writes = [access for _, access in touched if access.writes]
    if not writes:
        return []
    start = np.concatenate([access.start for access in writes])
    end = np.concatenate([access.end for access in writes])
    order = np.argsort(start)
    start, end = start[order], np.maximum.accumulate(end[order])

    def meets(access: Access) -> bool:
        before = np.searchsorted(start, access.end)  # writes that begin before its end
        reach = np.concatenate(([np.int64(-1)], end))[before]
        return bool((reach > access.start).any())

    return [(number, access) for number, access in touched if access.writes or meets(access)]


def _segments(points: Ints, access: Access) -> slice | Ints:
    """The segments of an access."""
    low, high = np.searchsorted(points, access.start), np.searchsorted(points, access.end)
    if len(low) == 1:
        return slice(int(low[0]), int(high[0]))
    counts = high - low
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    segments: Ints = np.repeat(low, counts) + within
    return segments


def _unordered(
    last: npt.NDArray[np.int32], segments: slice | Ints, clock: Ints, engine: int
) -> tuple[int, int] | None:
    """An engine and a segment that it touched last in no order before the instruction."""
    late = last[:, segments] > clock[:, None]
    late[engine] = False
    if not late.any():
        return None
    unit, place = np.argwhere(late)[0]
    index = segments.start + place if isinstance(segments, slice) else segments[place]
    return int(unit), int(index)

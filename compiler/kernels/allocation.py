"""Places in PE memory: who lives where while a nest runs."""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.compiler.kernels.parts import held_channels, held_columns, held_rows
from apollo.compiler.kernels.tiling import BUFFERS, time_tiles
from apollo.compiler.tables import (
    FILLED_BASE,
    NO_TENSOR,
    From,
    Map,
    Nest,
    Place,
    Split,
    TensorColumn,
    Unit,
)

Ints = npt.NDArray[np.int64]

_NONE = int(Split.NONE)


@bare_inlined
def first_fit(taken: Ints, count: int, size: int, capacity: int) -> int:
    """Lowest free address for a block, given `count` taken [first, end) pairs; -1 without room."""
    address = 0
    moved = True
    while moved:
        moved = False
        for i in range(count):
            if address < taken[i, 1] and taken[i, 0] < address + size:
                address = taken[i, 1]
                moved = True
    return address if address + size <= capacity else -1


@bare_kernel
def allocate(n: Ints, d: Ints, m: Ints, places: Ints, taken: Ints, live: int) -> bool:
    """Give every block of the nest an address in PE memory; whether there was room."""
    buffers = BUFFERS if time_tiles(n, m) > 1 else 1
    destination = places[n[Nest.DESTINATION]]
    m[Map.SOURCE_ADDRESS] = places[n[Nest.SOURCE], Place.ADDRESS]
    m[Map.SECOND_ADDRESS] = 0
    if n[Nest.SECOND] != NO_TENSOR:
        m[Map.SECOND_ADDRESS] = places[n[Nest.SECOND], Place.ADDRESS]
    m[Map.DESTINATION_ADDRESS] = destination[Place.ADDRESS]
    for column, address, times in (
        (Map.DESTINATION_BYTES, Map.DESTINATION_ADDRESS, buffers if m[Map.TO_DRAM] else 1),
        (
            Map.SOURCE_BYTES,
            Map.SOURCE_ADDRESS,
            buffers if m[Map.SOURCE_FROM] == From.DRAM else 1,
        ),
        (
            Map.SECOND_BYTES,
            Map.SECOND_ADDRESS,
            buffers if m[Map.SECOND_FROM] == From.DRAM else 1,
        ),
        (Map.PARTIAL_BYTES, Map.PARTIAL_ADDRESS, 1),
    ):
        size = m[column] * times
        already = column == Map.DESTINATION_BYTES and destination[Place.ON_CHIP] > 0
        if size == 0 or already:
            continue
        first = first_fit(taken, live, size, d[Unit.PE_MEMORY_BYTES])
        if first < 0:
            return False
        m[address] = first
        taken[live, 0] = first
        taken[live, 1] = first + size
        live += 1
    return True


@bare_inlined
def settle(n: Ints, d: Ints, m: Ints, t: Ints, places: Ints) -> None:
    """Record where the nest's result is, and that margins of its source are filled."""
    if m[Map.SOURCE_FROM] == From.HALO:
        places[n[Nest.SOURCE], Place.FILLED] = FILLED_BASE + n[Nest.FILL]
    place = places[n[Nest.DESTINATION]]
    if m[Map.TO_DRAM]:
        place[Place.STORED] = 1
        return
    place[Place.ON_CHIP] = 1
    place[Place.FILLED] = 0
    place[Place.ADDRESS] = m[Map.DESTINATION_ADDRESS]
    place[Place.BYTES] = m[Map.DESTINATION_BYTES]
    place[Place.SPLIT_X] = m[Map.SPLIT_X] if d[Unit.PES_X] > 1 else _NONE
    place[Place.SPLIT_Y] = m[Map.SPLIT_Y] if d[Unit.PES_Y] > 1 else _NONE
    place[Place.ROWS] = held_rows(n, m, t)
    place[Place.COLUMNS] = held_columns(n, m, t)
    place[Place.CHANNELS] = held_channels(n, m, t)


@bare_inlined
def drop_dead(tensors: Ints, live: Ints, count: int, index: int) -> int:
    """Leave out of the live tensors what was read for the last time before a nest; the rest."""
    kept = 0
    for i in range(count):
        if tensors[live[i], TensorColumn.LAST_USE] >= index:
            live[kept] = live[i]
            kept += 1
    return kept


@bare_inlined
def enter_live(n: Ints, tensors: Ints, live: Ints, count: int, index: int) -> int:
    """What is alive while a nest runs, given what was before; how many tensors that is."""
    count = drop_dead(tensors, live, count, index)
    for i in range(count):
        if live[i] == n[Nest.DESTINATION]:
            return count
    live[count] = n[Nest.DESTINATION]
    return count + 1


@bare_inlined
def take_live(places: Ints, live: Ints, count: int, taken: Ints) -> int:
    """Enter what live tensors take of PE memory; how many are there."""
    on_chip = 0
    for i in range(count):
        place = places[live[i]]
        if place[Place.ON_CHIP]:
            taken[on_chip, 0] = place[Place.ADDRESS]
            taken[on_chip, 1] = place[Place.ADDRESS] + place[Place.BYTES]
            on_chip += 1
    return on_chip


@bare_inlined
def largest(n: Ints, places: Ints, live: Ints, count: int) -> int:
    """The largest tensor on the chip while a nest runs, bystanders first; or NO_TENSOR."""
    victim = NO_TENSOR
    for only_bystanders in (True, False):
        for i in range(count):
            tensor = live[i]
            operand = (
                tensor == n[Nest.SOURCE]
                or tensor == n[Nest.SECOND]
                or tensor == n[Nest.DESTINATION]
            )
            if not places[tensor, Place.ON_CHIP] or (only_bystanders and operand):
                continue
            if victim == NO_TENSOR or places[tensor, Place.BYTES] > places[victim, Place.BYTES]:
                victim = tensor
        if victim != NO_TENSOR:
            break
    return victim

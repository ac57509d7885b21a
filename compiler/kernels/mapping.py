"""Mapping: for every nest the split over PEs and cores, the tiles and the places of its operands.

Layer by layer, the cheapest of all splits that fit, given where its operands are. A tensor stays in
PE memory from its producer to its last reader when it fits; when a later layer finds no room, the
largest bystander is put out to DRAM and the mapping begins again.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import kernel
from apollo.compiler.kernels.operands import (
    PLACES,
    Place,
    place_second,
    place_source,
    second_tile,
    source_channels,
)
from apollo.compiler.kernels.tiling import (
    FITS,
    PARTIAL_SUM_BYTES,
    Design,
    ceil_div,
    channel_bytes,
    compute_cycles,
    note,
    over_instruction_memory,
    shape_work,
    source_columns,
    source_rows,
    tile_parameters,
)
from apollo.compiler.tables import MAPS, NO_TENSOR, Map, Nest, Resource, Split, TensorColumn

Ints = npt.NDArray[np.int64]

RESOURCES = len(Resource)
_BUFFERS = 2  # of a stream that is tiled over rows
_IMPOSSIBLE = 1 << 60


@kernel
def _tile_bytes(n: Ints, d: Design, m: Ints, tensors: Ints, rows: int) -> int:
    """PE memory that the nest takes with tiles of so many rows; enters its parts in `m`."""
    source = tensors[n[Nest.SOURCE]]
    m[Map.TILE_ROWS] = rows
    m[Map.ROW_TILES] = ceil_div(m[Map.PE_ROWS], rows)
    buffers = _BUFFERS if m[Map.ROW_TILES] > 1 else 1
    total = 0
    if m[Map.SOURCE_FROM_DRAM]:
        m[Map.SOURCE_ROWS] = source_rows(n, rows, source[TensorColumn.ROWS])
        columns = source_columns(n, m[Map.PE_COLUMNS], source[TensorColumn.COLUMNS])
        m[Map.SOURCE_BYTES] = m[Map.SOURCE_ROWS] * columns * source_channels(n, m, source)
        total += buffers * m[Map.SOURCE_BYTES]
    else:
        total += m[Map.SOURCE_BYTES]
    if m[Map.SECOND_FROM_DRAM]:
        m[Map.SECOND_BYTES] = second_tile(n, m, tensors[n[Nest.SECOND]], rows)
        total += buffers * m[Map.SECOND_BYTES]
    else:
        total += m[Map.SECOND_BYTES]
    positions = rows * m[Map.PE_COLUMNS]
    slice_channels = m[Map.PE_CHANNELS] * n[Nest.GROUPS]
    if m[Map.TO_DRAM]:
        m[Map.DESTINATION_BYTES] = positions * slice_channels
        total += buffers * m[Map.DESTINATION_BYTES]
    else:
        destination = tensors[n[Nest.DESTINATION]]
        if n[Nest.WHOLE_CHANNELS]:
            slice_channels = destination[TensorColumn.CHANNELS]
        m[Map.DESTINATION_BYTES] = m[Map.PE_ROWS] * m[Map.PE_COLUMNS] * slice_channels
        total += m[Map.DESTINATION_BYTES]
    m[Map.PARTIAL_BYTES] = 0
    if m[Map.INPUT_TILES] > 1:
        sharers = d.cores if m[Map.SPLIT_CORES] == Split.CHANNELS else 1
        m[Map.PARTIAL_BYTES] = PARTIAL_SUM_BYTES * positions * m[Map.TILE_CHANNELS] * sharers
        total += m[Map.PARTIAL_BYTES]
    return total


@kernel
def _tile_rows(n: Ints, d: Design, m: Ints, tensors: Ints, free: int, demand: Ints) -> bool:
    """Choose the tallest row tiles that fit the free PE memory; notes the least demand seen."""
    rows = m[Map.PE_ROWS]
    least = _IMPOSSIBLE
    while True:
        used = _tile_bytes(n, d, m, tensors, rows)
        if used <= free:
            return True
        # Not always the last one: a single tile needs no second buffer.
        least = min(least, used)
        if rows == 1:
            break
        rows = ceil_div(rows, 2)
    note(demand, Resource.PE_MEMORY, least)
    return False


@kernel
def _cost(n: Ints, d: Design, m: Ints, tensors: Ints) -> int:
    """Estimated cycles: the longer of compute with moves, and of DRAM; ties by the sum."""
    chain = compute_cycles(n, d, m)
    chain += (m[Map.MOVE_BYTES] + m[Map.SECOND_MOVE_BYTES]) // d.bus_bytes
    tiles = n[Nest.GROUPS] * m[Map.CHANNEL_TILES] * m[Map.INPUT_TILES]
    passes = m[Map.ROW_TILES] if tiles > 1 else 1
    moved = passes * n[Nest.GROUPS] * n[Nest.CHANNELS] * channel_bytes(n, n[Nest.IN_CHANNELS])
    source = tensors[n[Nest.SOURCE]]
    if m[Map.SOURCE_FROM_DRAM]:
        width = source[TensorColumn.COLUMNS] * source[TensorColumn.CHANNELS]
        moved += m[Map.ROW_TILES] * m[Map.ROW_SPLITS] * m[Map.SOURCE_ROWS] * width
    if m[Map.SECOND_FROM_DRAM]:
        second = tensors[n[Nest.SECOND]]
        width = second[TensorColumn.COLUMNS] * second[TensorColumn.CHANNELS]
        moved += second[TensorColumn.ROWS] * width
    if m[Map.TO_DRAM]:
        # Written once, and read again by whoever comes next.
        moved += 2 * n[Nest.ROWS] * n[Nest.COLUMNS] * n[Nest.CHANNELS] * n[Nest.GROUPS]
    dram = moved * d.dram_den // d.dram_num
    return max(chain, dram) * 16 + chain + dram


@kernel
def _place_operands(n: Ints, d: Design, m: Ints, tensors: Ints, places: Ints) -> None:
    """Enter where the nest's operands come from, and what must move."""
    source = n[Nest.SOURCE]
    if places[source, Place.ON_CHIP]:
        place_source(n, d, m, tensors[source], places[source])
    else:
        m[Map.SOURCE_FROM_DRAM] = 1
        m[Map.MOVE_BYTES] = 0
    m[Map.SECOND_FROM_DRAM] = 0
    m[Map.SECOND_MOVE_BYTES] = 0
    m[Map.SECOND_BYTES] = 0
    second = n[Nest.SECOND]
    if second != NO_TENSOR:
        if places[second, Place.ON_CHIP]:
            place_second(n, d, m, tensors[second], places[second])
        else:
            m[Map.SECOND_FROM_DRAM] = 1


@kernel
def _evaluate(
    n: Ints, d: Design, m: Ints, tensors: Ints, places: Ints, free: int, demand: Ints
) -> int:
    """Complete a candidate whose splits and destination are given; its cost or _IMPOSSIBLE.

    Parameter tiles of a quarter of core memory let loads run ahead; larger ones are for what needs
    them to fit, or to have fewer instructions.
    """
    shape_work(n, d, m)
    _place_operands(n, d, m, tensors, places)
    for share in (4, 2, 1):
        demanded = tile_parameters(n, d, m, share)
        if demanded != FITS:
            note(demand, Resource.CORE_MEMORY, demanded)
        elif _tile_rows(n, d, m, tensors, free, demand) and not over_instruction_memory(
            n, d, m, demand
        ):
            m[Map.CYCLES] = _cost(n, d, m, tensors)
            return m[Map.CYCLES]
    return _IMPOSSIBLE


@kernel
def _is_candidate(n: Ints, d: Design, m: Ints, destination: Ints) -> bool:
    """Leave out splits that are another one by a different name, or not allowed."""
    if d.pes_x == 1 and m[Map.SPLIT_X] != Split.ROWS:
        return False
    if d.pes_y == 1 and m[Map.SPLIT_Y] != Split.ROWS:
        return False
    if d.cores == 1 and m[Map.SPLIT_CORES] == Split.CHANNELS:
        return False
    if n[Nest.WHOLE_CHANNELS]:
        if m[Map.SPLIT_X] == Split.CHANNELS or m[Map.SPLIT_Y] == Split.CHANNELS:
            return False
        if m[Map.SPLIT_CORES] == Split.CHANNELS:
            return False
    if destination[Place.ON_CHIP]:  # another part of it is there already
        same_x = m[Map.SPLIT_X] == destination[Place.SPLIT_X]
        return bool(same_x and m[Map.SPLIT_Y] == destination[Place.SPLIT_Y])
    return True


@kernel
def _best(
    n: Ints, d: Design, tensors: Ints, places: Ints, free: int, m_out: Ints, demand: Ints
) -> bool:
    """The cheapest candidate of a nest into `m_out`; whether there is one."""
    best = _IMPOSSIBLE
    m = np.zeros(MAPS, np.int64)
    destination = n[Nest.DESTINATION]
    placed = places[destination, Place.ON_CHIP]
    # All parts of a tensor are in one place.
    out = places[destination, Place.FORCED_OUT] or places[destination, Place.STORED]
    for to_dram in range(1 if out else 0, 1 if placed else 2):
        room = free + (places[destination, Place.BYTES] if placed else 0)
        for choice in range(18):
            m[Map.TO_DRAM] = to_dram
            m[Map.SPLIT_X] = choice // 6
            m[Map.SPLIT_Y] = choice // 2 % 3
            m[Map.SPLIT_CORES] = Split.CHANNELS if choice % 2 else Split.ROWS
            if not _is_candidate(n, d, m, places[destination]):
                continue
            cost = _evaluate(n, d, m, tensors, places, room, demand)
            if cost < best:
                best = cost
                m_out[:] = m
    return best < _IMPOSSIBLE


@kernel
def _first_fit(taken: Ints, count: int, size: int, capacity: int) -> int:
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


@kernel
def _allocate(n: Ints, d: Design, m: Ints, places: Ints, taken: Ints, live: int) -> bool:
    """Give every block of the nest an address in PE memory; whether there was room."""
    buffers = _BUFFERS if m[Map.ROW_TILES] > 1 else 1
    destination = places[n[Nest.DESTINATION]]
    m[Map.SOURCE_ADDRESS] = places[n[Nest.SOURCE], Place.ADDRESS]
    m[Map.SECOND_ADDRESS] = 0
    if n[Nest.SECOND] != NO_TENSOR:
        m[Map.SECOND_ADDRESS] = places[n[Nest.SECOND], Place.ADDRESS]
    m[Map.DESTINATION_ADDRESS] = destination[Place.ADDRESS]
    for column, address, times in (
        (Map.DESTINATION_BYTES, Map.DESTINATION_ADDRESS, buffers if m[Map.TO_DRAM] else 1),
        (Map.SOURCE_BYTES, Map.SOURCE_ADDRESS, buffers if m[Map.SOURCE_FROM_DRAM] else 1),
        (Map.SECOND_BYTES, Map.SECOND_ADDRESS, buffers if m[Map.SECOND_FROM_DRAM] else 1),
        (Map.PARTIAL_BYTES, Map.PARTIAL_ADDRESS, 1),
    ):
        size = m[column] * times
        already = column == Map.DESTINATION_BYTES and destination[Place.ON_CHIP]
        if size == 0 or already:
            continue
        first = _first_fit(taken, live, size, d.pe_memory_bytes)
        if first < 0:
            return False
        m[address] = first
        taken[live, 0] = first
        taken[live, 1] = first + size
        live += 1
    return True


@kernel
def _settle(n: Ints, m: Ints, place: Ints) -> None:
    """Record where the nest's result is."""
    if m[Map.TO_DRAM]:
        place[Place.STORED] = 1
        return
    place[Place.ON_CHIP] = 1
    place[Place.ADDRESS] = m[Map.DESTINATION_ADDRESS]
    place[Place.BYTES] = m[Map.DESTINATION_BYTES]
    place[Place.SPLIT_X] = m[Map.SPLIT_X]
    place[Place.SPLIT_Y] = m[Map.SPLIT_Y]
    place[Place.ROWS] = m[Map.PE_ROWS]
    place[Place.COLUMNS] = m[Map.PE_COLUMNS]
    place[Place.CHANNELS] = m[Map.PE_CHANNELS] if n[Nest.GROUPS] == 1 else 0


@kernel
def _live(tensors: Ints, places: Ints, index: int, taken: Ints) -> tuple[int, int]:
    """Drop tensors read for the last time before the nest; the others' count and bytes."""
    count = 0
    used = 0
    for tensor in range(len(tensors)):
        if not places[tensor, Place.ON_CHIP]:
            continue
        if tensors[tensor, TensorColumn.LAST_USE] < index:
            places[tensor, Place.ON_CHIP] = 0
            continue
        taken[count, 0] = places[tensor, Place.ADDRESS]
        taken[count, 1] = places[tensor, Place.ADDRESS] + places[tensor, Place.BYTES]
        used += places[tensor, Place.BYTES]
        count += 1
    return count, used


@kernel
def _put_out(n: Ints, places: Ints) -> bool:
    """Force the largest tensor on the chip to DRAM, bystanders first; whether there was one."""
    victim = NO_TENSOR
    for only_bystanders in (True, False):
        for tensor in range(len(places)):
            operand = tensor in (n[Nest.SOURCE], n[Nest.SECOND], n[Nest.DESTINATION])
            if not places[tensor, Place.ON_CHIP] or (only_bystanders and operand):
                continue
            if victim == NO_TENSOR or places[tensor, Place.BYTES] > places[victim, Place.BYTES]:
                victim = tensor
        if victim != NO_TENSOR:
            places[victim, Place.FORCED_OUT] = 1
            return True
    return False


@kernel
def _furthest(demand: Ints) -> int:
    """The resource that refused the candidates that came furthest: the last in their order."""
    for resource in range(RESOURCES - 1, 0, -1):
        if demand[resource] > 0:
            return resource
    return 0


@kernel
def map_network(nests: Ints, tensors: Ints, d: Design) -> tuple[Ints, int, int, int]:
    """The mapping [L, MAPS], and what did not fit: (nest or -1, resource, least demand)."""
    mapping = np.zeros((len(nests), MAPS), np.int64)
    places = np.zeros((len(tensors), PLACES), np.int64)
    places[:, Place.FORCED_OUT] = tensors[:, TensorColumn.IN_DRAM]
    taken = np.empty((len(tensors) + 4, 2), np.int64)
    demand = np.zeros(RESOURCES, np.int64)
    index = 0
    while index < len(nests):
        n, m = nests[index], mapping[index]
        live, used = _live(tensors, places, index, taken)
        demand[:] = 0
        free = d.pe_memory_bytes - used
        fits = _best(n, d, tensors, places, free, m, demand)
        if fits and _allocate(n, d, m, places, taken, live):
            _settle(n, m, places[n[Nest.DESTINATION]])
            index += 1
            continue
        # More room in PE memory helps, unless every candidate already fails at the core memory.
        hopeless = not fits and demand[Resource.PE_MEMORY :].max() == 0
        if hopeless or not _put_out(n, places):
            resource = _furthest(demand)
            return mapping, index, resource, demand[resource]
        places[:, Place.ON_CHIP] = 0
        places[:, Place.STORED] = 0
        index = 0
    return mapping, -1, 0, 0

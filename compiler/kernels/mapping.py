"""Mapping: for every nest the split over PEs and cores, the tiles and the places of its operands.

Layer by layer, the cheapest of all splits that fit, given where its operands are. A tensor stays in
PE memory from its producer to its last reader when it fits; when a later layer finds no room, the
largest bystander is put out to DRAM and the mapping begins again.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.compiler.kernels.allocation import allocate, free_the_dead, put_out, settle
from apollo.compiler.kernels.cost import cost
from apollo.compiler.kernels.operands import find_second, find_source
from apollo.compiler.kernels.parameters import FITS, tile_parameters
from apollo.compiler.kernels.parts import NATURAL, VARIANTS, share_out
from apollo.compiler.kernels.tiling import note, over_instruction_memory, tile_rows
from apollo.compiler.tables import (
    NO_TENSOR,
    From,
    Map,
    Nest,
    Place,
    Resource,
    Split,
    TensorColumn,
    Unit,
)

Ints = npt.NDArray[np.int64]
_CORE_MEMORY = int(Resource.CORE_MEMORY)

_NONE = int(Split.NONE)

RESOURCES = len(Resource)
_IMPOSSIBLE = 1 << 60


@bare_kernel
def _evaluate(
    n: Ints, d: Ints, m: Ints, tensors: Ints, places: Ints, free: int, demand: Ints
) -> int:
    """Complete a candidate whose parts and destination are given; its cost or _IMPOSSIBLE.

    Parameter tiles of a quarter of core memory let loads run ahead; larger ones are for what needs
    them to fit, or to have fewer instructions.
    """
    source, second = n[Nest.SOURCE], n[Nest.SECOND]
    find_source(n, d, m, tensors[source], places[source])
    m[Map.SECOND_FROM] = From.NOWHERE
    m[Map.SECOND_MOVE_BYTES] = 0
    m[Map.SECOND_BYTES] = 0
    if second != NO_TENSOR:
        find_second(n, d, m, tensors[second], places[second])
    for share in (4, 2, 1):
        demanded = tile_parameters(n, d, m, share)
        if demanded != FITS:
            note(demand, _CORE_MEMORY, demanded)
        elif tile_rows(n, d, m, tensors, free, demand) and not over_instruction_memory(
            n, d, m, demand
        ):
            m[Map.CYCLES] = cost(n, d, m, tensors)
            return m[Map.CYCLES]
    return _IMPOSSIBLE


@bare_inlined
def _divides(n: Ints, split: int) -> bool:
    """Whether it makes sense to divide that dimension, and is allowed."""
    if split == Split.CHANNELS:
        return n[Nest.WHOLE_CHANNELS] == 0
    if split == Split.COLUMNS:
        return n[Nest.COLUMNS] > 1
    if n[Nest.ROWS] > 1:
        return n[Nest.WHOLE_ROWS] == 0
    return n[Nest.COLUMNS] == 1 and n[Nest.WHOLE_CHANNELS] > 0


@bare_inlined
def _is_candidate(n: Ints, d: Ints, m: Ints) -> bool:
    """Leave out splits that are another one by a different name, or not allowed."""
    if d[Unit.PES_X] == 1 and m[Map.SPLIT_X] != Split.ROWS:
        return False
    if d[Unit.PES_Y] == 1 and m[Map.SPLIT_Y] != Split.ROWS:
        return False
    if d[Unit.CORES] == 1 and m[Map.SPLIT_CORES] == Split.CHANNELS:
        return False
    if d[Unit.PES_X] > 1 and not _divides(n, m[Map.SPLIT_X]):
        return False
    return d[Unit.PES_Y] == 1 or _divides(n, m[Map.SPLIT_Y])


@bare_inlined
def _joins(d: Ints, m: Ints, place: Ints) -> bool:
    """Whether a part of a tensor lies as those do that are there already."""
    across = m[Map.SPLIT_X] if d[Unit.PES_X] > 1 else _NONE
    down = m[Map.SPLIT_Y] if d[Unit.PES_Y] > 1 else _NONE
    return bool(
        place[Place.SPLIT_X] == across
        and place[Place.SPLIT_Y] == down
        and place[Place.ROWS] == m[Map.PE_ROWS]
        and place[Place.COLUMNS] == m[Map.PE_COLUMNS]
    )


@bare_kernel
def _best(
    n: Ints,
    d: Ints,
    tensors: Ints,
    places: Ints,
    free: int,
    m: Ints,
    demand: Ints,
    m_out: Ints,
) -> bool:
    """The cheapest candidate of a nest into `m_out`, `m` for scratch; whether there is one."""
    best = _IMPOSSIBLE
    destination = n[Nest.DESTINATION]
    source, result = places[n[Nest.SOURCE]], tensors[destination]
    placed = places[destination, Place.ON_CHIP] > 0
    # All parts of a tensor are in one place.
    out = places[destination, Place.FORCED_OUT] > 0 or places[destination, Place.STORED] > 0
    room = free + (places[destination, Place.BYTES] if placed else 0)
    for choice in range(18):
        m[Map.SPLIT_X] = 1 + choice // 6
        m[Map.SPLIT_Y] = 1 + choice // 2 % 3
        m[Map.SPLIT_CORES] = Split.CHANNELS if choice % 2 else Split.ROWS
        if not _is_candidate(n, d, m):
            continue
        for variant in range(VARIANTS):
            if not share_out(n, d, m, source, result, variant) and variant != NATURAL:
                continue
            if placed and not _joins(d, m, places[destination]):
                continue
            for to_dram in range(1 if out else 0, 1 if placed else 2):
                m[Map.TO_DRAM] = to_dram
                found = _evaluate(n, d, m, tensors, places, room, demand)
                if found < best:
                    best = found
                    for column in range(len(m)):
                        m_out[column] = m[column]
                if found < _IMPOSSIBLE:
                    break  # going to DRAM costs no less than staying
    return best < _IMPOSSIBLE


@bare_inlined
def _furthest(demand: Ints) -> int:
    """The resource that refused the candidates that came furthest: the last in their order."""
    for resource in range(RESOURCES - 1, 0, -1):
        if demand[resource] > 0:
            return resource
    return 0


@bare_kernel
def map_network(
    # Network:
    nests: Ints,
    tensors: Ints,
    # Machine:
    d: Ints,
    # Scratch:
    taken: Ints,
    demand: Ints,
    m: Ints,
    # Out:
    places: Ints,
    mapping: Ints,
) -> tuple[int, int, int]:
    """The mapping [L, MAPS] and places [T, PLACES]; what does not fit: nest, resource, demand.

    The nest is -1 where everything fits.
    """
    for tensor in range(len(tensors)):
        places[tensor, Place.FORCED_OUT] = tensors[tensor, TensorColumn.IN_DRAM]
    index = 0
    while index < len(nests):
        n = nests[index]
        live, used = free_the_dead(tensors, places, index, taken)
        demand[:] = 0
        free = d[Unit.PE_MEMORY_BYTES] - used
        fits = _best(n, d, tensors, places, free, m, demand, mapping[index])
        if fits and allocate(n, d, mapping[index], places, taken, live):
            settle(n, d, mapping[index], tensors[n[Nest.DESTINATION]], places)
            index += 1
            continue
        # More room in PE memory helps, unless every candidate already fails at the core memory.
        hopeless = not fits and demand[1] == 0 and demand[2] == 0
        if hopeless or not put_out(n, places):
            resource = _furthest(demand)
            return index, resource, demand[resource]
        places[:, Place.ON_CHIP] = 0
        places[:, Place.STORED] = 0
        index = 0
    return -1, 0, 0

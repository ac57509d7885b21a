"""Mapping: for every nest the split over PEs and cores, the tiles and the places of its operands.

Dynamic programming over the layouts of tensors, with a bounded number of states: a state is a way
to have mapped all nests so far, known by the layouts of the tensors that are still needed and by
the times that it has reached (`clock`). Of states with the same layouts only the earliest
goes on, of all only the best few. A tensor stays in PE memory from its producer to its last reader
when it fits; when no state finds room, the largest bystander is put out to DRAM and mapping begins
again.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.compiler.kernels.allocation import allocate, enter_live, largest, settle, take_live
from apollo.compiler.kernels.candidates import list_candidates
from apollo.compiler.kernels.clock import Time, look_ahead, moved_cycles
from apollo.compiler.kernels.layouts import layout_key, others_key
from apollo.compiler.kernels.parts import held_channels, held_columns, held_rows, may_stay
from apollo.compiler.kernels.ranking import IMPOSSIBLE, limit_of
from apollo.compiler.kernels.rows import copy_row
from apollo.compiler.kernels.trials import (
    find_operands,
    least_score,
    try_tiles,
)
from apollo.compiler.kernels.workspace import SCORE, STATE, Workspace
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

_NONE = int(Split.NONE)
_PE_MEMORY = int(Resource.PE_MEMORY)
RESOURCES = len(Resource)


@bare_inlined
def _joins(n: Ints, d: Ints, m: Ints, t: Ints, place: Ints) -> bool:
    """Whether a part of a tensor lies as those do that are there already."""
    across = m[Map.SPLIT_X] if d[Unit.PES_X] > 1 else _NONE
    down = m[Map.SPLIT_Y] if d[Unit.PES_Y] > 1 else _NONE
    return bool(
        place[Place.SPLIT_X] == across
        and place[Place.SPLIT_Y] == down
        and place[Place.ROWS] == held_rows(n, m, t)
        and place[Place.COLUMNS] == held_columns(n, m, t)
        and place[Place.CHANNELS] == held_channels(n, m, t)
    )


@bare_inlined
def _is_mirrored(d: Ints, m: Ints) -> bool:
    """Whether the same with rows and columns of PEs exchanged is another candidate, as good."""
    in_place = m[Map.SOURCE_FROM] == From.PLACE or m[Map.SOURCE_FROM] == From.HALO
    in_place |= m[Map.SECOND_FROM] == From.PLACE
    return bool(d[Unit.PES_X] == d[Unit.PES_Y] and m[Map.SPLIT_X] > m[Map.SPLIT_Y] and not in_place)


@bare_inlined
def _left(places: Ints, live: Ints, count: int, capacity: int) -> int:
    """Bytes of a PE memory that no live tensor takes."""
    for i in range(count):
        if places[live[i], Place.ON_CHIP]:
            capacity -= places[live[i], Place.BYTES]
    return capacity


@bare_kernel
def _continue(
    s: Workspace,
    n: Ints,
    d: Ints,
    tensors: Ints,
    index: int,
    state: int,
    live: int,
    count: int,
    entries: int,
    price: Ints,
) -> int:
    """Try `count` candidates after a state; how many entries there are among the best."""
    places, m = s.places[index % 2, state], s.map
    destination = n[Nest.DESTINATION]
    place = places[destination]
    placed = place[Place.ON_CHIP] > 0
    # All parts of a tensor are in one place.
    out = place[Place.FORCED_OUT] > 0 or place[Place.STORED] > 0
    out |= s.forced[index, Map.TO_DRAM] == 1
    room = _left(places, s.live, live, d[Unit.PE_MEMORY_BYTES])
    if placed:
        room += place[Place.BYTES]
    others = others_key(tensors, places, s.live, live, index, destination)
    for i in range(count):
        row = s.candidates[i]
        if placed and not _joins(n, d, row, tensors[destination], place):
            continue
        least = least_score(s, index, state, i, price, 0)
        must_go = out or not may_stay(n, d, row, tensors[destination])
        for to_dram in range(1 if must_go else 0, 1 if placed else 2):
            row[Map.TO_DRAM] = to_dram
            key = layout_key(d, row, others)
            if least >= limit_of(key, entries, s.best):
                break
            copy_row(row, m)
            find_operands(n, d, m, tensors, places)
            if _is_mirrored(d, m):
                break
            if least_score(s, index, state, i, price, moved_cycles(n, d, m)) >= limit_of(
                key, entries, s.best
            ):
                break
            entries = try_tiles(s, n, d, tensors, index, state, i, price, room, key, entries)
            if m[Map.ROW_TILES] > 0:
                break  # going to DRAM costs no less than staying
    return entries


@bare_inlined
def _accept(
    s: Workspace,
    n: Ints,
    d: Ints,
    tensors: Ints,
    index: int,
    live: int,
    entries: int,
    width: int,
) -> int:
    """Make states of the best entries that find room, best first; how many there are."""
    states = 0
    while states < width:
        slot = -1
        for i in range(entries):
            if s.best[i, SCORE] < IMPOSSIBLE and (
                slot < 0 or s.best[i, SCORE] < s.best[slot, SCORE]
            ):
                slot = i
        if slot < 0:
            break
        s.best[slot, SCORE] = IMPOSSIBLE
        parent, m = s.best[slot, STATE], s.best_map[slot]
        before, after = s.places[index % 2, parent], s.places[(index + 1) % 2, states]
        for i in range(live):
            copy_row(before[s.live[i]], after[s.live[i]])
        if not allocate(n, d, m, after, s.taken, take_live(after, s.live, live, s.taken)):
            continue
        settle(n, d, m, tensors[n[Nest.DESTINATION]], after)
        s.parents[index, states] = parent
        copy_row(m, s.maps[index, states])
        copy_row(s.best_time[slot], s.times[index, states])
        states += 1
    return states


@bare_kernel
def _search(
    s: Workspace, nests: Ints, tensors: Ints, d: Ints, width: int, begin: int, live: int
) -> tuple[int, int, int]:
    """Map all nests from `begin` on with at most `width` states, when `live` tensors are there.

    The states at the end and -1; or the nest that none could map, and live tensors then.
    """
    states = 1
    for index in range(begin, len(nests)):
        n = nests[index]
        live = enter_live(n, tensors, s.live, live, index)
        s.demand[:] = 0
        places = s.places[index % 2, :states]
        count = list_candidates(
            n, d, tensors, s.pairs, s.forced[index], places, s.demand, s.candidates, s.works
        )
        entries = 0
        for state in range(states):
            entries = _continue(s, n, d, tensors, index, state, live, count, entries, s.price)
        states = _accept(s, n, d, tensors, index, live, entries, width)
        if states == 0:
            if entries > 0 and s.demand[_PE_MEMORY] == 0:
                # The room is there, but in pieces: it helps to put a tensor out.
                s.demand[_PE_MEMORY] = d[Unit.PE_MEMORY_BYTES] + 1
            return 0, index, live
    return states, -1, live


@bare_kernel
def _begin_at(s: Workspace, nests: Ints, tensors: Ints, d: Ints, out: Ints, begin: int) -> int:
    """Go back to where the first state was before a nest; how many tensors were alive.

    `out` [T] says what must live in DRAM.
    """
    for half in range(2):
        for state in range(len(s.places[0])):
            for tensor in range(len(out)):
                place = s.places[half, state, tensor]
                for column in range(len(place)):
                    place[column] = 0
                place[Place.FORCED_OUT] = out[tensor]
    live = 0
    for index in range(begin):
        n = nests[index]
        live = enter_live(n, tensors, s.live, live, index)
        settle(n, d, s.maps[index, 0], tensors[n[Nest.DESTINATION]], s.places[begin % 2, 0])
    return live


@bare_inlined
def _first_writer(nests: Ints, tensor: int) -> int:
    """The nest that begins a tensor."""
    index = 0
    while nests[index, Nest.DESTINATION] != tensor:
        index += 1
    return index


@bare_inlined
def _furthest(demand: Ints) -> int:
    """The resource that refused the candidates that came furthest: the last in their order."""
    for resource in range(RESOURCES - 1, 0, -1):
        if demand[resource] > 0:
            return resource
    return 0


@bare_inlined
def _end(t: Ints) -> int:
    """When all is done."""
    return max(t[Time.END], t[Time.STORED])


@bare_kernel
def _write(
    s: Workspace, nests: Ints, tensors: Ints, d: Ints, states: int, places: Ints, mapping: Ints
) -> None:
    """Follow the state that ends first back to its beginning."""
    last = len(nests) - 1
    state = 0
    for i in range(1, states):
        if _end(s.times[last, i]) < _end(s.times[last, state]):
            state = i
    for index in range(last, -1, -1):
        copy_row(s.maps[index, state], mapping[index])
        state = s.parents[index, state]
    for index in range(len(nests)):
        n = nests[index]
        settle(n, d, mapping[index], tensors[n[Nest.DESTINATION]], places)


@bare_kernel
def map_network(
    # Network:
    nests: Ints,
    tensors: Ints,
    # Machine:
    d: Ints,
    # Scratch:
    s: Workspace,
    # Out:
    out_out: Ints,
    places: Ints,
    mapping: Ints,
) -> tuple[int, int, int]:
    """The mapping [L, MAPS] and places [T, PLACES]; what does not fit: nest, resource, demand.

    `out_out` [T] says which tensors must live in DRAM.

    The nest is -1 where everything fits. What must be put out is found with one state, which is
    fast; then all states know it.
    """
    for tensor in range(len(tensors)):
        out_out[tensor] = tensors[tensor, TensorColumn.IN_DRAM]
    look_ahead(nests, d, s.forced, s.ahead, s.price)
    most = len(s.places[0])
    width = most
    narrow_fits = False
    begin = 0
    while True:
        live = _begin_at(s, nests, tensors, d, out_out, begin)
        states, failed, live = _search(s, nests, tensors, d, width, begin, live)
        begin = 0
        if failed < 0 and (width == most or narrow_fits):
            break
        if failed < 0:
            narrow_fits, width = True, most
            continue
        if narrow_fits:
            width = 1  # some of the many states took room that the one needs
            most = 1
            continue
        # More room in PE memory helps, unless every candidate already fails at the core memory.
        hopeless = s.demand[1] == 0 and s.demand[2] == 0
        victim = NO_TENSOR
        if not hopeless:
            victim = largest(nests[failed], s.places[failed % 2, 0], s.live, live)
        if victim == NO_TENSOR:
            resource = _furthest(s.demand)
            return failed, resource, s.demand[resource]
        out_out[victim] = 1
        if width == 1:
            begin = _first_writer(nests, victim)  # what one state did before does not change
        width = 1
    _write(s, nests, tensors, d, states, places, mapping)
    return -1, 0, 0

"""Tiles of a candidate after a state: where its operands are, which tiles fit, and the score."""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.compiler.kernels.candidates import obeys
from apollo.compiler.kernels.clock import (
    Time,
    Work,
    advance,
    enter_core_work,
    enter_transfers,
)
from apollo.compiler.kernels.operands import find_second, find_source
from apollo.compiler.kernels.parameters import FITS
from apollo.compiler.kernels.ranking import cost_of, insert, score_of, weigh
from apollo.compiler.kernels.rows import copy_row
from apollo.compiler.kernels.sparse import fit_tiles
from apollo.compiler.kernels.tiling import (
    over_instruction_memory,
    streams,
    tile_rows,
)
from apollo.compiler.kernels.workspace import Workspace
from apollo.compiler.tables import NO_TENSOR, From, Map, Nest, TensorColumn, Unit

Ints = npt.NDArray[np.int64]

_MOST_TILES = 16  # of rows, beyond what memory asks for


@bare_inlined
def find_operands(n: Ints, d: Ints, m: Ints, tensors: Ints, places: Ints) -> None:
    """Where a candidate finds its operands."""
    source, second = n[Nest.SOURCE], n[Nest.SECOND]
    find_source(n, d, m, tensors[source], places[source])
    m[Map.SECOND_FROM] = From.NOWHERE
    m[Map.SECOND_MOVE_BYTES] = 0
    m[Map.SECOND_BYTES] = 0
    if second != NO_TENSOR:
        find_second(n, d, m, tensors[second], places[second])


@bare_inlined
def complete(
    n: Ints, d: Ints, m: Ints, tensors: Ints, s: Workspace, index: int, free: int, tiles: int
) -> bool:
    """Find a candidate's tiles, at least `tiles` of rows, that fit; whether there are any.

    Larger tiles of parameters than the candidate's are for what has too many instructions.
    """
    forced, demand = s.forced[index], s.demand
    for share in (4, 2, 1):
        if share < 4 and fit_tiles(n, d, m, s.pairs, forced, share) != FITS:
            continue
        if tile_rows(n, d, m, tensors, free, tiles, forced, demand) and not over_instruction_memory(
            n, d, m, demand
        ):
            return True
    return False


@bare_inlined
def least_score(
    s: Workspace, index: int, state: int, candidate: int, price: Ints, move: int
) -> int:
    """No more than the score of a candidate after a state and a move, whatever its tiles are."""
    w = s.works[candidate]
    end = channel = ring = busy = 0
    if index > 0:
        last = s.times[index - 1, state]
        end, channel = last[Time.END], last[Time.CHANNEL]
        ring, busy = last[Time.RING], last[Time.BUSY]
    ahead = s.ahead[index]
    channel += w[Work.LEAST_PARAMETERS]
    done = max(end + move + w[Work.LEAST], channel) + ahead[0]
    moved = channel + ahead[1]
    ring += w[Work.LEAST_RING]
    busy += move + w[Work.LEAST]
    return weigh(done, moved, index == len(s.ahead) - 1) + cost_of(ring, busy, price)


@bare_inlined
def score_after(
    s: Workspace,
    n: Ints,
    d: Ints,
    tensors: Ints,
    index: int,
    state: int,
    room: int,
    price: Ints,
) -> int:
    """Enter into `time` when the nest is done whose work is in `work`; the score."""
    advance(s.work, d, room, s.times, s.parents, index, state, s.time)
    is_read = tensors[n[Nest.DESTINATION], TensorColumn.LAST_USE] > index
    stored = s.work[Work.STORES] if is_read else 0
    return score_of(s.time, s.ahead[index], stored, price, index == len(s.ahead) - 1)


@bare_inlined
def _score(
    s: Workspace,
    n: Ints,
    d: Ints,
    tensors: Ints,
    index: int,
    state: int,
    candidate: int,
    price: Ints,
) -> int:
    """Enter into `time` when the nest is done as in `map` after a state; the score."""
    w, m = s.work, s.map
    copy_row(s.works[candidate], w)
    row = s.candidates[candidate]
    tiled = m[Map.TILE_CHANNELS] != row[Map.TILE_CHANNELS]
    tiled |= m[Map.TILE_INPUTS] != row[Map.TILE_INPUTS]
    if m[Map.ROW_TILES] > 1 or streams(m) or tiled:
        enter_core_work(n, d, m, w)
    enter_transfers(n, d, m, tensors, w)
    m[Map.CYCLES] = w[Work.COMPUTE]
    room = d[Unit.CORE_MEMORY_BYTES]
    return score_after(s, n, d, tensors, index, state, room, price)


@bare_inlined
def _finer(m: Ints, before: int) -> int:
    """Tiles of rows to try next; 0 where more of them bring nothing, or did not change anything."""
    if not streams(m) or m[Map.TILE_ROWS] == 1 or m[Map.ROW_TILES] >= _MOST_TILES:
        return 0
    return 2 * m[Map.ROW_TILES] if m[Map.ROW_TILES] > before else 0


@bare_inlined
def _copy_tiles(row: Ints, m: Ints) -> None:
    """Enter a candidate's own tiles of parameters."""
    for column in range(Map.TILE_CHANNELS, Map.INPUT_TILES + 1):
        m[column] = row[column]
    for column in range(Map.TILE_BYTES, Map.STEPS + 1):
        m[column] = row[column]


@bare_kernel
def try_tiles(
    s: Workspace,
    n: Ints,
    d: Ints,
    tensors: Ints,
    index: int,
    state: int,
    candidate: int,
    price: Ints,
    room: int,
    key: int,
    entries: int,
) -> int:
    """Try the tiles that are a candidate's own, with few tiles of rows and more; the entries.

    ROW_TILES of `map` is 0 if none of them fits.
    """
    m = s.map
    tiles, before = 1, 0
    while tiles > before:
        _copy_tiles(s.candidates[candidate], m)
        if not complete(n, d, m, tensors, s, index, room, tiles):
            break
        if not s.is_forced[index] or obeys(m, s.forced[index]):
            score = _score(s, n, d, tensors, index, state, candidate, price)
            entries = insert(key, score, state, m, s.time, entries, s.best, s.best_map, s.best_time)
        # Streams run while others are computed, if there are several tiles.
        before, tiles = m[Map.ROW_TILES], _finer(m, before)
    m[Map.ROW_TILES] = before
    return entries

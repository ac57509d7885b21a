"""Candidates of a nest: every way to share it out over PEs and cores that may be the best.

A candidate is a row of the mapping with its splits, parts and tiles of parameters; where operands
come from, and what fits, depends on what was mapped before it and is found out later.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.compiler.kernels.clock import enter_core_work, enter_least
from apollo.compiler.kernels.parameters import FITS, FREE
from apollo.compiler.kernels.parts import INHERITED, NATURAL, VARIANTS, may_differ, share_out
from apollo.compiler.kernels.sparse import fit_tiles
from apollo.compiler.kernels.tiling import note
from apollo.compiler.tables import Form, Map, Nest, Place, Resource, Split, Unit

Ints = npt.NDArray[np.int64]

CHOICES = 18  # of PE columns, PE rows and cores
FORMS = 2  # dense or sparse
_CORE_MEMORY = int(Resource.CORE_MEMORY)


@bare_inlined
def _divides(n: Ints, split: int) -> bool:
    """Whether it makes sense to divide that dimension, and is allowed."""
    if split == Split.CHANNELS:
        return n[Nest.WHOLE_CHANNELS] == 0
    if split == Split.COLUMNS:
        return n[Nest.COLUMNS] > 1 and not n[Nest.WHOLE_COLUMNS]
    if n[Nest.ROWS] > 1 and not n[Nest.WHOLE_ROWS]:
        return True
    # The last resort, where nothing else can be divided: the first PE does it all.
    across = n[Nest.COLUMNS] > 1 and not n[Nest.WHOLE_COLUMNS]
    return not across and n[Nest.WHOLE_CHANNELS] > 0


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
def obeys(m: Ints, forced: Ints) -> bool:
    """Whether a row has what is forced."""
    for column in range(len(forced)):
        if forced[column] != FREE and m[column] != forced[column]:
            return False
    return True


@bare_inlined
def _is_listed(rows: Ints, count: int, m: Ints) -> bool:
    """Whether the same parts are among the candidates already."""
    for i in range(count):
        same = True
        for column in range(Map.SPLIT_X, Map.TILE_ROWS):
            if rows[i, column] != m[column]:
                same = False
                break
        if same:
            return True
    return False


@bare_kernel
def _enter(
    n: Ints, d: Ints, m: Ints, pairs: Ints, forced: Ints, sparse: int, demand: Ints, w: Ints
) -> bool:
    """Complete a candidate whose parts are given with its tiles and cycles; whether it fits."""
    m[Map.SPARSE] = sparse
    demanded = FITS
    for share in (4, 2, 1):
        demanded = fit_tiles(n, d, m, pairs, forced, share)
        if demanded == FITS:
            m[Map.TILE_ROWS], m[Map.ROW_TILES] = m[Map.PE_ROWS], 1
            # Without rows in tiles, and operands in place: what is found out later adds to it.
            m[Map.SOURCE_FROM] = m[Map.SECOND_FROM] = m[Map.TO_DRAM] = 0
            enter_core_work(n, d, m, w)
            enter_least(n, d, m, w)
            return True
    note(demand, _CORE_MEMORY, demanded)
    return False


@bare_kernel
def add_candidates(
    n: Ints,
    d: Ints,
    source: Ints,
    result: Ints,
    pairs: Ints,
    forced: Ints,
    variant: int,
    demand: Ints,
    rows: Ints,
    works: Ints,
    count: int,
) -> int:
    """Append the candidates of a variant of parts; how many there are then.

    `source` is the place of the source; `result` the destination's row in the table of tensors.
    Parameter tiles of a quarter of core memory let loads run ahead; larger ones are for what needs
    them to fit.
    """
    for choice in range(CHOICES):
        m = rows[count]
        m[Map.SPLIT_X] = 1 + choice // 6
        m[Map.SPLIT_Y] = 1 + choice // 2 % 3
        m[Map.SPLIT_CORES] = Split.CHANNELS if choice % 2 else Split.ROWS
        if not _is_candidate(n, d, m):
            continue
        if not share_out(n, d, m, source, result, variant) and variant != NATURAL:
            continue
        if variant != NATURAL and _is_listed(rows, count, m):
            continue
        if n[Nest.FORM] != Form.SPARSE and _enter(n, d, m, pairs, forced, 0, demand, works[count]):
            count += 1
            for column in range(Map.TILE_ROWS):
                rows[count, column] = m[column]
        if n[Nest.FORM] != Form.DENSE and _enter(
            n, d, rows[count], pairs, forced, 1, demand, works[count]
        ):
            count += 1
    return count


@bare_inlined
def _is_known(places: Ints, source: int, state: int) -> bool:
    """Whether the source's slices are as large in an earlier state."""
    place = places[state, source]
    for earlier in range(state):
        other = places[earlier, source]
        if (
            other[Place.ON_CHIP] == place[Place.ON_CHIP]
            and other[Place.ROWS] == place[Place.ROWS]
            and other[Place.COLUMNS] == place[Place.COLUMNS]
            and other[Place.CHANNELS] == place[Place.CHANNELS]
        ):
            return True
    return False


@bare_kernel
def list_candidates(
    n: Ints,
    d: Ints,
    tensors: Ints,
    pairs: Ints,
    forced: Ints,
    places: Ints,
    demand: Ints,
    rows: Ints,
    works: Ints,
) -> int:
    """Fill `rows` with all candidates and `works` with their work; how many there are.

    `places` [states, T, PLACES]: where tensors are before the nest.
    """
    result = tensors[n[Nest.DESTINATION]]
    source = n[Nest.SOURCE]
    count = 0
    for variant in range(VARIANTS):
        if not may_differ(result, variant):
            continue
        for state in range(len(places) if variant == INHERITED else 1):
            place = places[state, source]
            if variant == INHERITED and (
                not place[Place.ON_CHIP] or _is_known(places, source, state)
            ):
                continue
            count = add_candidates(
                n, d, place, result, pairs, forced, variant, demand, rows, works, count
            )
    return count

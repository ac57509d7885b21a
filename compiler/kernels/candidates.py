"""Candidates of a nest: every way to share it out over PEs and cores that may be the best.

A candidate is a row of the mapping with its splits, parts and tiles of parameters; where operands
come from, and what fits, depends on what was mapped before it and is found out later.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.compiler.kernels.cost import compute_cycles, parameter_bytes
from apollo.compiler.kernels.operands import tensor_bytes
from apollo.compiler.kernels.parameters import FITS, tile_parameters
from apollo.compiler.kernels.parts import INHERITED, NATURAL, VARIANTS, share_out
from apollo.compiler.kernels.tiling import note
from apollo.compiler.tables import NO_TENSOR, Map, Nest, Resource, Split, Unit

Ints = npt.NDArray[np.int64]

CHOICES = 18  # of PE columns, PE rows and cores
FREE = -1  # of a forced column: the compiler decides
_CORE_MEMORY = int(Resource.CORE_MEMORY)
_FEW = 8  # so many are all tried


@bare_inlined
def _divides(n: Ints, split: int) -> bool:
    """Whether it makes sense to divide that dimension, and is allowed."""
    if split == Split.CHANNELS:
        return n[Nest.WHOLE_CHANNELS] == 0
    if split == Split.COLUMNS:
        return n[Nest.COLUMNS] > 1
    if n[Nest.ROWS] > 1:
        return True
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
def add_candidates(
    n: Ints,
    d: Ints,
    source: Ints,
    result: Ints,
    variant: int,
    demand: Ints,
    rows: Ints,
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
        demanded = FITS
        for share in (4, 2, 1):
            demanded = tile_parameters(n, d, m, share)
            if demanded == FITS:
                break
        if demanded != FITS:
            note(demand, _CORE_MEMORY, demanded)
            continue
        m[Map.TILE_ROWS], m[Map.ROW_TILES] = m[Map.PE_ROWS], 1
        m[Map.CYCLES] = compute_cycles(n, d, m)
        count += 1
    return count


@bare_kernel
def list_candidates(
    n: Ints,
    d: Ints,
    tensors: Ints,
    places: Ints,
    demand: Ints,
    rows: Ints,
) -> int:
    """Fill `rows` with all candidates, given the places [states, T, PLACES] before; how many."""
    result = tensors[n[Nest.DESTINATION]]
    source = n[Nest.SOURCE]
    count = 0
    for variant in range(VARIANTS):
        for state in range(len(places) if variant == INHERITED else 1):
            place = places[state, source]
            count = add_candidates(n, d, place, result, variant, demand, rows, count)
    return count


@bare_kernel
def prune(n: Ints, d: Ints, tensors: Ints, rows: Ints, count: int) -> int:
    """Keep the candidates that may be the best; they come first, how many.

    One that computes for longer than the fastest by more than all moves of its operands and its
    result, there and back, and all its loads take can only lose.
    """
    if count <= _FEW:
        return count
    fastest = rows[0, Map.CYCLES]
    loads = 0
    for i in range(count):
        fastest = min(fastest, rows[i, Map.CYCLES])
        loads = max(loads, parameter_bytes(n, d, rows[i]))
    moved = tensor_bytes(tensors[n[Nest.SOURCE]]) + tensor_bytes(tensors[n[Nest.DESTINATION]])
    if n[Nest.SECOND] != NO_TENSOR:
        moved += tensor_bytes(tensors[n[Nest.SECOND]])
    allowed = fastest + 2 * n[Nest.IMAGES] * moved // d[Unit.BUS_BYTES]
    allowed += loads * d[Unit.DRAM_DEN] // d[Unit.DRAM_NUM]
    kept = 0
    for i in range(count):
        if rows[i, Map.CYCLES] <= allowed:
            for column in range(len(rows[i])):
                rows[kept, column] = rows[i, column]
            kept += 1
    return kept

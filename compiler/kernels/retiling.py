"""Smaller tiles of parameters once all else is known: a smaller ring leaves more to what stays.

The mapping takes tiles of up to a quarter of core memory, with which loads run well ahead. Where
parameters of some nests stay between inferences and those of others stream, the ring has room for
two of the largest tiles that stream: cut smaller, they take more instructions, and more can stay.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.compiler.kernels.allocation import allocate, enter_live, settle, take_live
from apollo.compiler.kernels.cost import compute_cycles
from apollo.compiler.kernels.parameters import FITS, FREE, has_parameters, ring_bytes
from apollo.compiler.kernels.rows import copy_row
from apollo.compiler.kernels.sparse import fit_tiles
from apollo.compiler.kernels.tiling import (
    enter_memory,
    holds_parameters,
    over_instruction_memory,
)
from apollo.compiler.kernels.workspace import Workspace
from apollo.compiler.tables import Map, Nest, Unit

Ints = npt.NDArray[np.int64]


@bare_kernel
def _cut(n: Ints, d: Ints, m: Ints, tensors: Ints, s: Workspace, index: int, share: int) -> bool:
    """Enter smaller tiles; whether parameters are loaded no more often, and the program fits."""
    if fit_tiles(n, d, m, s.pairs, s.forced[index], share) != FITS:
        return False
    enter_memory(n, d, m, tensors, m[Map.TILE_ROWS])
    if not holds_parameters(n, m) or over_instruction_memory(n, d, m, s.demand):
        return False
    m[Map.CYCLES] = compute_cycles(n, d, m)
    return True


@bare_inlined
def _may_cut(n: Ints, d: Ints, m: Ints, forced: Ints, share: int) -> bool:
    """Whether the tiles are larger, and nobody has said how large they are."""
    if forced[Map.TILE_CHANNELS] != FREE or forced[Map.TILE_INPUTS] != FREE or n[Nest.DYNAMIC]:
        return False
    return has_parameters(n) and ring_bytes(n, m) * share > d[Unit.CORE_MEMORY_BYTES]


@bare_kernel
def retile(
    nests: Ints,
    tensors: Ints,
    d: Ints,
    share: int,
    # Scratch:
    s: Workspace,
    places: Ints,  # [T, PLACES] nothing is anywhere
    # Out:
    mapping_out: Ints,
) -> int:
    """Cut tiles to at most a `share`-th of core memory; how many nests have smaller ones.

    Everything else stays where it is: partial sums go where there is room.
    """
    count = live = 0
    row = s.map
    for i in range(len(nests)):
        n, m = nests[i], mapping_out[i]
        live = enter_live(n, tensors, s.live, live, i)
        if _may_cut(n, d, m, s.forced[i], share):
            copy_row(m, row)
            fits = _cut(n, d, m, tensors, s, i, share)
            if fits and allocate(
                n, d, m, places, s.taken, take_live(places, s.live, live, s.taken)
            ):
                count += 1
            else:
                copy_row(row, m)
        settle(n, d, m, tensors[n[Nest.DESTINATION]], places)
    return count

"""Which nests find their parameters where an earlier nest has put its own.

Nests with equal numbers (SHARES) have equal bytes where they also share them out to PEs and cores
alike, and load them in the same tiles.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.compiler.tables import Map, Nest, Split

Ints = npt.NDArray[np.int64]

_NOBODY = -1
_ALIKE = (
    int(Map.PE_GROUPS),
    int(Map.PE_CHANNELS),
    int(Map.CORE_CHANNELS),
    int(Map.TILE_CHANNELS),
    int(Map.TILE_INPUTS),
    int(Map.SPARSE),
)
_SPLITS = (int(Map.SPLIT_X), int(Map.SPLIT_Y), int(Map.SPLIT_CORES))


@bare_inlined
def _are_alike(n: Ints, a: Ints, b: Ints) -> bool:
    """Whether the same numbers are the same bytes under two mappings."""
    if not n[Nest.WEIGHTS]:
        return True  # a table is the same in every core
    alike = True
    for column in _ALIKE:
        alike &= a[column] == b[column]
    for column in _SPLITS:
        alike &= (a[column] == Split.CHANNELS) == (b[column] == Split.CHANNELS)
    return bool(alike)


@bare_kernel
def find_owners(
    nests: Ints,
    # Scratch, one number a nest:
    latest: Ints,
    before: Ints,
    # Out:
    mapping_out: Ints,
) -> None:
    """Enter OWNER in the mapping."""
    for i in range(len(nests)):
        key = nests[i, Nest.SHARES]
        if key == i:
            latest[key] = _NOBODY
        # The owners of these numbers so far, the latest first.
        owner = latest[key]
        while owner != _NOBODY and not _are_alike(nests[i], mapping_out[owner], mapping_out[i]):
            owner = before[owner]
        if owner == _NOBODY:
            owner = i
            before[i] = latest[key]
            latest[key] = i
        mapping_out[i, Map.OWNER] = owner

"""Which nests keep their parameters in core memory between inferences.

Greedy by DRAM bytes saved per byte of core memory, as long as the rest still has room to stream:
two tiles of its largest nest, or the whole memory for a tile that needs more than half.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import kernel
from apollo.compiler.kernels.tiling import channel_bytes
from apollo.compiler.tables import Map, Nest

Ints = npt.NDArray[np.int64]


@kernel
def _stream_bytes(n: Ints, m: Ints) -> int:
    """Core memory that a nest needs to stream its parameters."""
    return 2 * m[Map.TILE_CHANNELS] * channel_bytes(n, m[Map.TILE_INPUTS])


@kernel
def keep_resident(nests: Ints, core_memory_bytes: int, mapping_out: Ints) -> int:
    """Enter RESIDENT in the mapping; the bytes left for streaming."""
    count = len(nests)
    value = np.zeros(count, np.float64)
    for i in range(count):
        if mapping_out[i, Map.CORE_BYTES] > 0:
            saved = nests[i, Nest.GROUPS] * nests[i, Nest.CHANNELS]
            saved *= channel_bytes(nests[i], nests[i, Nest.IN_CHANNELS])
            value[i] = saved / mapping_out[i, Map.CORE_BYTES]
    kept = 0
    # Stable sort of integers would be exact; ties of equal ratios are broken by the mergesort.
    for i in np.argsort(-value, kind="mergesort"):
        size = mapping_out[i, Map.CORE_BYTES]
        if size == 0:
            continue
        streaming = 0
        for j in range(count):
            if j != i and not mapping_out[j, Map.RESIDENT] and mapping_out[j, Map.CORE_BYTES] > 0:
                streaming = max(streaming, _stream_bytes(nests[j], mapping_out[j]))
        if kept + size + streaming <= core_memory_bytes:
            mapping_out[i, Map.RESIDENT] = 1
            kept += size
    return core_memory_bytes - kept

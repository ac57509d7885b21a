"""Which nests keep their parameters in core memory between inferences.

Nests that share parameters keep them together. Greedy by DRAM bytes saved per byte of core memory,
as long as the rest still has room to stream: two tiles of its largest nest, or the whole memory for
a tile that needs more than half.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.compiler.kernels.cost import parameter_bytes
from apollo.compiler.kernels.parameters import tile_bytes
from apollo.compiler.tables import Map, Unit

Ints = npt.NDArray[np.int64]


@bare_inlined
def _stream_bytes(n: Ints, m: Ints) -> int:
    """Core memory that a nest needs to stream its parameters."""
    return 2 * tile_bytes(n, m[Map.TILE_CHANNELS], m[Map.TILE_INPUTS], True)


@bare_kernel
def _enter_places(mapping_out: Ints) -> None:
    """Addresses of what stays, in the order of the nests; who shares it finds it there too."""
    end = 0
    for i in range(len(mapping_out)):
        m, owner = mapping_out[i], mapping_out[mapping_out[i, Map.OWNER]]
        m[Map.RESIDENT] = owner[Map.RESIDENT]
        if m[Map.RESIDENT] and m[Map.OWNER] == i:
            m[Map.RESIDENT_ADDRESS] = end
            end += m[Map.CORE_BYTES]
        m[Map.RESIDENT_ADDRESS] = owner[Map.RESIDENT_ADDRESS]


@bare_kernel
def keep_resident(
    nests: Ints,
    d: Ints,
    # Scratch, one number a nest:
    value: Ints,
    order: Ints,
    stream: Ints,
    # Out:
    mapping_out: Ints,
) -> int:
    """Enter RESIDENT in the mapping; the bytes left for streaming."""
    count = len(nests)
    for i in range(count):
        m = mapping_out[i]
        order[i] = i
        value[i] = 0
        stream[i] = 0
        if m[Map.CORE_BYTES] > 0:
            saved = parameter_bytes(nests[i], d, m)
            value[m[Map.OWNER]] += (saved << 20) // m[Map.CORE_BYTES]
            stream[i] = _stream_bytes(nests[i], m)
    # By value, the earlier nest first among equals.
    for i in range(1, count):
        j, moving = i, order[i]
        while j > 0 and value[order[j - 1]] < value[moving]:
            order[j] = order[j - 1]
            j -= 1
        order[j] = moving
    kept = 0
    for place in range(count):
        i = order[place]
        size = mapping_out[i, Map.CORE_BYTES]
        if size == 0 or mapping_out[i, Map.OWNER] != i:
            continue
        streaming = 0
        for j in range(count):
            if (
                mapping_out[j, Map.OWNER] != i
                and not mapping_out[mapping_out[j, Map.OWNER], Map.RESIDENT]
            ):
                streaming = max(streaming, stream[j])
        if kept + size + streaming <= d[Unit.CORE_MEMORY_BYTES]:
            mapping_out[i, Map.RESIDENT] = 1
            kept += size
    _enter_places(mapping_out)
    return d[Unit.CORE_MEMORY_BYTES] - kept

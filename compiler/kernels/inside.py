"""Which tensors only some consecutive nests write and read, so that they can run in strips."""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.compiler.tables import IN_ORDER, NO_TENSOR, Nest, TensorColumn

Ints = npt.NDArray[np.int64]


@bare_inlined
def _is_used(n: Ints, marks: Ints) -> bool:
    """Whether the nest writes or reads a tensor that is marked."""
    if marks[n[Nest.SOURCE]] or marks[n[Nest.DESTINATION]]:
        return True
    return bool(n[Nest.SECOND] != NO_TENSOR and marks[n[Nest.SECOND]])


@bare_kernel
def find_inside(
    nests: Ints,
    tensors: Ints,
    # Segment, its last nest included:
    first: int,
    last: int,
    # Out:
    inside_out: Ints,  # [T]
) -> bool:
    """Mark what the nests of a segment leave inside; whether they can be cut.

    They must read rows in order, with stored weights, and only the last of their results may be
    for others.
    """
    inside_out[:] = 0
    if last >= len(nests):
        return False
    for i in range(first, last + 1):
        if nests[i, Nest.PERMUTATION] != IN_ORDER or nests[i, Nest.DYNAMIC]:
            return False
        inside_out[nests[i, Nest.DESTINATION]] = 1
    inside_out[nests[last, Nest.DESTINATION]] = 0
    count = 0
    for i in range(len(tensors)):
        if inside_out[i] and tensors[i, TensorColumn.IN_DRAM]:
            return False
        count += inside_out[i]
    for i in range(len(nests)):
        if not first <= i <= last and _is_used(nests[i], inside_out):
            return False
    return count > 0

"""Where everything lies in DRAM: parameters in the order of the nests, then every tensor.

An image of a tensor has its guard rows above and below. Behind the last one there is room for what
PEs beyond its last row are brought, which nobody reads.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_kernel
from apollo.compiler.kernels.parameters import has_parameters, nest_bytes
from apollo.compiler.kernels.transfers import image_rows
from apollo.compiler.tables import NO_TENSOR, Map, TensorColumn

Ints = npt.NDArray[np.int64]


@bare_kernel
def lay_out(
    nests: Ints,
    tensors: Ints,
    d: Ints,
    mapping: Ints,
    # Out:
    parameters: Ints,
    dram: Ints,
) -> int:
    """Addresses of the nests' parameters [L] and the tensors [T]; bytes of it all."""
    end = 0
    for i in range(len(nests)):
        owner = mapping[i, Map.OWNER]
        parameters[i] = end if owner == i else parameters[owner]
        if owner == i and has_parameters(nests[i]):
            end += nest_bytes(nests[i], d, mapping[i])
    for i in range(len(tensors)):
        t = tensors[i]
        if t[TensorColumn.ALIAS] != NO_TENSOR:
            dram[i] = dram[t[TensorColumn.ALIAS]]
            continue
        dram[i] = end
        rows = t[TensorColumn.IMAGES] * image_rows(t) + image_rows(t)
        end += rows * t[TensorColumn.COLUMNS] * t[TensorColumn.CHANNELS] * t[TensorColumn.WIDTH]
    return end

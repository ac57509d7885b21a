"""Where everything lies in DRAM: parameters in the order of the nests, then tensors.

Tensors that never are in DRAM take nothing there. An image of a tensor has its guard rows above and
below. Behind the last one there is room for what PEs beyond its last row are brought, which nobody
reads.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.compiler.kernels.parameters import has_parameters, nest_bytes
from apollo.compiler.kernels.sparse import sparse_load
from apollo.compiler.kernels.transfers import image_rows
from apollo.compiler.tables import NO_TENSOR, Map, Nest, TensorColumn

Ints = npt.NDArray[np.int64]

_NOWHERE = -1


@bare_inlined
def _mark_stored(nests: Ints, tensors: Ints, mapping: Ints, dram: Ints) -> None:
    """Enter _NOWHERE for tensors that never are in DRAM."""
    for i in range(len(tensors)):
        dram[i] = 0 if tensors[i, TensorColumn.IN_DRAM] else _NOWHERE
    for i in range(len(nests)):
        if mapping[i, Map.TO_DRAM]:
            dram[nests[i, Nest.DESTINATION]] = 0


@bare_inlined
def _image_bytes(t: Ints) -> int:
    """Of an image with its guard rows."""
    row_bytes = t[TensorColumn.COLUMNS] * t[TensorColumn.CHANNELS] * t[TensorColumn.WIDTH]
    return int(image_rows(t) * row_bytes)


@bare_kernel
def _lay_out_parameters(nests: Ints, pairs: Ints, d: Ints, mapping: Ints, parameters: Ints) -> int:
    """Addresses of the nests' parameters, those that are shared once; bytes of them all."""
    end = 0
    for i in range(len(nests)):
        m = mapping[i]
        if m[Map.OWNER] != i:
            parameters[i] = parameters[m[Map.OWNER]]
            continue
        parameters[i] = end
        if m[Map.SPARSE] and m[Map.RESIDENT]:
            end += sparse_load(nests[i], d, m, pairs, 0, m[Map.CORE_CHANNELS])[1]
        elif m[Map.SPARSE]:
            end += m[Map.LOAD_BYTES]
        elif has_parameters(nests[i]):
            end += nest_bytes(nests[i], d, m)
    return end


@bare_kernel
def lay_out(
    nests: Ints,
    tensors: Ints,
    pairs: Ints,
    d: Ints,
    mapping: Ints,
    # Out:
    parameters: Ints,
    dram: Ints,
) -> int:
    """Addresses of the nests' parameters [L] and the tensors [T]; bytes of it all.

    Tensors that never are in DRAM have the address behind it all.
    """
    end = _lay_out_parameters(nests, pairs, d, mapping, parameters)
    _mark_stored(nests, tensors, mapping, dram)
    for i in range(len(tensors)):
        t = tensors[i]
        if t[TensorColumn.ALIAS] != NO_TENSOR:
            whole = t[TensorColumn.ALIAS]
            first = t[TensorColumn.ALIAS_IMAGE] * _image_bytes(tensors[whole])
            dram[i] = dram[whole] + first
            continue
        if dram[i] == _NOWHERE:
            continue
        dram[i] = end
        end += (t[TensorColumn.IMAGES] + 1) * _image_bytes(t)
    for i in range(len(tensors)):
        if dram[i] == _NOWHERE:
            dram[i] = end
    return end

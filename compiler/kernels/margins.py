"""Margins of tensors: the ghost cells that windows read around them, once for all designs."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import Opcode
from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.compiler.tables import IN_ORDER, NO_TENSOR, Nest, TensorColumn

Ints = npt.NDArray[np.int64]

_MOST_ALIGNMENT = 8
_FIRST_VECTOR = int(Opcode.ADD)  # opcodes before are windows


class _Axis(NamedTuple):
    """Rows or columns: the columns of nests, then those of tensors."""

    outputs: int
    stride: int
    extent: int
    pad: int
    size: int
    before: int
    behind: int
    align: int
    step: int


_ROWS = _Axis(
    int(Nest.ROWS),
    int(Nest.STRIDE_ROWS),
    int(Nest.EXTENT_ROWS),
    int(Nest.PAD_ROWS),
    int(TensorColumn.ROWS),
    int(TensorColumn.TOP),
    int(TensorColumn.BOTTOM),
    int(TensorColumn.ALIGN_ROWS),
    int(TensorColumn.STEP_ROWS),
)
_COLUMNS = _Axis(
    int(Nest.COLUMNS),
    int(Nest.STRIDE_COLUMNS),
    int(Nest.EXTENT_COLUMNS),
    int(Nest.PAD_COLUMNS),
    int(TensorColumn.COLUMNS),
    int(TensorColumn.LEFT),
    int(TensorColumn.RIGHT),
    int(TensorColumn.ALIGN_COLUMNS),
    int(TensorColumn.STEP_COLUMNS),
)


@bare_inlined
def _slides(outputs: int, pad: int, extent: int, size: int) -> bool:
    """Whether a window moves over the dimension by steps, and so may be shared out in place."""
    return outputs > 1 and pad >= 0 and 2 * (extent - pad) <= size + 2


@bare_inlined
def _widen(n: Ints, tensors: Ints, axis: _Axis) -> None:
    """What one nest asks of its operands along rows or columns."""
    outputs, stride, extent, pad = n[axis.outputs], n[axis.stride], n[axis.extent], n[axis.pad]
    source, second = tensors[n[Nest.SOURCE]], n[Nest.SECOND]
    size = source[axis.size]
    if n[Nest.OPCODE] < _FIRST_VECTOR:
        reach = (outputs - 1) * stride + extent - pad - size
        # Where PEs share out the dimension, a neighbour's elements lie in the margin.
        shared = extent - stride - pad if _slides(outputs, pad, extent, size) else 0
        source[axis.before] = max(source[axis.before], pad)
        source[axis.behind] = max(source[axis.behind], reach, shared)
    if outputs <= 1:
        return
    wanted = stride * tensors[n[Nest.DESTINATION], axis.align]
    if wanted > _MOST_ALIGNMENT:
        wanted = stride  # of the windows behind that one we think when it is mapped
    source[axis.align] = max(source[axis.align], wanted)
    source[axis.step] = max(source[axis.step], stride)
    if second != NO_TENSOR and tensors[second, axis.size] > 1:
        tensors[second, axis.align] = max(tensors[second, axis.align], wanted)


@bare_kernel
def widen_margins(
    nests: Ints,
    strips: Ints,  # [L] above 0: the nest asks
    # Out:
    tensors_out: Ints,
) -> None:
    """Enter what these nests ask for beyond what is there, the last nest first."""
    for i in range(len(nests) - 1, -1, -1):
        n = nests[i]
        if strips[i] > 0 and n[Nest.PERMUTATION] == IN_ORDER:
            _widen(n, tensors_out, _ROWS)
            _widen(n, tensors_out, _COLUMNS)

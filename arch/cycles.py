"""What a compute tile costs in cycles (docs/machine.md, M16-M21, M28).

The one file of timing that the mapping kernel and the simulator share; the reference has its own.
"""

from apollo.arch.isa import Opcode
from apollo.arch.jit import kernel
from apollo.arch.operands import ComputeFlag

PIPELINE_CYCLES = 8
CHANNEL_GROUP = 4  # input channels a lane multiplies in a cycle
TAPS_PER_CYCLE = 2  # depthwise and pooling: the port feeds a lane two bytes a cycle
SOFTMAX_PASSES = 4
STANDARDIZE_PASSES = 4
NORMALIZE_EXTRA_PASSES = 2

_CONVOLVE = int(Opcode.CONVOLVE)
_SPARSE = int(Opcode.CONVOLVE_SPARSE)
_WINDOWS = (int(Opcode.DEPTHWISE), int(Opcode.POOL_MAX), int(Opcode.POOL_AVERAGE))
_BINARY = (int(Opcode.ADD), int(Opcode.MULTIPLY))
_ACCUMULATE = int(ComputeFlag.ACCUMULATE)
_PARTIAL = int(ComputeFlag.PARTIAL)
_WIDE_SOURCE = int(ComputeFlag.WIDE_SOURCE)
_WIDE_SECOND = int(ComputeFlag.WIDE_SECOND)
_WIDE_DESTINATION = int(ComputeFlag.WIDE_DESTINATION)
_OUTPUT_STATIONARY = int(ComputeFlag.OUTPUT_STATIONARY)


@kernel
def tile_cycles(
    opcode: int,
    positions: int,
    in_channels: int,
    out_channels: int,
    taps: int,
    flags: int,
    pairs: int,
    lanes: int,
) -> int:
    """Cycles of a compute instruction of the lanes whose busiest core has this work.

    `taps` are passes of a vector operation; `pairs` are those of non-zeros of a sparse one.
    """
    width = 2 if flags & _WIDE_SOURCE else 1
    groups = (out_channels + lanes - 1) // lanes
    elements = positions * out_channels
    written = elements * (2 if flags & _WIDE_DESTINATION else 1)
    if flags & _PARTIAL:
        written = 4 * elements
    read = 4 * elements if flags & _ACCUMULATE else 0
    if opcode == _CONVOLVE:
        channel_groups = (in_channels + CHANNEL_GROUP - 1) // CHANNEL_GROUP
        steps = width * positions * channel_groups * taps * groups
        read += CHANNEL_GROUP * steps
    elif opcode == _SPARSE:
        steps = width * ((positions + lanes - 1) // lanes) * pairs
        read = 2 * lanes * steps
    elif opcode in _WINDOWS:
        steps = width * positions * ((taps + TAPS_PER_CYCLE - 1) // TAPS_PER_CYCLE) * groups
        read += 2 * lanes * steps
    else:
        steps = positions * groups * taps
        second = 2 if flags & _WIDE_SECOND else 1
        read = elements * taps * (width + (second if opcode in _BINARY else 0))
    port = 2 * lanes
    busiest = max(read, written)
    return max(steps, (busiest + port - 1) // port) + PIPELINE_CYCLES


@kernel
def matmul_cycles(positions: int, reduction: int, flags: int, array_rows: int) -> int:
    """Cycles in which a multiplication feeds the systolic array (M21)."""
    rate = (2 if flags & _WIDE_SOURCE else 1) * (2 if flags & _WIDE_SECOND else 1)
    if flags & _OUTPUT_STATIONARY:
        return max(reduction * rate, array_rows)
    return positions * rate


@kernel
def shift_cycles(flags: int, array_rows: int) -> int:
    """Delay of a shift of weights (M21)."""
    return array_rows * (2 if flags & _WIDE_SECOND else 1)


@kernel
def drain_delay(flags: int, array_rows: int, array_columns: int) -> int:
    """Cycles before the sums of the last multiplication are in the accumulators (M21)."""
    skew = array_rows + array_columns - 2 + PIPELINE_CYCLES
    return skew + (array_rows if flags & _OUTPUT_STATIONARY else 0)

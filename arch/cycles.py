"""What a compute tile costs in cycles (docs/machine.md, M16-M20).

The one file of timing that the mapping kernel and the simulator share; the reference has its own.
"""

from apollo.arch.isa import ComputeFlag, Opcode
from apollo.arch.jit import kernel

PIPELINE_CYCLES = 8
CHANNEL_GROUP = 4  # input channels a lane multiplies in a cycle
TAPS_PER_CYCLE = 2  # depthwise and pooling: the port feeds a lane two bytes a cycle
SOFTMAX_PASSES = 4
NORMALIZE_EXTRA_PASSES = 2

_CONVOLVE = int(Opcode.CONVOLVE)
_WINDOWS = (int(Opcode.DEPTHWISE), int(Opcode.POOL_MAX), int(Opcode.POOL_AVERAGE))
_BINARY = (int(Opcode.ADD), int(Opcode.MULTIPLY))
_ACCUMULATE = int(ComputeFlag.ACCUMULATE)
_PARTIAL = int(ComputeFlag.PARTIAL)


@kernel
def tile_cycles(
    opcode: int,
    positions: int,
    in_channels: int,
    out_channels: int,
    taps: int,
    flags: int,
    lanes: int,
) -> int:
    """Cycles of a compute instruction whose busiest core has this work."""
    groups = (out_channels + lanes - 1) // lanes
    elements = positions * out_channels
    written = elements
    if opcode == _CONVOLVE:
        channel_groups = (in_channels + CHANNEL_GROUP - 1) // CHANNEL_GROUP
        steps = positions * channel_groups * taps * groups
        read = CHANNEL_GROUP * steps
        if flags & _ACCUMULATE:
            read += 4 * elements
        if flags & _PARTIAL:
            written = 4 * elements
    elif opcode in _WINDOWS:
        steps = positions * ((taps + TAPS_PER_CYCLE - 1) // TAPS_PER_CYCLE) * groups
        read = 0  # as wide as the port in every step
    else:
        steps = positions * groups * taps
        read = elements * taps * (2 if opcode in _BINARY else 1)
    port = 2 * lanes
    busiest = max(read, written)
    return max(steps, (busiest + port - 1) // port) + PIPELINE_CYCLES

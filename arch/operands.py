"""Operands of instructions: the slots of every format, and the flags (docs/machine.md, M22-M31).

A format is an enum of slots: the column of `Program.operand` that holds the operand. Formats share
the slots of what they have in common. How many bits an operand has is said in `isa`.
"""

from enum import IntEnum, IntFlag


class ComputeFlag(IntFlag):
    """How a compute instruction treats its operands."""

    NONE = 0
    ACCUMULATE = 1  # adds to partial sums
    PARTIAL = 2  # leaves partial sums instead of requantised outputs
    SPLIT_POSITIONS = 4  # cores share out the positions, not the channels
    TFLITE_ROUNDING = 8  # requantises with TFLite's two roundings, not with one
    WIDE_SOURCE = 16  # int16, not int8
    WIDE_SECOND = 32  # second source, or weights of a MATMUL
    WIDE_DESTINATION = 64
    UNIFORM = 128  # one record for all channels, before the weights
    OUTPUT_STATIONARY = 256  # of the systolic array: sums stay in the cells


class TransferFlag(IntFlag):
    """How a load, store or move treats elements."""

    NONE = 0
    WIDE = 1  # elements of two bytes
    HALO = 2  # a move brings only what the receiver does not hold itself
    TO_CORE = 4  # a move's destination is core memory


class Axis(IntEnum):
    """Which coordinate the PEs (or cores) of a row divide."""

    NONE = 0
    ROWS = 1
    COLUMNS = 2
    CHANNELS = 3


class Load(IntEnum):
    """Slots of LOAD_PARAMETERS: DRAM -> a block for every core (M23)."""

    SEGMENTS = 0
    SEGMENT_BYTES = 1
    DRAM_ADDRESS = 2
    DRAM_PITCH = 3
    DESTINATION = 4  # in core memory
    BLOCK_BYTES = 5
    STEP_X = 6  # blocks
    STEP_Y = 7
    STEP_CORE = 8


class Transfer(IntEnum):
    """Slots of LOAD_ACTIVATIONS and STORE: DRAM <-> a box for every PE (M24)."""

    SEGMENTS = 0
    SEGMENT_BYTES = 1
    DRAM_ADDRESS = 2
    DRAM_PITCH = 3
    COLUMNS = 4  # of the stream, in elements
    CHANNELS = 5
    FLAGS = 10
    ADDRESS = 11  # in PE memory
    ROW_PITCH = 12
    COLUMN_PITCH = 13
    CHANNEL_PITCH = 14
    BOX_ROWS = 16
    BOX_COLUMNS = 17
    BOX_CHANNELS = 18
    FIRST_ROW = 19
    FIRST_COLUMN = 20
    FIRST_CHANNEL = 21
    SPLIT_X = 22  # Axis
    SPLIT_Y = 23
    STEP_X = 24
    STEP_Y = 25
    FILL = 26


class Move(IntEnum):
    """Slots of MOVE: PE memories -> a box for every PE or core (M25)."""

    BYTES = 0  # that cross the bus
    ROWS = 1  # of the tensor, in elements
    COLUMNS = 2
    CHANNELS = 3
    SOURCE = 4
    SOURCE_ROW_PITCH = 5
    SOURCE_COLUMN_PITCH = 6
    SOURCE_CHANNEL_PITCH = 7
    SOURCE_SPLIT_X = 8  # Axis
    SOURCE_SPLIT_Y = 9
    FLAGS = 10
    ADDRESS = 11
    ROW_PITCH = 12
    COLUMN_PITCH = 13
    CHANNEL_PITCH = 14
    CORE_SPLIT = 15  # Axis, with TO_CORE
    BOX_ROWS = 16
    BOX_COLUMNS = 17
    BOX_CHANNELS = 18
    FIRST_ROW = 19
    FIRST_COLUMN = 20
    FIRST_CHANNEL = 21
    SPLIT_X = 22  # Axis
    SPLIT_Y = 23
    STEP_X = 24
    STEP_Y = 25
    FILL = 26
    SOURCE_STEP_X = 27
    SOURCE_STEP_Y = 28
    STEP_CORE = 29


class Window(IntEnum):
    """Slots of CONVOLVE, DEPTHWISE, pools and CONVOLVE_SPARSE: a tile of every PE (M26)."""

    ROWS = 0  # of the PE's tile of outputs
    COLUMNS = 1
    IN_CHANNELS = 2
    OUT_CHANNELS = 3  # of a core
    KERNEL_ROWS = 4
    KERNEL_COLUMNS = 5
    STRIDE_ROWS = 6
    STRIDE_COLUMNS = 7
    DILATION_ROWS = 8
    DILATION_COLUMNS = 9
    FLAGS = 10
    SOURCE = 11  # in PE memory
    SOURCE_ROW_PITCH = 12
    SOURCE_COLUMN_PITCH = 13
    SOURCE_CHANNEL_PITCH = 14
    DESTINATION = 15
    ROW_PITCH = 16
    COLUMN_PITCH = 17
    CHANNEL_PITCH = 18
    PARAMETERS = 19  # in core memory
    PARTIAL = 20  # partial sums in PE memory
    CORE_STEP = 21  # channels from one core's first to the next one's
    CHANNELS = 22  # of the PE's tile: where the last core stops
    ZERO_POINT = 23
    LOW = 24
    HIGH = 25
    PAIRS = 26  # of non-zeros that the busiest core walks, over its channels (sparse)


class Vector(IntEnum):
    """Slots of elementwise operations (M29)."""

    ROWS = 0
    COLUMNS = 1
    PASSES = 2
    OUT_CHANNELS = 3
    SECOND_ROW_PITCH = 4
    SECOND_COLUMN_PITCH = 5
    SECOND_CHANNEL_PITCH = 6
    FLAGS = 10
    SOURCE = 11
    SOURCE_ROW_PITCH = 12
    SOURCE_COLUMN_PITCH = 13
    SOURCE_CHANNEL_PITCH = 14
    DESTINATION = 15
    ROW_PITCH = 16
    COLUMN_PITCH = 17
    CHANNEL_PITCH = 18
    PARAMETERS = 19
    SECOND = 20
    CORE_STEP = 21
    CHANNELS = 22
    ZERO_POINT = 23
    LOW = 24
    HIGH = 25


class Shift(IntEnum):
    """Slots of SHIFT_WEIGHTS (M21)."""

    BUFFER = 0
    IN_CHANNELS = 2  # rows of the weight tile
    OUT_CHANNELS = 3  # columns of the weight tile
    FLAGS = 10
    PARAMETERS = 19
    PARAMETER_PITCH = 20  # bytes from one row of the tile to the next


class Matmul(IntEnum):
    """Slots of MATMUL (M21): a window as in `Window`, all of it at once in the array's rows."""

    ROWS = 0
    COLUMNS = 1
    IN_CHANNELS = 2
    OUT_CHANNELS = 3
    KERNEL_ROWS = 4
    KERNEL_COLUMNS = 5
    STRIDE_ROWS = 6
    STRIDE_COLUMNS = 7
    DILATION_ROWS = 8
    DILATION_COLUMNS = 9
    FLAGS = 10
    SOURCE = 11
    SOURCE_ROW_PITCH = 12
    SOURCE_COLUMN_PITCH = 13
    SOURCE_CHANNEL_PITCH = 14
    ACCUMULATOR = 15  # first row
    BUFFER = 16
    PARAMETERS = 19  # output-stationary: weights in core memory
    PARAMETER_PITCH = 20


class Drain(IntEnum):
    """Slots of DRAIN (M21)."""

    ROWS = 0
    COLUMNS = 1
    OUT_CHANNELS = 3
    ACCUMULATOR = 4
    FLAGS = 10
    DESTINATION = 15
    ROW_PITCH = 16
    COLUMN_PITCH = 17
    CHANNEL_PITCH = 18
    PARAMETERS = 19
    ZERO_POINT = 23
    LOW = 24
    HIGH = 25


OPERANDS = len(Move)
RECORD_BYTES = 9  # in core memory: bias or zero points, multiplier, shift (M27, M29)

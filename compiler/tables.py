"""The tables between the compiler's stages: what each column of a row means.

A *nest* is one layer after fusion, as a loop nest over images, output rows, columns and channels
with a reduction over input channels and kernel taps:

    for group in GROUPS:
      for image in IMAGES:
        for row in ROWS:  for column in COLUMNS:  for channel in CHANNELS:
          for tap in KERNEL_ROWS x KERNEL_COLUMNS:  for input in IN_CHANNELS:  accumulate

Output row `r` reads the source rows `r * STRIDE_ROWS - PAD_ROWS + tap * DILATION_ROWS`. `Ints`
tables have one row a nest (or tensor) and one column a member.
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

NO_TENSOR = -1
IN_ORDER = 0x321  # of PERMUTATION: rows, columns, channels are themselves


class Nest(IntEnum):
    """Columns of the table of nests, design-independent."""

    OPCODE = 0
    IMAGES = 1
    ROWS = 2  # output rows of an image
    COLUMNS = 3
    CHANNELS = 4  # output channels of a group
    IN_CHANNELS = 5  # reduced input channels of a group; 1 where channels are not mixed
    GROUPS = 6
    TAPS = 7  # kernel elements; passes of a vector operation
    KERNEL_ROWS = 8
    KERNEL_COLUMNS = 9
    DILATION_ROWS = 10
    DILATION_COLUMNS = 11
    EXTENT_ROWS = 12  # of the kernel, dilation included
    EXTENT_COLUMNS = 13
    STRIDE_ROWS = 14
    STRIDE_COLUMNS = 15
    PAD_ROWS = 16  # before the first row; below zero where rows are skipped
    PAD_COLUMNS = 17
    SOURCE = 18  # tensor
    SECOND = 19  # tensor or NO_TENSOR
    DESTINATION = 20  # tensor
    WEIGHTS = 21  # 1: int8 weights and a record for every output channel
    TABLE_BYTES = 22  # a table or record that every core reads
    MIXES_CHANNELS = 23  # every output channel of a group reads all its input channels
    WHOLE_CHANNELS = 24  # the PEs do not divide the channels
    PERMUTATION = 25  # 4 bits for each coordinate of the nest: the source's Split that it is
    FIRST_IMAGE = 26  # where the nest's part of the destination begins
    FIRST_ROW = 27
    FIRST_COLUMN = 28
    FIRST_CHANNEL = 29
    SOURCE_CHANNEL = 30  # first channel of the source that is read
    SOURCE_STEP = 31  # source channels from one group to the next
    RESULT_STEP = 32  # output channels from one group to the next
    RESULT_PITCH = 33  # channels from one result of a group to its next
    FILL = 34  # what the source has around it
    ZERO_POINT = 35
    LOW = 36
    HIGH = 37
    FLAGS = 38  # ComputeFlag: element widths and rounding
    IS_PART = 39  # of a destination that several nests write
    FORM = 40  # Form: how its weights may be stored
    FIRST_PAIRS = 41  # row of its first channel in the table of pairs, where it may be sparse
    NONZEROS = 42  # of its weights, where it may be sparse
    RESULT_ROWS = 43  # destination rows from one result row to the next
    RESULT_COLUMNS = 44  # the same for columns; results of several may lie in the channels
    WHOLE_ROWS = 45  # the PEs do not divide the rows
    WHOLE_COLUMNS = 46
    SECOND_ROW = 47  # first row of the second operand that is read
    SECOND_COLUMN = 48
    DYNAMIC = 49  # Dynamic: whether the weights are the second operand
    SHARES = 50  # the first nest whose parameters are the same numbers; often itself


class Dynamic(IntEnum):
    """How weights lie that are computed, group beside group along the channels."""

    NO = 0  # they are stored ones
    BY_RESULT = 1  # a row has the inputs of a result
    BY_INPUT = 2  # a row has what an input gives to the results


class Form(IntEnum):
    """How the weights of a nest may be stored, and with that the instruction that reads them."""

    DENSE = 0
    SPARSE = 1  # as non-zeros with their indices (M28)
    EITHER = 2  # whichever costs less


class PairColumn(IntEnum):
    """Columns of the table of pairs: of all channels of a nest before this one.

    A nest of `K` channels has `K + 1` rows, so that any of its channels are a difference of two.
    """

    BYTES = 0  # stored, records and counts included
    STEPS = 1  # PAIRS of M28: ceil(count / 2) each


class TensorColumn(IntEnum):
    """Columns of the table of tensors."""

    IMAGES = 0
    ROWS = 1
    COLUMNS = 2
    CHANNELS = 3
    TOP = 4  # rows that some window reads above an image, and so on around it
    BOTTOM = 5
    LEFT = 6
    RIGHT = 7
    WIDTH = 8  # bytes of an element
    FILL = 9  # its zero point: what the rows around it hold in DRAM
    LAST_USE = 10  # nest that reads it last
    IN_DRAM = 11  # inputs and outputs of the network, and what changes its order there
    ALIAS = 12  # tensor whose bytes in DRAM these are, or NO_TENSOR
    ALIAS_IMAGE = 13  # where in that one they begin
    ALIGN_ROWS = 14  # what a slice's rows are best a multiple of
    ALIGN_COLUMNS = 15
    STEP_ROWS = 16  # the same of the next window alone
    STEP_COLUMNS = 17


class Map(IntEnum):
    """Columns of the mapping: how a nest runs on a design."""

    SPLIT_X = 0  # Split of the PE columns
    SPLIT_Y = 1  # Split of the PE rows
    SPLIT_CORES = 2  # Split.ROWS (positions) or Split.CHANNELS
    PE_ROWS = 3  # output rows of a PE
    PE_COLUMNS = 4
    PE_GROUPS = 5
    PE_CHANNELS = 6  # of all its groups
    CORE_CHANNELS = 7  # of a group
    TILE_ROWS = 8
    ROW_TILES = 9
    TILE_CHANNELS = 10
    CHANNEL_TILES = 11
    TILE_INPUTS = 12
    INPUT_TILES = 13
    BANDED = 14  # a row tile is a band of the tensor, not one of each PE's part
    SOURCE_FROM = 15  # From
    SECOND_FROM = 16
    TO_DRAM = 17
    MOVE_BYTES = 18  # over the activation bus for the source, of an image
    SECOND_MOVE_BYTES = 19
    SOURCE_BYTES = 20  # of the copy, or of one of two buffers, in a PE; 0 when read in place
    SECOND_BYTES = 21
    DESTINATION_BYTES = 22  # of the slice, or of one of two buffers
    PARTIAL_BYTES = 23
    SOURCE_ADDRESS = 24  # of the tensor, its copy or its buffers, in PE memory
    SECOND_ADDRESS = 25
    DESTINATION_ADDRESS = 26
    PARTIAL_ADDRESS = 27
    CORE_BYTES = 28  # parameters of the whole nest in a core
    RESIDENT = 29  # they stay there between inferences
    INSTRUCTION_BYTES = 30  # of an image
    CYCLES = 31  # the cost that the mapping was chosen by
    SPARSE = 32  # 1: Form.SPARSE; the columns below are of such a nest
    TILE_BYTES = 33  # a core's largest tile of parameters
    LOAD_BYTES = 34  # of all parameters, loaded tile by tile once
    STEPS = 35  # PAIRS of all its tiles together
    OWNER = 36  # the first nest whose parameters are the same bytes; often itself
    RESIDENT_ADDRESS = 37  # in core memory, of parameters that stay
    STRIPS = 38  # of rows, into which it is cut with its neighbours; 0: it runs as a whole


class From(IntEnum):
    """Where a nest finds an operand."""

    NOWHERE = 0  # there is no such operand
    PLACE = 1  # where its producer left it
    HALO = 2  # the same, once a move has filled its margins
    COPY = 3  # in a copy that a move brings
    DRAM = 4


class Split(IntEnum):
    """What a dimension of the machine divides: as `arch.operands.Axis`."""

    NONE = 0
    ROWS = 1
    COLUMNS = 2
    CHANNELS = 3


class Place(IntEnum):
    """Where a tensor is: columns of the table of places."""

    ON_CHIP = 0
    ADDRESS = 1  # in every PE memory
    BYTES = 2  # of the slice of a PE
    SPLIT_X = 3
    SPLIT_Y = 4
    ROWS = 5  # of the slice, margins left out
    COLUMNS = 6
    CHANNELS = 7
    FORCED_OUT = 8  # must live in DRAM
    STORED = 9  # a part of it is in DRAM
    FILLED = 10  # margins hold this fill plus FILLED_BASE; 0: nothing
    DRAM = 11  # address of its first image, of the first row's guards


FILLED_BASE = 1 << 20


class Unit(IntEnum):
    """What the compiler's kernels need of an accelerator: places in a column of numbers."""

    PES_X = 0
    PES_Y = 1
    CORES = 2
    LANES = 3
    PE_MEMORY_BYTES = 4
    CORE_MEMORY_BYTES = 5
    INSTRUCTION_MEMORY_BYTES = 6
    BUS_BYTES = 7  # activation bus, per cycle
    DRAM_NUM = 8  # DRAM bytes a cycle, exact
    DRAM_DEN = 9
    LATENCY = 10  # cycles from the start of a burst to its arrival
    STAGING_BYTES = 11  # of activations in flight


class Resource(IntEnum):
    """What a network can be too large for."""

    CORE_MEMORY = 0
    PE_MEMORY = 1
    INSTRUCTION_MEMORY = 2


NESTS = len(Nest)
TENSOR_COLUMNS = len(TensorColumn)
MAPS = len(Map)
PLACES = len(Place)
PAIR_COLUMNS = len(PairColumn)

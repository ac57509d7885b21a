"""The tables between the compiler's stages: what each column of a row means.

A *nest* is one layer after fusion, as a loop nest over output rows, columns and channels with a
reduction over input channels and kernel taps:

    for group in GROUPS:
      for row in ROWS:  for column in COLUMNS:  for channel in CHANNELS:
        for tap in TAPS:  for input in IN_CHANNELS:  accumulate

The batch is part of the rows: output row `r` reads the `EXTENT_ROWS` source rows from
`r * STRIDE_ROWS + r // IMAGE_ROWS * SKIP_ROWS - PAD_ROWS`. `Ints` tables have one row a nest (or
tensor) and one column a member.
"""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

NO_TENSOR = -1


class Nest(IntEnum):
    """Columns of the table of nests, design-independent."""

    OPCODE = 0
    ROWS = 1  # output rows of all images
    COLUMNS = 2
    CHANNELS = 3  # output channels of a group
    IN_CHANNELS = 4  # reduced input channels of a group; 1 where channels are not mixed
    GROUPS = 5
    TAPS = 6  # kernel elements; passes of a vector operation
    EXTENT_ROWS = 7  # of the kernel, dilation included
    EXTENT_COLUMNS = 8
    STRIDE_ROWS = 9
    STRIDE_COLUMNS = 10
    PAD_ROWS = 11  # before the first row
    PAD_COLUMNS = 12
    SOURCE = 13  # tensor
    SECOND = 14  # tensor or NO_TENSOR
    DESTINATION = 15  # tensor
    CHANNEL_BYTES = 16  # parameter bytes of an output channel beside its weights
    MIXES_CHANNELS = 17  # every output channel reads all input channels
    WHOLE_CHANNELS = 18  # the channels of a position may not be divided
    IMAGE_ROWS = 19  # output rows of an image
    SKIP_ROWS = 20  # source rows between two images beyond IMAGE_ROWS strides
    FIRST = 21  # element of the destination at which a part of it begins
    KERNEL_ROWS = 22
    KERNEL_COLUMNS = 23


class TensorColumn(IntEnum):
    """Columns of the table of tensors."""

    ROWS = 0
    COLUMNS = 1
    CHANNELS = 2
    LAST_USE = 3  # nest that reads it last
    IN_DRAM = 4  # inputs and outputs of the network


class Map(IntEnum):
    """Columns of the mapping: how a nest runs on a design."""

    SPLIT_X = 0  # Split of the PE columns
    SPLIT_Y = 1  # Split of the PE rows
    SPLIT_CORES = 2  # Split.ROWS (positions) or Split.CHANNELS
    PE_ROWS = 3  # output rows of the busiest PE
    PE_COLUMNS = 4
    PE_CHANNELS = 5  # of a group
    CORE_CHANNELS = 6  # of a group
    TILE_ROWS = 7
    ROW_TILES = 8
    TILE_CHANNELS = 9
    CHANNEL_TILES = 10
    TILE_INPUTS = 11
    INPUT_TILES = 12
    MOVE_BYTES = 13  # over the activation bus for the source
    SECOND_MOVE_BYTES = 14
    SOURCE_FROM_DRAM = 15
    SECOND_FROM_DRAM = 16
    TO_DRAM = 17
    SOURCE_ADDRESS = 18  # of the tensor, its copy or its buffers, in PE memory
    SECOND_ADDRESS = 19
    DESTINATION_ADDRESS = 20
    PARTIAL_ADDRESS = 21
    SOURCE_BYTES = 22  # of the copy, or of one of two buffers, in a PE; 0 when read in place
    SECOND_BYTES = 23
    DESTINATION_BYTES = 24  # of the slice, or of one of two buffers
    PARTIAL_BYTES = 25
    CORE_BYTES = 26  # parameters of the whole nest in a core
    RESIDENT = 27  # they stay there between inferences
    INSTRUCTION_BYTES = 28
    CYCLES = 29  # the cost that the mapping was chosen by
    SOURCE_ROWS = 30  # rows of the source that a tile reads, of one PE
    ROW_SPLITS = 31  # PEs along the rows


class Split(IntEnum):
    """What a dimension of the machine divides."""

    ROWS = 0
    COLUMNS = 1
    CHANNELS = 2


class Resource(IntEnum):
    """What a network can be too large for."""

    CORE_MEMORY = 0
    PE_MEMORY = 1
    INSTRUCTION_MEMORY = 2


NESTS = len(Nest)
TENSOR_COLUMNS = len(TensorColumn)
MAPS = len(Map)

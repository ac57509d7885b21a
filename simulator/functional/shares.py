"""What each core of a PE computes, and where elements of positions lie (M26).

Position n = r * COLUMNS + c; channel j counts from the first of the PE's tile.
"""

from typing import NamedTuple

import numpy as np

from apollo.arch.operands import ComputeFlag, Vector, Window
from apollo.arch.touched import SUM_BYTES, Operands, width_of
from apollo.simulator.functional.machine import Ints, Machine, read


class Share(NamedTuple):
    """Positions and channels of a core that has work."""

    core: int
    positions: slice  # n
    channels: slice  # j

    @property
    def shape(self) -> tuple[int, int]:
        """Positions and channels."""
        positions, channels = self.positions, self.channels
        return positions.stop - positions.start, channels.stop - channels.start


class Write(NamedTuple):
    """Elements that an instruction leaves in the memories of all PEs."""

    address: Ints  # [positions, channels]
    values: Ints  # [PEs, positions, channels]
    width: int  # bytes of an element


def shares(o: Operands, cores: int) -> list[Share]:
    """The share of every core that has one."""
    count, each = o[Window.ROWS] * o[Window.COLUMNS], o[Window.OUT_CHANNELS]
    most = o[Window.CHANNELS]
    if o[Window.FLAGS] & ComputeFlag.SPLIT_POSITIONS:
        size = -(-count // cores)
        firsts = ((core, core * size) for core in range(cores))
        channels = slice(0, min(each, most))
        return [
            Share(core, slice(first, min(count, first + size)), channels)
            for core, first in firsts
            if first < count
        ]
    firsts = ((core, core * o[Window.CORE_STEP]) for core in range(cores))
    return [
        Share(core, slice(0, count), slice(first, min(most, first + each)))
        for core, first in firsts
        if first < most
    ]


def span(part: slice) -> Ints:
    """The numbers in a slice that has a start and an end."""
    return np.arange(part.start, part.stop)


def grid(base: int, rows: Ints, columns: Ints, channels: Ints) -> Ints:
    """Addresses [positions, channels] from byte offsets of positions and channels."""
    return (base + rows + columns)[:, None] + channels[None, :]


def place(o: Operands, numbers: Ints) -> tuple[Ints, Ints]:
    """Row and column of positions."""
    row, column = np.divmod(numbers, o[Window.COLUMNS])
    return row, column


def result_address(o: Operands, numbers: Ints, channels: Ints) -> Ints:
    """Of results [positions, channels] at DESTINATION."""
    row, column = place(o, numbers)
    return grid(
        o[Window.DESTINATION],
        row * o[Window.ROW_PITCH],
        column * o[Window.COLUMN_PITCH],
        channels * o[Window.CHANNEL_PITCH],
    )


def results(o: Operands, share: Share, values: Ints) -> Write:
    """Elements to where a core's results go."""
    address = result_address(o, span(share.positions), span(share.channels))
    return Write(address, values, width_of(o, ComputeFlag.WIDE_DESTINATION))


def partial_address(o: Operands, share: Share) -> Ints:
    """Of a core's partial sums, [positions, channels]."""
    sums = span(share.positions)[:, None] * o[Window.CHANNELS] + span(share.channels)
    return o[Window.PARTIAL] + SUM_BYTES * sums


def window_elements_at(
    machine: Machine, o: Operands, tap: tuple[int, int], numbers: Ints, channels: Ints
) -> Ints:
    """The source elements of one tap, [PEs, positions, channels]."""
    row, column = place(o, numbers)
    rows = row * o[Window.STRIDE_ROWS] + tap[0] * o[Window.DILATION_ROWS]
    columns = column * o[Window.STRIDE_COLUMNS] + tap[1] * o[Window.DILATION_COLUMNS]
    address = grid(
        o[Window.SOURCE],
        rows * o[Window.SOURCE_ROW_PITCH],
        columns * o[Window.SOURCE_COLUMN_PITCH],
        channels * o[Window.SOURCE_CHANNEL_PITCH],
    )
    return read(machine.pe_memory, address, width_of(o, ComputeFlag.WIDE_SOURCE))


def elements(
    machine: Machine, o: Operands, numbers: Ints, channels: Ints, second: bool = False
) -> Ints:
    """Elements of a vector operation's source, [PEs, positions, channels]."""
    row, column = place(o, numbers)
    slot = Vector.SECOND_ROW_PITCH if second else Vector.SOURCE_ROW_PITCH
    pitches = o[slot : slot + 3]
    base = o[Vector.SECOND if second else Vector.SOURCE]
    address = grid(base, row * pitches[0], column * pitches[1], channels * pitches[2])
    flag = ComputeFlag.WIDE_SECOND if second else ComputeFlag.WIDE_SOURCE
    return read(machine.pe_memory, address, width_of(o, flag))

"""Which bytes an instruction touches, from its operands alone.

An extent is a nest of strides, as the rules M21-M30 give it (docs/machine.md). It is that of all
PEs and cores together: a box counts whole, even where its PE has less to fill or to give. What the
data decide, how far a sparse channel reaches, is not in it.
"""

from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import NamedTuple

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import Opcode
from apollo.arch.operands import (
    RECORD_BYTES,
    Axis,
    ComputeFlag,
    Drain,
    Load,
    Matmul,
    Move,
    Shift,
    Transfer,
    TransferFlag,
    Vector,
    Window,
)

SPARSE_HEADER_BYTES = RECORD_BYTES + 2  # and the count (M28)
SUM_BYTES = 4
LOOKUP_BYTES, WIDE_LOOKUP_BYTES, SOFTMAX_BYTES, NORMALIZE_BYTES = 256, 2 * 513, 2 * 256, 3 + 2 * 256
ADD_BYTES, TFLITE_ADD_BYTES = 13, 20
STANDARDIZE_BYTES = 6
NORMALIZE_EXTRA_PASSES = 2

Operands = list[int]  # [F] of one instruction
Dimensions = tuple[tuple[int, int], ...]  # (count, pitch in bytes) of each


NAMES = ("DRAM", "PE memory", "core memory", "the accumulators", "the weight buffers")


class Memory(IntEnum):
    """What has addresses. Of the weight buffers each is one address."""

    DRAM = 0
    PE = 1
    CORE = 2
    ACCUMULATORS = 3
    BUFFERS = 4


class Extent(NamedTuple):
    """Bytes of one memory: `width` bytes at `first` plus any sum of multiples of the pitches."""

    memory: Memory
    writes: bool
    first: int
    dimensions: Dimensions
    width: int

    @property
    def end(self) -> int:
        """The address behind the last byte."""
        return (
            self.first + sum((count - 1) * pitch for count, pitch in self.dimensions) + self.width
        )


Rule = Callable[[Operands, Accelerator], Iterator[Extent]]


def width_of(o: Operands, flag: ComputeFlag) -> int:
    """Bytes of an element of a compute instruction whose `WIDE_` flag this is."""
    return 2 if o[Window.FLAGS] & flag else 1


def element_bytes(o: Operands) -> int:
    """Bytes of an element of a transfer."""
    return 2 if o[Transfer.FLAGS] & TransferFlag.WIDE else 1


def part_shape(o: Operands) -> tuple[int, int, int]:
    """Elements of the part of a moved tensor that a PE holds, along the three coordinates (M25)."""
    shape = [o[Move.ROWS], o[Move.COLUMNS], o[Move.CHANNELS]]
    for split, step in (
        (Move.SOURCE_SPLIT_X, Move.SOURCE_STEP_X),
        (Move.SOURCE_SPLIT_Y, Move.SOURCE_STEP_Y),
    ):
        if o[split] != Axis.NONE:
            shape[o[split] - 1] = min(shape[o[split] - 1], o[step])
    return shape[0], shape[1], shape[2]


def window_elements(o: Operands) -> int:
    """Elements of a window: taps times input channels (M26)."""
    return o[Window.KERNEL_ROWS] * o[Window.KERNEL_COLUMNS] * o[Window.IN_CHANNELS]


def core_channels(o: Operands) -> int:
    """Channels that the first core computes: no core computes more (M26)."""
    return min(o[Window.OUT_CHANNELS], o[Window.CHANNELS])


def parameter_bytes(o: Operands, inputs: int, channels: int) -> int:
    """Parameters of a core for so many channels of `inputs` weights each (M26)."""
    if o[Window.FLAGS] & ComputeFlag.PARTIAL:
        return channels * inputs
    if o[Window.FLAGS] & ComputeFlag.UNIFORM:
        return channels * inputs + RECORD_BYTES
    return channels * (inputs + RECORD_BYTES)


def _stream(o: Operands, writes: bool) -> Extent:
    return Extent(
        Memory.DRAM,
        writes,
        o[Transfer.DRAM_ADDRESS],
        ((o[Transfer.SEGMENTS], o[Transfer.DRAM_PITCH]),),
        o[Transfer.SEGMENT_BYTES],
    )


def _box(o: Operands, memory: Memory, writes: bool) -> Extent:
    dimensions = (
        (o[Transfer.BOX_ROWS], o[Transfer.ROW_PITCH]),
        (o[Transfer.BOX_COLUMNS], o[Transfer.COLUMN_PITCH]),
        (o[Transfer.BOX_CHANNELS], o[Transfer.CHANNEL_PITCH]),
    )
    return Extent(memory, writes, o[Transfer.ADDRESS], dimensions, element_bytes(o))


def _load_parameters(o: Operands, _: Accelerator) -> Iterator[Extent]:
    yield _stream(o, False)
    block = min(o[Load.BLOCK_BYTES], o[Load.SEGMENTS] * o[Load.SEGMENT_BYTES])
    yield Extent(Memory.CORE, True, o[Load.DESTINATION], (), block)


def _load_activations(o: Operands, _: Accelerator) -> Iterator[Extent]:
    yield _stream(o, False)
    yield _box(o, Memory.PE, True)


def _store(o: Operands, _: Accelerator) -> Iterator[Extent]:
    yield _box(o, Memory.PE, False)
    yield _stream(o, True)


def _move(o: Operands, _: Accelerator) -> Iterator[Extent]:
    rows, columns, channels = part_shape(o)
    dimensions = (
        (rows, o[Move.SOURCE_ROW_PITCH]),
        (columns, o[Move.SOURCE_COLUMN_PITCH]),
        (channels, o[Move.SOURCE_CHANNEL_PITCH]),
    )
    if min(rows, columns, channels) > 0:
        yield Extent(Memory.PE, False, o[Move.SOURCE], dimensions, element_bytes(o))
    to_core = o[Move.FLAGS] & TransferFlag.TO_CORE
    yield _box(o, Memory.CORE if to_core else Memory.PE, True)


def _channels(o: Operands, cores: int) -> list[tuple[int, Dimensions]]:
    """The channels j of all cores: the first of a range, and its counts and steps (M26)."""
    each, step, stop = o[Window.OUT_CHANNELS], o[Window.CORE_STEP], o[Window.CHANNELS]
    if o[Window.FLAGS] & ComputeFlag.SPLIT_POSITIONS:
        return [(0, ((min(each, stop), 1),))]
    if step <= each:
        return [(0, ((min(stop, (cores - 1) * step + each), 1),))]
    whole = min(cores, max(0, (stop - each) // step + 1))
    ranges: list[tuple[int, Dimensions]] = [(0, ((whole, step), (each, 1)))] if whole else []
    if whole < cores and whole * step < stop:
        ranges.append((whole * step, ((stop - whole * step, 1),)))
    return ranges


def _of_channels(
    o: Operands,
    cores: int,
    memory: tuple[Memory, bool],
    base: int,
    outer: Dimensions,
    pitch: int,
    width: int,
) -> Iterator[Extent]:
    """An extent for every range of channels, `pitch` apart, inside the dimensions `outer`."""
    for first, ranges in _channels(o, cores):
        inner = tuple((count, step * pitch) for count, step in ranges)
        yield Extent(*memory, base + first * pitch, outer + inner, width)


def _source(o: Operands) -> Dimensions:
    """Rows, columns and taps of the windows of a PE."""
    row, column = o[Window.SOURCE_ROW_PITCH], o[Window.SOURCE_COLUMN_PITCH]
    return (
        (o[Window.ROWS], o[Window.STRIDE_ROWS] * row),
        (o[Window.KERNEL_ROWS], o[Window.DILATION_ROWS] * row),
        (o[Window.COLUMNS], o[Window.STRIDE_COLUMNS] * column),
        (o[Window.KERNEL_COLUMNS], o[Window.DILATION_COLUMNS] * column),
    )


def _results(o: Operands, cores: int) -> Iterator[Extent]:
    outer = ((o[Window.ROWS], o[Window.ROW_PITCH]), (o[Window.COLUMNS], o[Window.COLUMN_PITCH]))
    width = width_of(o, ComputeFlag.WIDE_DESTINATION)
    place = (Memory.PE, True)
    yield from _of_channels(
        o, cores, place, o[Window.DESTINATION], outer, o[Window.CHANNEL_PITCH], width
    )


def _partial_sums(o: Operands, cores: int, writes: bool) -> Iterator[Extent]:
    outer = ((o[Window.ROWS] * o[Window.COLUMNS], SUM_BYTES * o[Window.CHANNELS]),)
    place = (Memory.PE, writes)
    yield from _of_channels(o, cores, place, o[Window.PARTIAL], outer, SUM_BYTES, SUM_BYTES)


def _sums(o: Operands, cores: int) -> Iterator[Extent]:
    """Where the sums of a convolution come from and go to."""
    if o[Window.FLAGS] & ComputeFlag.ACCUMULATE:
        yield from _partial_sums(o, cores, False)
    if o[Window.FLAGS] & ComputeFlag.PARTIAL:
        yield from _partial_sums(o, cores, True)
    else:
        yield from _results(o, cores)


def _convolve(o: Operands, accelerator: Accelerator) -> Iterator[Extent]:
    dimensions = (*_source(o), (o[Window.IN_CHANNELS], o[Window.SOURCE_CHANNEL_PITCH]))
    width = width_of(o, ComputeFlag.WIDE_SOURCE)
    yield Extent(Memory.PE, False, o[Window.SOURCE], dimensions, width)
    size = parameter_bytes(o, window_elements(o), core_channels(o))
    yield Extent(Memory.CORE, False, o[Window.PARAMETERS], (), size)
    yield from _sums(o, accelerator.cores)


def _sparse(o: Operands, accelerator: Accelerator) -> Iterator[Extent]:
    yield next(_convolve(o, accelerator))
    least = SPARSE_HEADER_BYTES * core_channels(o)
    yield Extent(Memory.CORE, False, o[Window.PARAMETERS], (), least)
    yield from _results(o, accelerator.cores)


def _pool(o: Operands, accelerator: Accelerator) -> Iterator[Extent]:
    pitch, width = o[Window.SOURCE_CHANNEL_PITCH], width_of(o, ComputeFlag.WIDE_SOURCE)
    place = (Memory.PE, False)
    yield from _of_channels(o, accelerator.cores, place, o[Window.SOURCE], _source(o), pitch, width)
    yield from _sums(o, accelerator.cores)


def _depthwise(o: Operands, accelerator: Accelerator) -> Iterator[Extent]:
    taps = o[Window.KERNEL_ROWS] * o[Window.KERNEL_COLUMNS]
    size = parameter_bytes(o, taps, core_channels(o))
    yield Extent(Memory.CORE, False, o[Window.PARAMETERS], (), size)
    yield from _pool(o, accelerator)


def _elements(o: Operands, cores: int, second: bool = False) -> Iterator[Extent]:
    """A source of a vector operation, element by element."""
    slot = Vector.SECOND_ROW_PITCH if second else Vector.SOURCE_ROW_PITCH
    row, column, channel = o[slot : slot + 3]
    base = o[Vector.SECOND if second else Vector.SOURCE]
    width = width_of(o, ComputeFlag.WIDE_SECOND if second else ComputeFlag.WIDE_SOURCE)
    outer = ((o[Vector.ROWS], row), (o[Vector.COLUMNS], column))
    yield from _of_channels(o, cores, (Memory.PE, False), base, outer, channel, width)


def _table(o: Operands, size: int) -> Extent:
    return Extent(Memory.CORE, False, o[Vector.PARAMETERS], (), size)


def _binary(size: int, tflite_size: int) -> Rule:
    def extents(o: Operands, accelerator: Accelerator) -> Iterator[Extent]:
        yield from _elements(o, accelerator.cores)
        yield from _elements(o, accelerator.cores, second=True)
        tflite = o[Vector.FLAGS] & ComputeFlag.TFLITE_ROUNDING
        yield _table(o, tflite_size if tflite else size)
        yield from _results(o, accelerator.cores)

    return extents


def _copy(o: Operands, accelerator: Accelerator) -> Iterator[Extent]:
    yield from _elements(o, accelerator.cores)
    yield from _results(o, accelerator.cores)


def _lookup(o: Operands, accelerator: Accelerator) -> Iterator[Extent]:
    yield from _copy(o, accelerator)
    if o[Vector.FLAGS] & ComputeFlag.WIDE_SOURCE:
        yield _table(o, WIDE_LOOKUP_BYTES)
    else:
        yield _table(o, LOOKUP_BYTES * width_of(o, ComputeFlag.WIDE_DESTINATION))


def _across_channels(size: int) -> Rule:
    def extents(o: Operands, accelerator: Accelerator) -> Iterator[Extent]:
        dimensions = (
            (o[Vector.ROWS], o[Vector.SOURCE_ROW_PITCH]),
            (o[Vector.COLUMNS], o[Vector.SOURCE_COLUMN_PITCH]),
            (o[Vector.CHANNELS], o[Vector.SOURCE_CHANNEL_PITCH]),
        )
        yield Extent(Memory.PE, False, o[Vector.SOURCE], dimensions, 1)
        yield _table(o, size)
        yield from _results(o, accelerator.cores)

    return extents


def _shift(o: Operands, _: Accelerator) -> Iterator[Extent]:
    row = o[Shift.OUT_CHANNELS] * width_of(o, ComputeFlag.WIDE_SECOND)
    rows = ((o[Shift.IN_CHANNELS], o[Shift.PARAMETER_PITCH]),)
    yield Extent(Memory.CORE, False, o[Shift.PARAMETERS], rows, row)
    yield Extent(Memory.BUFFERS, True, o[Shift.BUFFER], (), 1)


def _accumulators(o: Operands, columns: int, writes: bool) -> Extent:
    row = SUM_BYTES * columns
    rows = ((o[Matmul.ROWS] * o[Matmul.COLUMNS], row),)
    width = SUM_BYTES * o[Matmul.OUT_CHANNELS]
    slot = Matmul.ACCUMULATOR if writes else Drain.ACCUMULATOR
    return Extent(Memory.ACCUMULATORS, writes, o[slot] * row, rows, width)


def _matmul(o: Operands, accelerator: Accelerator) -> Iterator[Extent]:
    dimensions = (*_source(o), (o[Matmul.IN_CHANNELS], o[Matmul.SOURCE_CHANNEL_PITCH]))
    width = width_of(o, ComputeFlag.WIDE_SOURCE)
    yield Extent(Memory.PE, False, o[Matmul.SOURCE], dimensions, width)
    if o[Matmul.FLAGS] & ComputeFlag.OUTPUT_STATIONARY:
        rows = ((window_elements(o), o[Matmul.PARAMETER_PITCH]),)
        row = o[Matmul.OUT_CHANNELS] * width_of(o, ComputeFlag.WIDE_SECOND)
        yield Extent(Memory.CORE, False, o[Matmul.PARAMETERS], rows, row)
    else:
        yield Extent(Memory.BUFFERS, False, o[Matmul.BUFFER], (), 1)
    # Accumulating only adds to what is written, so that writing says it all.
    yield _accumulators(o, accelerator.array_columns, True)


def _drain(o: Operands, accelerator: Accelerator) -> Iterator[Extent]:
    yield _accumulators(o, accelerator.array_columns, False)
    dimensions = (
        (o[Drain.ROWS], o[Drain.ROW_PITCH]),
        (o[Drain.COLUMNS], o[Drain.COLUMN_PITCH]),
        (o[Drain.OUT_CHANNELS], o[Drain.CHANNEL_PITCH]),
    )
    partial = o[Drain.FLAGS] & ComputeFlag.PARTIAL
    width = SUM_BYTES if partial else width_of(o, ComputeFlag.WIDE_DESTINATION)
    if not partial:
        records = 1 if o[Drain.FLAGS] & ComputeFlag.UNIFORM else o[Drain.OUT_CHANNELS]
        yield Extent(Memory.CORE, False, o[Drain.PARAMETERS], (), RECORD_BYTES * records)
    yield Extent(Memory.PE, True, o[Drain.DESTINATION], dimensions, width)


RULES: dict[Opcode, Rule] = {
    Opcode.LOAD_PARAMETERS: _load_parameters,
    Opcode.LOAD_ACTIVATIONS: _load_activations,
    Opcode.MOVE: _move,
    Opcode.STORE: _store,
    Opcode.CONVOLVE: _convolve,
    Opcode.DEPTHWISE: _depthwise,
    Opcode.POOL_MAX: _pool,
    Opcode.POOL_AVERAGE: _pool,
    Opcode.ADD: _binary(ADD_BYTES, TFLITE_ADD_BYTES),
    Opcode.MULTIPLY: _binary(RECORD_BYTES, RECORD_BYTES),
    Opcode.LOOKUP: _lookup,
    Opcode.COPY: _copy,
    Opcode.SOFTMAX: _across_channels(SOFTMAX_BYTES),
    Opcode.NORMALIZE: _across_channels(NORMALIZE_BYTES),
    Opcode.STANDARDIZE: _across_channels(STANDARDIZE_BYTES),
    Opcode.CONVOLVE_SPARSE: _sparse,
    Opcode.SHIFT_WEIGHTS: _shift,
    Opcode.MATMUL: _matmul,
    Opcode.DRAIN: _drain,
}

"""Emission of nests that the vector unit computes: pools, sums, products, tables, copies."""

from apollo.arch.isa import BYTES_OF, FLAGS, Opcode
from apollo.compiler.systolic.axes import (
    MOST_CHANNELS,
    MOST_COLUMNS,
    MOST_ROWS,
    Axis,
    Folded,
    fold,
)
from apollo.compiler.systolic.boxes import (
    Box,
    Numbers,
    result_box,
    second_box,
    source_axes,
    source_box,
)
from apollo.compiler.systolic.builder import Builder
from apollo.compiler.systolic.hazards import Access
from apollo.compiler.systolic.sites import Site
from apollo.compiler.tables import Nest

_ELEMENTWISE = (Opcode.ADD, Opcode.MULTIPLY, Opcode.LOOKUP, Opcode.COPY)
_WINDOWS = (Opcode.POOL_MAX, Opcode.POOL_AVERAGE)
Operands = dict[str, int]


def size_of(opcode: int) -> int:
    """Bytes of an instruction."""
    return int(BYTES_OF[opcode])


def emit_tile(
    builder: Builder,
    heading: int,
    nest: Numbers,
    tile: Box,
    sites: tuple[Site, Site | None, Site],
    constants: Access | None,
    second: Numbers | None,
) -> None:
    """The instructions of a tile: one, or one for every group or image that does not fold.

    `sites` are those of source, second source and destination; `second` is the tensor's row.
    """
    source, other, result = sites
    accesses = [source.access(source_box(nest, tile))]
    if other is not None and second is not None:
        accesses.append(other.access(second_box(nest, tile, second)))
    written = result_box(nest, tile, result.deep)
    accesses.append(result.access(written, writes=True))
    if constants is not None:
        accesses.append(constants)
    folded = _folded(nest, tile, sites)
    opcode = Opcode(nest[Nest.OPCODE])
    common = _common(nest, folded, constants)
    bases = _bases(nest, tile, sites, second)
    for group in range(nest[Nest.GROUPS]):
        for offsets in folded.offsets():
            places = {
                "source": bases[0] + group * nest[Nest.SOURCE_STEP] * source.width + offsets[0],
                "destination": bases[2]
                + group * nest[Nest.RESULT_STEP] * result.width
                + offsets[2],
            }
            if other is not None:
                places["second"] = bases[1] + offsets[1]
            builder.add(opcode, heading, accesses, **common, **places)


def _bases(
    nest: Numbers, tile: Box, sites: tuple[Site, Site | None, Site], second: Numbers | None
) -> tuple[int, int, int]:
    """Addresses of the first elements."""
    source, other, result = sites
    at = 0
    if other is not None and second is not None:
        at = other.at(second_box(nest, tile, second).first)
    return source.at(source_box(nest, tile).first), at, result_start(nest, tile, result)


def result_start(nest: Numbers, tile: Box, result: Site) -> int:
    """Where the first result of a tile goes."""
    image, row, column, _ = result_box(nest, tile, result.deep).first
    channel = nest[Nest.FIRST_CHANNEL] + tile.channels[0] * nest[Nest.RESULT_PITCH]
    return result.at((image, row, column, channel))


def _folded(nest: Numbers, tile: Box, sites: tuple[Site, Site | None, Site]) -> Folded:
    """Channels, columns, rows, and what does not fold into them."""
    source, other, result = sites
    axes = source_axes(nest)
    steps = (1, nest[Nest.STRIDE_ROWS], nest[Nest.STRIDE_COLUMNS], 1)
    kernels = (1, nest[Nest.KERNEL_ROWS], nest[Nest.KERNEL_COLUMNS], 1)
    apart = (1, nest[Nest.RESULT_ROWS], nest[Nest.RESULT_COLUMNS], nest[Nest.RESULT_PITCH])
    loops = []
    for axis in range(4):
        pitches = (
            steps[axis] * source.pitches[axes[axis]],
            steps[axis] * other.pitches[axis] if other is not None else 0,
            apart[axis] * result.pitches[axis],
        )
        slides = kernels[axis] > 1 and nest[Nest.OPCODE] in _WINDOWS
        loops.append(Axis(tile[axis][1], pitches, slides))
    if nest[Nest.OPCODE] not in _ELEMENTWISE:
        loops[3] = loops[3]._replace(slides=True)  # channels are counted
    return fold(loops[::-1], (MOST_CHANNELS, MOST_COLUMNS, MOST_ROWS))


def _common(nest: Numbers, folded: Folded, constants: Access | None) -> Operands:
    channels, columns, rows = folded.inside
    opcode = Opcode(nest[Nest.OPCODE])
    operands = {
        "rows": rows.size,
        "columns": columns.size,
        "out_channels": channels.size,
        "channels": channels.size,
        "core_step": channels.size,
        "flags": nest[Nest.FLAGS] & int(FLAGS[opcode]),
        "row_pitch": rows.pitches[2],
        "column_pitch": columns.pitches[2],
        "channel_pitch": channels.pitches[2],
        "zero_point": nest[Nest.ZERO_POINT],
        "low": nest[Nest.LOW],
        "high": nest[Nest.HIGH],
        "source_row_pitch": rows.pitches[0],
        "source_column_pitch": columns.pitches[0],
        "source_channel_pitch": channels.pitches[0],
    }
    if opcode in _WINDOWS:
        return operands | window_operands(nest, rows, columns)
    operands["passes"] = nest[Nest.TAPS]
    if constants is not None:
        operands["parameters"] = constants.start
    if opcode in (Opcode.ADD, Opcode.MULTIPLY):
        operands |= {
            "second_row_pitch": rows.pitches[1],
            "second_column_pitch": columns.pitches[1],
            "second_channel_pitch": channels.pitches[1],
        }
    return operands


def window_operands(nest: Numbers, rows: Axis, columns: Axis) -> Operands:
    """Kernel, strides and source pitches of an instruction whose loops these are.

    Where a window slides, the pitch is that of its taps and the loop takes strides; elsewhere the
    loop's step is the pitch.
    """
    operands = Operands()
    for name, axis, kernel, stride, dilation in (
        ("rows", rows, Nest.KERNEL_ROWS, Nest.STRIDE_ROWS, Nest.DILATION_ROWS),
        ("columns", columns, Nest.KERNEL_COLUMNS, Nest.STRIDE_COLUMNS, Nest.DILATION_COLUMNS),
    ):
        pitch = axis.pitches[0]
        if axis.slides:
            pitch //= nest[stride]
            operands |= {
                f"kernel_{name}": nest[kernel],
                f"dilation_{name}": nest[dilation],
                # A single position takes no step, and its step may be more than can be said.
                f"stride_{name}": nest[stride] if axis.size > 1 else 1,
            }
        operands[f"source_{name[:-1]}_pitch"] = pitch
    return operands

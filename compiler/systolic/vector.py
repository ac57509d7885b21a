"""Emission of layers of the vector unit: pools, tables, sums and products."""

from apollo.arch.cycles import tile_cycles
from apollo.arch.isa import Opcode
from apollo.arch.operands import RECORD_BYTES, ComputeFlag
from apollo.compiler.systolic.builder import Builder
from apollo.compiler.systolic.hazards import Access, Memory
from apollo.compiler.systolic.layers import Pool, Vector, VectorKind
from apollo.compiler.systolic.layout import SUM_RECORD_BYTES
from apollo.compiler.systolic.stream import Clock
from apollo.compiler.systolic.tensors import UNPADDED, Placed

OPCODES = {
    VectorKind.LOOKUP: Opcode.LOOKUP,
    VectorKind.ADD: Opcode.ADD,
    VectorKind.MULTIPLY: Opcode.MULTIPLY,
}
CONSTANT_BYTES = {VectorKind.ADD: SUM_RECORD_BYTES, VectorKind.MULTIPLY: RECORD_BYTES}


def table_bytes(*, wide: bool) -> int:
    """Of a LOOKUP whose source and destination have that width (M30)."""
    return 513 * 2 if wide else 256


def emit_pool(
    builder: Builder, clock: Clock, layer: Pool, source: Placed, output: Placed, heading: int
) -> None:
    """One instruction for every image and channel tile."""
    window = layer.window
    flags = ComputeFlag.NONE
    if source.shape.wide:
        flags = ComputeFlag.WIDE_SOURCE | ComputeFlag.WIDE_DESTINATION
    opcode = Opcode.POOL_AVERAGE if layer.average else Opcode.POOL_MAX
    for image in range(output.shape.images):
        for tile, (_, count) in enumerate(output.tiles):
            place = output.row_span(tile, image, 0, output.shape.rows, writes=True)
            builder.add(
                opcode,
                heading,
                [source.images(tile, image), place],
                rows=output.shape.rows,
                columns=output.shape.columns,
                in_channels=count,
                out_channels=count,
                channels=count,
                core_step=count,
                kernel_rows=window.kernel[0],
                kernel_columns=window.kernel[1],
                stride_rows=window.stride[0],
                stride_columns=window.stride[1],
                dilation_rows=window.dilation[0],
                dilation_columns=window.dilation[1],
                flags=int(flags),
                source=source.at(tile, image, -window.padding[0], -window.padding[1]),
                source_row_pitch=source.row_pitch(tile),
                source_column_pitch=source.column_pitch(tile),
                source_channel_pitch=source.width,
                zero_point=layer.range.zero_point,
                low=layer.range.low,
                high=layer.range.high,
                **_destination(output, tile, image),
            )
            clock.compute += output.shape.positions * count  # an order of magnitude is enough


def _destination(output: Placed, tile: int, image: int) -> dict[str, int]:
    return {
        "destination": output.at(tile, image),
        "row_pitch": output.row_pitch(tile),
        "column_pitch": output.column_pitch(tile),
        "channel_pitch": output.width,
    }


def emit_vector(
    builder: Builder,
    clock: Clock,
    layer: Vector,
    sources: tuple[Placed, ...],
    output: Placed,
    heading: int,
    constants: Access,
    lanes: int,
) -> None:
    """One instruction for all full channel tiles and one for a ragged one, where no padding is."""
    flags = ComputeFlag.NONE
    if output.shape.wide:
        flags = ComputeFlag.WIDE_SOURCE | ComputeFlag.WIDE_DESTINATION
        if len(sources) == 2:
            flags |= ComputeFlag.WIDE_SECOND
    opcode = OPCODES[layer.kind]
    for tile, image, rows in _runs((*sources, output)):
        count = output.tiles[tile][1]
        operands = _destination(output, tile, image) | {
            "source": sources[0].at(tile, image),
            "source_row_pitch": sources[0].row_pitch(tile),
            "source_column_pitch": sources[0].column_pitch(tile),
            "source_channel_pitch": output.width,
        }
        if len(sources) == 2:
            operands |= {
                "second": sources[1].at(tile, image),
                "second_row_pitch": sources[1].row_pitch(tile),
                "second_column_pitch": sources[1].column_pitch(tile),
                "second_channel_pitch": output.width,
            }
        accesses = [_run(tensor, tile, image, rows, writes=False) for tensor in sources]
        builder.add(
            opcode,
            heading,
            [*accesses, _run(output, tile, image, rows, writes=True), constants],
            rows=rows,
            columns=output.shape.columns,
            passes=1,
            out_channels=count,
            channels=count,
            core_step=count,
            flags=int(flags),
            parameters=constants.start,
            zero_point=layer.range.zero_point,
            low=layer.range.low,
            high=layer.range.high,
            **operands,
        )
        positions = rows * output.shape.columns
        clock.compute += int(tile_cycles(opcode, positions, 1, count, 1, int(flags), 1, lanes))


def _runs(tensors: tuple[Placed, ...]) -> list[tuple[int, int, int]]:
    """(channel tile, image, rows) of what one instruction can do in all of them."""
    shape, tiles = tensors[-1].shape, tensors[-1].tiles
    if any(tensor.padding != UNPADDED for tensor in tensors):
        return [
            (tile, image, shape.rows) for tile in range(len(tiles)) for image in range(shape.images)
        ]
    full = shape.channels // tensors[-1].tile_channels
    runs = [(0, 0, full * shape.images * shape.rows)] if full else []
    if full < len(tiles):
        runs.append((full, 0, shape.images * shape.rows))
    return runs


def _run(tensor: Placed, tile: int, image: int, rows: int, *, writes: bool) -> Access:
    start = tensor.at(tile, image, 0, -tensor.padding[1])
    return Access(Memory.PE, start, start + rows * tensor.row_pitch(tile), writes)

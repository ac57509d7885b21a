"""Emission of what crosses to and from the chip beside weights: inputs, outputs, constants."""

from apollo.arch.isa import Opcode
from apollo.arch.operands import TransferFlag
from apollo.compiler.systolic.builder import Builder
from apollo.compiler.systolic.hazards import Access, Memory
from apollo.compiler.systolic.layers import Vector
from apollo.compiler.systolic.layout import Layout, Stored
from apollo.compiler.systolic.tensors import UNPADDED, Placed
from apollo.compiler.systolic.vector import CONSTANT_BYTES, table_bytes

_FAR = -1  # a box that begins here has nothing of a stream of one row


def constant_bytes(layers: list[Vector], wide: dict[str, bool]) -> int:
    """Core memory that the records and tables of vector layers take."""
    tables = {layer.table: table_bytes(wide=wide[layer.output]) for layer in layers if layer.table}
    return sum(tables.values()) + sum(CONSTANT_BYTES.get(layer.kind, 0) for layer in layers)


def load_constants(
    builder: Builder, heading: int, layers: list[Vector], wide: dict[str, bool], layout: Layout
) -> dict[str, Access]:
    """Load records and tables in one piece; where each layer's is in core memory."""
    total = constant_bytes(layers, wide)
    if not total:
        return {}
    base, used = layout.reserve(total), 0
    places: dict[str, Access] = {}
    for layer in layers:
        if layer.table in layout.tables:
            at = layout.tables[layer.table] - base
            size = table_bytes(wide=wide[layer.output])
        elif layer.table:
            at, size = used, table_bytes(wide=wide[layer.output])
            layout.tables[layer.table] = base + at
            used += size
        else:
            at, size = used, CONSTANT_BYTES[layer.kind]
            layout.vector_records[layer.name] = base + at
            used += size
        places[layer.name] = Access(Memory.CORE, at, at + size)
    builder.add(
        Opcode.LOAD_PARAMETERS,
        heading,
        [Access(Memory.CORE, 0, total, writes=True)],
        segments=1,
        segment_bytes=total,
        dram_address=base,
        destination=0,
        block_bytes=total,
    )
    return places


def fill_borders(builder: Builder, heading: int, tensors: list[Placed]) -> None:
    """Write the padding of tensors whose zero point is not 0: all of them, before use."""
    for base, tensor in {tensor.base: tensor for tensor in tensors}.items():
        if tensor.padding == UNPADDED or not tensor.fill:
            continue
        place = Access(Memory.PE, base, base + tensor.bytes, writes=True)
        for tile, (_, count) in enumerate(tensor.tiles):
            builder.add(
                Opcode.LOAD_ACTIVATIONS,
                heading,
                [place],
                segments=1,
                segment_bytes=1,
                columns=1,
                channels=1,
                address=tensor.at(tile, 0, -tensor.padding[0], -tensor.padding[1]),
                row_pitch=tensor.row_pitch(tile),
                column_pitch=tensor.column_pitch(tile),
                channel_pitch=1,
                box_rows=tensor.shape.images * tensor.rows,
                box_columns=tensor.columns,
                box_channels=count,
                first_column=_FAR - tensor.columns,
                fill=tensor.fill,
            )


def load_input(builder: Builder, heading: int, stored: Stored, tensor: Placed) -> None:
    """Load a tensor, image by image where it has padding."""
    shape = tensor.shape
    together = 1 if tensor.padding != UNPADDED else shape.images
    flags = TransferFlag.WIDE if shape.wide else TransferFlag.NONE
    for first in range(0, shape.images, together):
        for tile, (_, count) in enumerate(tensor.tiles):
            size = together * shape.positions * count * tensor.width
            builder.add(
                Opcode.LOAD_ACTIVATIONS,
                heading,
                [tensor.images(tile, first, together, writes=True)],
                segments=1,
                segment_bytes=size,
                dram_address=stored.tile_address(tile) + first * size,
                columns=shape.columns,
                channels=count,
                flags=int(flags),
                address=tensor.at(tile, first, -tensor.padding[0], -tensor.padding[1]),
                row_pitch=tensor.row_pitch(tile),
                column_pitch=tensor.column_pitch(tile),
                channel_pitch=tensor.width,
                box_rows=tensor.rows if together == 1 else together * shape.rows,
                box_columns=tensor.columns,
                box_channels=count,
                first_row=-tensor.padding[0],
                first_column=-tensor.padding[1],
                fill=tensor.fill,
            )


def store_output(builder: Builder, heading: int, stored: Stored, tensor: Placed) -> None:
    """Store a tensor, image by image where it has padding."""
    shape = tensor.shape
    together = 1 if tensor.padding != UNPADDED else shape.images
    flags = TransferFlag.WIDE if shape.wide else TransferFlag.NONE
    for first in range(0, shape.images, together):
        for tile, (_, count) in enumerate(tensor.tiles):
            size = together * shape.positions * count * tensor.width
            builder.add(
                Opcode.STORE,
                heading,
                [tensor.images(tile, first, together)],
                segments=1,
                segment_bytes=size,
                dram_address=stored.tile_address(tile) + first * size,
                columns=shape.columns,
                channels=count,
                flags=int(flags),
                address=tensor.at(tile, first),
                row_pitch=tensor.row_pitch(tile),
                column_pitch=tensor.column_pitch(tile),
                channel_pitch=tensor.width,
                box_rows=together * shape.rows,
                box_columns=shape.columns,
                box_channels=count,
            )

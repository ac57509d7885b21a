"""Artifacts of a network on a chip with an array: weight tiles and places as text."""

from collections.abc import Iterator

from apollo.compiler.dump.memory import aligned
from apollo.compiler.systolic.nests import CompiledNests
from apollo.compiler.tables import Nest


def weights_text(compiled: CompiledNests) -> Iterator[str]:
    """How K and N of every product are cut: units that share a tile, columns, parts of K."""
    rows = []
    for number, weights in compiled.weights.items():
        parts = [len(column.parts) for column in weights.columns]
        tiles = [part for column in weights.columns for part in column.parts]
        rows.append(
            (
                str(max(results.units for results in weights.results)),
                str(len(weights.columns)),
                str(max(parts)),
                str(max(part.rows for part in tiles)),
                str(max(column.width for column in weights.columns)),
                str(sum(part.size for part in tiles)),
                f"{number} {compiled.network.layer_names[number]}",
            )
        )
    heads = ("units", "columns", "parts", "tile_rows", "tile_columns", "bytes", "nest")
    yield from aligned(heads, rows, 1)


def places_text(compiled: CompiledNests) -> Iterator[str]:
    """Tensors in PE memory by nest, first to last, then the tiles of nests that use DRAM."""
    names, tables = compiled.network.tensor_names, compiled.network.tensors
    rows = []
    for root, address in compiled.places.addresses.items():
        life = compiled.places.lives[root]
        rows.append((str(address), str(life.size), f"{life.first}-{life.last}", names[root]))
    yield f"# PE memory: {compiled.accelerator.pe_memory_bytes:,} B, {len(tables)} tensors"
    yield from aligned(("first", "bytes", "nests", "tensor"), rows, 2)
    lines = []
    for number, buffers in compiled.places.buffers.items():
        for operand, addresses in buffers.addresses.items():
            tensor = names[int(compiled.network.nests[number, operand])]
            lines.append(
                (
                    f"{number} {compiled.network.layer_names[number]}",
                    "x".join(map(str, buffers.tile)),
                    Nest(operand).name.lower(),
                    tensor,
                    " ".join(map(str, addresses)),
                )
            )
    yield "# tiles: images x rows x columns x channels, and the addresses of their buffers"
    yield from aligned(("nest", "tile", "operand", "tensor", "buffers"), lines, 5)


def dram_text(compiled: CompiledNests) -> Iterator[str]:
    """DRAM: weights tile by tile, tables and records, tensors."""
    network = compiled.network
    yield f"# DRAM: {compiled.dram_bytes:,} B"
    rows = [
        (address, kind, f"{nest} {network.layer_names[nest]}")
        for nest, weights in compiled.weights.items()
        for column in weights.columns
        for kind, address in (
            ("records", column.records),
            *(("weights", part.address) for part in column.parts),
        )
    ]
    for nest, address in compiled.constants.items():
        rows.append((address, "table", f"{nest} {network.layer_names[nest]}"))
    for tensor, address in compiled.tensors.items():
        rows.append((address, "tensor", network.tensor_names[tensor]))
    lines = [(str(address), kind, name) for address, kind, name in sorted(rows)]
    yield from aligned(("first", "kind", "name"), lines, 2)

"""What a program for a chip with an array finds in DRAM, as text."""

from collections.abc import Iterator

from apollo.compiler.dump.memory import aligned
from apollo.compiler.systolic.nests import CompiledNests
from apollo.compiler.systolic.network import Compiled


def nests_layout(compiled: CompiledNests) -> Iterator[str]:
    """DRAM of a network: weights tile by tile, tables and records, tensors."""
    network = compiled.network
    yield f"# DRAM: {compiled.dram_bytes:,} B"
    rows = [
        (str(address), kind, f"{nest} {network.layer_names[nest]}")
        for nest, weights in compiled.weights.items()
        for column in weights.columns
        for kind, address in (
            ("records", column.records),
            *(("weights", part.address) for part in column.parts),
        )
    ]
    for nest, address in compiled.constants.items():
        rows.append((str(address), "table", f"{nest} {network.layer_names[nest]}"))
    for tensor, address in compiled.tensors.items():
        rows.append((str(address), "tensor", network.tensor_names[tensor]))
    rows.sort(key=lambda row: int(row[0]))
    yield from aligned(("first", "kind", "name"), rows, 2)


def stack_layout(compiled: Compiled) -> Iterator[str]:
    """DRAM of a single layer that goes through scratchpads."""
    layout = compiled.layout
    yield f"# DRAM: {layout.size:,} B"
    rows = [(str(stored.address), "tensor", name) for name, stored in layout.tensors.items()]
    for name, tiles in layout.weights.items():
        rows += [(str(tile.address), "weights", name) for tile in tiles]
    for kind, addresses in (
        ("records", layout.records),
        ("records", layout.vector_records),
        ("table", layout.tables),
    ):
        rows += [(str(address), kind, name) for name, address in addresses.items()]
    yield from aligned(("first", "kind", "name"), sorted(rows, key=lambda row: int(row[0])), 2)

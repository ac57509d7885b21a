"""What a single layer on a chip with an array finds in DRAM, as text."""

from collections.abc import Iterator

from apollo.compiler.dump.memory import aligned
from apollo.compiler.systolic.network import Compiled


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

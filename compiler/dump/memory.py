"""The memory map as tables of text."""

from collections.abc import Iterator, Sequence

from apollo.compiler.memory_map import MemoryMap

Row = Sequence[str]


def aligned(head: Row, rows: Sequence[Row], left: int) -> Iterator[str]:
    """Lines of a table whose last `left` columns are text, the others numbers."""
    table = [head, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    numbers = len(head) - left
    for row in table:
        cells = [
            cell.rjust(width) if column < numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def blocks_text(memory: MemoryMap) -> Iterator[str]:
    """PE memory: every block with its place and time; then what each nest finds in use."""
    peak, room = memory.high_water, memory.pe_memory_bytes
    yield f"# PE memory: {peak:,} of {room:,} B at most in use"
    rows = [
        (
            str(block.address),
            str(block.end),
            str(block.bytes),
            str(block.buffers),
            f"{block.first}..{block.last}",
            str(block.kind),
            block.name,
        )
        for block in memory.blocks
    ]
    head = ("first", "end", "bytes", "buffers", "nests", "kind", "tensor")
    yield from aligned(head, rows, 2)
    yield ""
    yield "# In use while a nest runs"
    used = [
        (str(memory.used(nest)), str(max(b.end for b in memory.live(nest))), f"{nest} {layer}")
        for nest, layer in enumerate(memory.layers)
    ]
    yield from aligned(("bytes", "end", "nest"), used, 1)
    yield ""
    yield "# Tensors in DRAM"
    stored = [
        (
            str(tensor.bytes),
            "inference" if tensor.first < 0 else str(tensor.first),
            "inference" if tensor.last == len(memory.layers) else str(tensor.last),
            "spilled" if tensor.spilled else "-",
            tensor.name,
        )
        for tensor in memory.stored
    ]
    yield from aligned(("bytes", "from", "to", "why", "tensor"), stored, 2)


def residents_text(memory: MemoryMap) -> Iterator[str]:
    """Core memory: parameters that stay, and the tiles that pass through the ring above them."""
    kept = memory.core_memory_bytes - memory.ring_bytes
    yield f"# Core memory: {kept:,} of {memory.core_memory_bytes:,} B resident"
    rows = [
        (
            str(resident.address),
            str(resident.address + resident.bytes),
            str(resident.bytes),
            f"{resident.nest} {memory.layers[resident.nest]}",
        )
        for resident in memory.residents
    ]
    yield from aligned(("first", "end", "bytes", "nest"), rows, 1)
    yield ""
    yield f"# The ring: {memory.ring_bytes:,} B"
    tiles = [
        (str(size), f"{nest} {layer}")
        for nest, (layer, size) in enumerate(zip(memory.layers, memory.tiles, strict=True))
        if size
    ]
    yield from aligned(("tile bytes", "nest"), tiles, 1)

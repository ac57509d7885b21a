"""The memory map as an SVG document: nests from left to right, addresses upwards.

Above, what lives in DRAM and when; in the middle, every PE memory, block by block; below, every
core memory: resident parameters, and in the ring above them the tile of each nest.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from apollo.compiler.memory_map import Block, Kind, MemoryMap, Stored
from apollo.workloads.picture.elements import coordinate, escaped, text
from apollo.workloads.picture.lettering import fit, width_of

LEFT, RIGHT, HEAD, NAMES = 112.0, 24.0, 84.0, 150.0
LEAST_STEP, MOST_STEP, WIDTH = 16.0, 44.0, 1040.0  # of a nest; of all nests, where that allows
PE_HEIGHT, CORE_HEIGHT, LANE, GAP = 340.0, 120.0, 13.0, 34.0
SIZE, SMALL = 11, 9
LEAST_LETTERS = 9  # of a name that is cut

_COLOURS = {
    Kind.TENSOR: "#5b8fc9",
    Kind.COPY: "#8d7cc0",
    Kind.SOURCE: "#58a991",
    Kind.RESULT: "#d9a441",
    Kind.SUMS: "#cf6f62",
}
_RESIDENT, _TILE, _STORED, _SPILLED = "#7f8c9b", "#c3ccd6", "#d5dbe1", "#a4527f"
_STYLE = """
text{font-family:Helvetica,Arial,'DejaVu Sans',sans-serif;fill:#1c2733}
.quiet{fill:#5f6f7f}.inside{fill:#fff}
.grid{stroke:#e4e9ee;stroke-width:1}.axis{stroke:#8a97a5;stroke-width:1}
.limit{stroke:#b4483b;stroke-width:1.2;stroke-dasharray:5 3}
.block{stroke:#fff;stroke-width:0.8}
"""


@dataclass(frozen=True)
class _Scale:
    """Where a nest begins, and how high bytes are."""

    step: float
    top: float  # of the panel
    height: float
    most: int  # bytes at the top

    def x(self, nest: int) -> float:
        return LEFT + nest * self.step

    def y(self, address: int) -> float:
        return self.top + self.height * (1 - address / self.most)


def draw(memory: MemoryMap, title: str) -> str:
    """The picture of a memory map; tooltips have names, bytes and addresses."""
    count = len(memory.layers)
    step = min(MOST_STEP, max(LEAST_STEP, WIDTH / count))
    lanes = _lanes(memory.stored, count)
    dram_top = HEAD + 16
    pe_top = dram_top + LANE * max(1, 1 + max(lanes, default=0)) + GAP
    core_top = pe_top + PE_HEIGHT + GAP
    width = max(LEFT + count * step + RIGHT, 860.0)
    names = [f"{nest} {layer}" for nest, layer in enumerate(memory.layers)]
    longest = max(width_of(name, SMALL) for name in names)
    height = core_top + CORE_HEIGHT + min(NAMES, longest + 24)
    pe = _Scale(step, pe_top, PE_HEIGHT, _most(memory.high_water, memory.pe_memory_bytes))
    core = _Scale(step, core_top, CORE_HEIGHT, _most(_core_peak(memory), memory.core_memory_bytes))
    size = f'width="{coordinate(width)}" height="{coordinate(height)}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} '
        f'viewBox="0 0 {coordinate(width)} {coordinate(height)}">',
        f"<style>{_STYLE}</style>",
        f'<rect {size} fill="#fff"/>',
        *_head(memory, title),
        text(LEFT, dram_top - 6, "DRAM: tensors, from producer to last reader", SIZE),
        *_dram(memory.stored, lanes, count, step, dram_top),
        text(
            LEFT, pe_top - 8, _panel("PE memory", memory.high_water, memory.pe_memory_bytes), SIZE
        ),
        *_axes(pe, count, memory.pe_memory_bytes),
        *(_block(block, pe) for block in memory.blocks),
        text(LEFT, core_top - 8, _core_title(memory), SIZE),
        *_axes(core, count, memory.core_memory_bytes),
        *_core(memory, core),
        *_names(names, step, core_top + CORE_HEIGHT + 8),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _most(peak: int, room: int) -> int:
    """Bytes at the top of a panel: all of the memory, or what is used of a much larger one."""
    return room if peak * 2 >= room else max(1, peak * 17 // 16)


def _core_peak(memory: MemoryMap) -> int:
    kept = memory.core_memory_bytes - memory.ring_bytes
    return kept + max(memory.tiles, default=0)


def _panel(name: str, peak: int, room: int) -> str:
    return f"{name}, each: {_bytes(peak)} of {_bytes(room)} in use at most ({peak / room:.0%})"


def _core_title(memory: MemoryMap) -> str:
    kept = memory.core_memory_bytes - memory.ring_bytes
    return (
        f"Core memory, each: {_bytes(kept)} of {_bytes(memory.core_memory_bytes)} for resident "
        f"parameters, {_bytes(memory.ring_bytes)} for the ring"
    )


def _bytes(count: int) -> str:
    for factor, unit in ((1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= factor:
            return f"{count / factor:.4g} {unit}"
    return f"{count} B"


def _head(memory: MemoryMap, title: str) -> Iterator[str]:
    yield text(24, 30, title, 18, ' font-weight="600"')
    spilled = [tensor for tensor in memory.stored if tensor.spilled]
    size = sum(tensor.bytes for tensor in spilled)
    facts = f"{len(memory.layers)} nests, {len(memory.residents)} with resident parameters, "
    facts += f"{len(spilled)} tensors by way of DRAM" + (f" ({_bytes(size)})" if spilled else "")
    yield text(24, 47, facts, SIZE, ' class="quiet"')
    x = 24.0
    entries = [(str(kind), colour) for kind, colour in _COLOURS.items()]
    entries += [("resident", _RESIDENT), ("tile in the ring", _TILE)]
    entries += [("in DRAM", _STORED), ("in DRAM, not an input or output", _SPILLED)]
    for name, colour in entries:
        yield f'<rect x="{coordinate(x)}" y="58" width="11" height="11" fill="{colour}"/>'
        yield text(x + 15, 67.5, name, SMALL + 1)
        x += 15 + width_of(name, SMALL + 1) + 12


def _lanes(stored: tuple[Stored, ...], count: int) -> list[int]:
    """The lowest free lane of each tensor."""
    ends = list[int]()
    lanes = []
    for tensor in stored:
        free = [lane for lane, end in enumerate(ends) if end < max(0, tensor.first)]
        lane = free[0] if free else len(ends)
        ends[lane : lane + 1] = [min(count - 1, tensor.last)]
        lanes.append(lane)
    return lanes


def _dram(
    stored: tuple[Stored, ...], lanes: list[int], count: int, step: float, top: float
) -> Iterator[str]:
    for tensor, lane in zip(stored, lanes, strict=True):
        first, last = max(0, tensor.first), min(count - 1, tensor.last)
        x, wide = LEFT + first * step, (last - first + 1) * step
        fill = _SPILLED if tensor.spilled else _STORED
        facts = f"{tensor.name}\n{tensor.bytes:,} B, nests {first}..{last}"
        label = _label(tensor.name, wide)
        yield _rectangle(x, top + lane * LANE, wide, LANE - 2, fill, facts)
        if label:
            kind = ' class="inside"' if tensor.spilled else ""
            yield text(x + 3, top + lane * LANE + 8.5, label, SMALL, kind)


def _rectangle(x: float, y: float, wide: float, high: float, fill: str, facts: str) -> str:
    place = f'x="{coordinate(x)}" y="{coordinate(y)}"'
    size = f'width="{coordinate(wide)}" height="{coordinate(high)}"'
    title = f"<title>{escaped(facts)}</title>"
    return f'<rect class="block" {place} {size} fill="{fill}">{title}</rect>'


def _label(name: str, wide: float) -> str:
    """A name cut to a rectangle's width; none where too little of it would be left."""
    label = fit(name, wide - 6, SMALL)
    return label if label == name or len(label) >= LEAST_LETTERS else ""


def _axes(scale: _Scale, count: int, room: int) -> Iterator[str]:
    """Lines of round numbers of bytes; the memory's end in red where it is in sight."""
    end = coordinate(scale.x(count))
    tick = 1
    while scale.most / tick > 6:
        tick *= 2
    for address in range(0, scale.most + 1, tick):
        y = scale.y(address)
        kind = "grid" if address else "axis"
        yield f'<path class="{kind}" d="M{LEFT} {coordinate(y)}H{end}"/>'
        label = _bytes(address) if address else "0"
        yield text(LEFT - 8, y + 3, label, SMALL, ' text-anchor="end" class="quiet"')
    if scale.most == room:
        yield f'<path class="limit" d="M{LEFT} {coordinate(scale.top)}H{end}"/>'


def _block(block: Block, scale: _Scale) -> str:
    x, y = scale.x(block.first), scale.y(block.end)
    wide, high = scale.x(block.last + 1) - x, scale.y(block.address) - y
    pair = f", {block.buffers} buffers" if block.buffers > 1 else ""
    facts = (
        f"{block.kind}: {block.name}\n{block.bytes:,} B{pair}, from {block.address:,}, "
        f"nests {block.first}..{block.last}"
    )
    parts = [_rectangle(x, y, wide, high, _COLOURS[block.kind], facts)]
    if block.buffers > 1 and high > 3:  # the line between the buffers
        middle = coordinate(y + high / 2)
        parts.append(f'<path class="block" d="M{coordinate(x)} {middle}h{coordinate(wide)}"/>')
    label = _label(block.name, wide)
    if high > SMALL + 2 and label:
        parts.append(text(x + 3, y + high / 2 + 3, label, SMALL, ' class="inside"'))
    return "".join(parts)


def _core(memory: MemoryMap, scale: _Scale) -> Iterator[str]:
    kept = memory.core_memory_bytes - memory.ring_bytes
    end = scale.x(len(memory.layers))
    for resident in memory.residents:
        y, above = scale.y(resident.address), scale.y(resident.address + resident.bytes)
        name = memory.layers[resident.nest]
        facts = f"resident: {name}\n{resident.bytes:,} B from {resident.address:,}"
        # From the left to the right: it stays from inference to inference.
        yield _rectangle(LEFT, above, end - LEFT, y - above, _RESIDENT, facts)
        if y - above > SMALL + 2:
            label = fit(name, end - LEFT - 6, SMALL)
            yield text(LEFT + 3, (y + above) / 2 + 3, label, SMALL, ' class="inside"')
    for nest, size in enumerate(memory.tiles):
        if size:
            x, above = scale.x(nest), scale.y(kept + size)
            facts = f"tile in the ring: {memory.layers[nest]}\n{size:,} B"
            yield _rectangle(x, above, scale.step, scale.y(kept) - above, _TILE, facts)


def _names(names: list[str], step: float, top: float) -> Iterator[str]:
    for nest, name in enumerate(names):
        x = LEFT + (nest + 0.5) * step
        label = fit(name, NAMES - 24, SMALL)
        turn = f' transform="rotate(-90 {coordinate(x + 3)} {coordinate(top)})"'
        yield text(x + 3, top, label, SMALL, f' text-anchor="end"{turn}')

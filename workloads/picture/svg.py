"""A network as an SVG document."""

from collections.abc import Iterator

from apollo.workloads.graph import Graph
from apollo.workloads.operators import Operator
from apollo.workloads.picture.colouring import NO_VALUE, Colouring, as_hex, colour, is_dark
from apollo.workloads.picture.elements import coordinate, escaped, text
from apollo.workloads.picture.layering import Edge
from apollo.workloads.picture.layout import Box, Layout, Line, lay_out
from apollo.workloads.picture.lettering import fit

MARGIN, HEAD = 24.0, 98.0
LEAST_WIDTH = 620.0  # of the page: the head takes it
BAR_WIDTH, BAR_HEIGHT, BAR_STEPS = 240.0, 12.0, 48
NAME_SIZE, DETAIL_SIZE = 11, 9
INSET = 7.0

_STYLE = """
text{font-family:Helvetica,Arial,'DejaVu Sans',sans-serif;fill:#1c2733}
.operator rect,.end rect{stroke:#8a97a5;stroke-width:1}
.end rect{fill:#fff;stroke-dasharray:3 2}
.light text{fill:#fff}
.line{fill:none;stroke:#93a1b0;stroke-width:1.2;stroke-linejoin:round}
"""


def draw(graph: Graph, colouring: Colouring) -> str:
    """The picture of a network, inputs above, outputs below; a tooltip has what is cut off."""
    inputs, operators, outputs = graph.inputs, graph.operators, graph.outputs
    layout = lay_out(len(inputs) + len(operators) + len(outputs), edges_of(graph))
    width = max(layout.width + 2 * MARGIN, LEAST_WIDTH)
    height = layout.height + HEAD + MARGIN
    first, last = layout.boxes[: len(inputs)], layout.boxes[len(inputs) + len(operators) :]
    middle = layout.boxes[len(inputs) : len(inputs) + len(operators)]
    size = f'width="{coordinate(width)}" height="{coordinate(height)}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} '
        f'viewBox="0 0 {coordinate(width)} {coordinate(height)}">',
        f"<style>{_STYLE}</style>",
        f'<rect {size} fill="#fff"/>',
        _marker(),
        *_head(graph, colouring),
        f'<g transform="translate({coordinate(MARGIN)} {coordinate(HEAD)})">',
        *_paths(layout),
        *(_end(box, graph, name, "input") for box, name in zip(first, inputs, strict=True)),
        *(
            _operator(box, graph, item, colouring)
            for box, item in zip(middle, operators, strict=True)
        ),
        *(_end(box, graph, name, "output") for box, name in zip(last, outputs, strict=True)),
        "</g>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def edges_of(graph: Graph) -> list[Edge]:
    """Between inputs, operators and outputs, numbered one after the other."""
    writer = {name: number for number, name in enumerate(graph.inputs)}
    edges = []
    number = len(graph.inputs)
    for number, item in enumerate(graph.operators, len(graph.inputs)):
        edges += [(writer[name], number) for name in dict.fromkeys(item.inputs)]
        writer.update(dict.fromkeys(item.outputs, number))
    return edges + [(writer[name], end) for end, name in enumerate(graph.outputs, number + 1)]


def _marker() -> str:
    return (
        '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" '
        'markerHeight="6" orient="auto"><path d="M0 0L8 4L0 8z" fill="#93a1b0"/></marker></defs>'
    )


def _head(graph: Graph, colouring: Colouring) -> Iterator[str]:
    """Name, totals and the legend."""
    room = LEAST_WIDTH - 2 * MARGIN
    yield text(MARGIN, 30, fit(graph.name, room, 18), 18, ' font-weight="600"')
    counts = f"batch {graph.batch}, {_amount(graph.macs)} multiply-accumulates"
    yield text(MARGIN, 47, f"{counts}, {_amount(graph.parameters)} parameters", 11)
    step = BAR_WIDTH / BAR_STEPS
    for number in range(BAR_STEPS):
        fill = as_hex(colour((number + 0.5) / BAR_STEPS))
        yield (
            f'<rect x="{coordinate(MARGIN + number * step)}" y="56" '
            f'width="{coordinate(step + 0.3)}" height="{coordinate(BAR_HEIGHT)}" fill="{fill}"/>'
        )
    for position, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        label = _amount(colouring.value_at(position))
        extra = f' text-anchor="{anchor}"'
        yield text(MARGIN + position * BAR_WIDTH, 79, label, DETAIL_SIZE, extra)
    title = fit(colouring.title, room - BAR_WIDTH - 10, NAME_SIZE)
    yield text(MARGIN + BAR_WIDTH + 10, 66, title, NAME_SIZE)


def _paths(layout: Layout) -> Iterator[str]:
    for line in layout.lines:
        arrow = ' marker-end="url(#arrow)"' if line.arrives else ""
        yield f'<path class="line" d="{_path(line)}"{arrow}/>'


def _path(line: Line) -> str:
    (x1, y1), *between, (x2, y2) = line.points
    start = f"M{coordinate(x1)} {coordinate(y1)}"
    if between or x1 == x2:
        return start + "".join(f"L{coordinate(x)} {coordinate(y)}" for x, y in line.points[1:])
    middle = coordinate((y1 + y2) / 2)
    bend = f"{coordinate(x1)} {middle} {coordinate(x2)} {middle}"
    return f"{start}C{bend} {coordinate(x2)} {coordinate(y2)}"


def _operator(box: Box, graph: Graph, item: Operator, colouring: Colouring) -> str:
    value = colouring.values.get(item.name)
    shade = None if value is None else colour(colouring.position(value))
    kind = "operator light" if shade is not None and is_dark(shade) else "operator"
    shape = _shape(graph, item.output)
    facts = [item.name, item.label, f"output {shape}"]
    facts += [] if value is None else [f"{colouring.title}: {value:,.6g}"]
    return _box(
        box, kind, NO_VALUE if shade is None else as_hex(shade), facts, f"{item.label} {shape}"
    )


def _end(box: Box, graph: Graph, name: str, kind: str) -> str:
    shape = _shape(graph, name)
    return _box(box, "end", "#fff", [name, f"{kind} {shape}"], f"{kind} {shape}")


def _box(box: Box, kind: str, fill: str, facts: list[str], detail: str) -> str:
    room = box.width - 2 * INSET
    radius = 4 if kind != "end" else 14
    return (
        f'<g class="{kind}"><title>{escaped(chr(10).join(facts))}</title>'
        f'<rect x="{coordinate(box.x)}" y="{coordinate(box.y)}" width="{coordinate(box.width)}" '
        f'height="{coordinate(box.height)}" rx="{radius}" fill="{fill}"/>'
        + text(box.x + INSET, box.y + 14, fit(facts[0], room, NAME_SIZE), NAME_SIZE)
        + text(box.x + INSET, box.y + 27, fit(detail, room, DETAIL_SIZE), DETAIL_SIZE)
        + "</g>"
    )


def _shape(graph: Graph, tensor: str) -> str:
    return "x".join(map(str, graph.tensor(tensor).shape))


def _amount(value: float) -> str:
    """A number with four digits and the letter of its thousands."""
    for factor, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= factor:
            return f"{value / factor:.4g}{letter}"
    return f"{value:.4g}"

import re
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apollo.workloads import load
from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.operators import Unary, UnaryKind
from apollo.workloads.picture import by_count, by_density, by_values, draw, from_csv
from apollo.workloads.picture.layering import in_layers
from apollo.workloads.picture.layout import BOX_HEIGHT, Box, Layout, lay_out
from apollo.workloads.picture.lettering import fit, width_of
from apollo.workloads.picture.svg import edges_of
from apollo.workloads.sparsity import prune, statistics, with_random_weights

SVG = "{http://www.w3.org/2000/svg}"
NETWORKS = (
    *("mobilenet_v2", "inception_v3", "unet", "ssd_mobilenet_v2", "rnnt", "nmt"),
    *("transformer_encoder", "tpu_lstm0", "gemm:1x2x3"),
)


def document(graph: Graph, count: str = "macs") -> ElementTree.Element:
    return ElementTree.fromstring(draw(graph, by_count(graph, count)))


def titles(root: ElementTree.Element, kind: str) -> list[str]:
    groups = [g for g in root.iter(f"{SVG}g") if g.get("class", "").split()[:1] == [kind]]
    return [group.findtext(f"{SVG}title", "").splitlines()[0] for group in groups]


def boxes(root: ElementTree.Element) -> list[Box]:
    return [
        Box(*(float(group.find(f"{SVG}rect").get(key)) for key in ("x", "y", "width", "height")))
        for group in root.iter(f"{SVG}g")
        if group.get("class")
    ]


def overlap(one: Box, other: Box, margin: float = 0) -> bool:
    return (
        one.x < other.x + other.width + margin
        and other.x < one.x + one.width + margin
        and one.y < other.y + other.height + margin
        and other.y < one.y + one.height + margin
    )


def check(layout: Layout) -> None:
    """Nothing overlaps, nothing is cut off, and no line runs through a box."""
    for one, other in combinations(layout.boxes, 2):
        assert not overlap(one, other, margin=5)
    for box in layout.boxes:
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= layout.width
        assert box.y + box.height <= layout.height
    corners = [point for line in layout.lines for point in line.points]
    assert all(0 <= x <= layout.width and 0 <= y <= layout.height for x, y in corners)
    for line in layout.lines:
        for (x1, y1), (x2, y2) in pairwise(line.points):
            low, high = sorted((y1, y2))
            left, right = sorted((x1, x2))
            flat = Box(left, low, right - left, high - low)
            inner = [Box(b.x + 1, b.y + 1, b.width - 2, b.height - 2) for b in layout.boxes]
            assert not any(overlap(flat, box) for box in inner)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_operator_is_there_once(name) -> None:
    graph = load(name)
    root = document(graph)
    assert titles(root, "operator") == [item.name for item in graph.operators]
    assert titles(root, "end") == [*graph.inputs, *graph.outputs]
    for one, other in combinations(boxes(root), 2):
        assert not overlap(one, other)


@pytest.mark.parametrize("name", NETWORKS)
def test_texts_stay_in_their_boxes(name) -> None:
    for group in document(load(name)).iter(f"{SVG}g"):
        if not group.get("class"):
            continue
        width = float(group.find(f"{SVG}rect").get("width"))
        for text in group.iter(f"{SVG}text"):
            assert width_of(text.text, float(text.get("font-size"))) <= width - 14


def test_long_networks_are_folded() -> None:
    for name in ("mobilenet_v2", "resnet50", "efficientnet_lite4", "inception_v3"):
        root = document(load(name))
        width, height = float(root.get("width")), float(root.get("height"))
        assert 1 < width / height < 2.2, name
        assert max(width, height) < 4000, name


def test_chains_are_straight() -> None:
    edges = [(number, number + 1) for number in range(9)]
    layout = lay_out(10, edges)
    assert len({box.x for box in layout.boxes}) == 1
    residual = lay_out(10, [*edges, (2, 7)])
    assert len({box.x for box in residual.boxes}) == 1


@pytest.mark.parametrize("name", ["mobilenet_v2", "unet", "rnnt", "transformer_encoder"])
def test_no_line_runs_through_a_box(name) -> None:
    graph = load(name)
    ends = len(graph.inputs) + len(graph.outputs)
    check(lay_out(len(graph.operators) + ends, edges_of(graph)))


@st.composite
def graphs(draw_from) -> tuple[int, list[tuple[int, int]]]:
    nodes = draw_from(st.integers(1, 40))
    reach = draw_from(st.integers(1, 40))
    edges = [
        (source, node)
        for node in range(1, nodes)
        for source in draw_from(st.sets(st.integers(max(0, node - reach), node - 1), max_size=3))
    ]
    return nodes, edges


@given(graphs())
@settings(max_examples=40, deadline=None)
def test_nothing_overlaps_in_any_graph(graph) -> None:
    nodes, edges = graph
    layout = lay_out(nodes, edges)
    assert len(layout.boxes) == nodes
    check(layout)
    assert lay_out(nodes, edges) == layout


@given(graphs())
@settings(max_examples=40, deadline=None)
def test_layers_hold_every_edge(graph) -> None:
    nodes, edges = graph
    layers = in_layers(nodes, edges)
    rank = {number: index for index, row in enumerate(layers.ranks) for number in row}
    assert len(rank) == sum(map(len, layers.ranks))
    for upper, lowers in enumerate(layers.below):
        assert all(rank[lower] == rank[upper] + 1 for lower in lowers)

    def reached(number: int) -> set[int]:
        ends = set()
        for lower in layers.below[number]:
            ends |= reached(lower) if layers.is_bend(lower) else {lower}
        return ends

    for node in range(nodes):
        assert reached(node) == {target for source, target in edges if source == node}


def test_the_same_network_gives_the_same_picture() -> None:
    one, other = (draw(load("mobilenet_v2"), by_count(load("mobilenet_v2"), "macs")) for _ in "ab")
    assert one == other


def chain(names: list[str]) -> Graph:
    builder = GraphBuilder("<&\"'>", [Tensor("in", (1, 4))])
    tensor = "in"
    for number, name in enumerate(names):
        tensor = builder.add(Unary(name, (tensor,), f"t{number}", UnaryKind.RELU))
    return builder.build([tensor])


def test_any_name_is_escaped() -> None:
    names = ["a<b", "x & y", '"quoted"', "bell\x07", "]]>", "Ünïcode/层", "long" * 30]
    graph = chain(names)
    root = ElementTree.fromstring(draw(graph, by_count(graph, "activations")))
    assert titles(root, "operator") == [name.replace("\x07", "\ufffd") for name in names]
    assert "<&\"'>" in [text.text for text in root.iter(f"{SVG}text")]


def test_colours_say_how_much() -> None:
    graph = load("tpu_mlp0")
    names = [item.name for item in graph.operators]
    picture = draw(graph, by_values("cycles", {names[0]: 10, names[2]: 1000}))
    root = ElementTree.fromstring(picture)
    fills = {
        title: group.find(f"{SVG}rect").get("fill")
        for title, group in zip(
            titles(root, "operator"),
            [g for g in root.iter(f"{SVG}g") if "operator" in g.get("class", "")],
            strict=True,
        )
    }
    assert fills[names[2]] == "#0c2f66"
    assert fills[names[0]] != fills[names[1]] == "#f3f3f1"
    assert "cycles: 1,000" in picture
    assert re.search(r">cycles</text>", picture)


def test_density_is_one_of_the_colours() -> None:
    graph = load("mobilenet_v1_0.25_128")
    colouring = by_density(statistics(prune(with_random_weights(graph), 0.8)))
    assert colouring.values["block5/pointwise"] == pytest.approx(0.2, abs=0.001)
    assert "stem/norm" not in colouring.values
    assert (colouring.low, colouring.high) == (0, 1)
    assert "density of the factors" in draw(graph, colouring)


def test_values_of_a_file(tmp_path: Path) -> None:
    graph = load("tpu_mlp0")
    path = tmp_path / "cycles.csv"
    path.write_text("layer,cycles\nlayer1,5\nlayer2,7.5\n")
    colouring = from_csv(path, graph)
    assert (colouring.title, dict(colouring.values)) == ("cycles", {"layer1": 5, "layer2": 7.5})
    for text, sentence in (
        ("layer,cycles\nlayer9,5\n", "Line 2 of '.*' must name an operator and give a number"),
        ("layer,cycles\nlayer1,many\n", "Line 2 of '.*' must hold a number: 'many'"),
        ("layer,cycles\nlayer1,nan\n", "Numbers of 'cycles' must be finite"),
        ("layer,cycles\n", "There must be numbers of 'cycles' for at least one operator"),
        ("", "'.*' must have a head and lines of operators and numbers"),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=sentence):
            from_csv(path, graph)


def test_a_file_of_values_is_text(tmp_path: Path) -> None:
    path = tmp_path / "cycles.csv"
    path.write_bytes(b"\xff\xfe\x00layer")
    with pytest.raises(ValueError, match="must be a CSV file in UTF-8"):
        from_csv(path, load("tpu_mlp0"))


def test_counts_have_names() -> None:
    with pytest.raises(
        ValueError,
        match=r"^Colours must be by one of macs, parameters, activations, not 'cycles'\.$",
    ):
        by_count(load("tpu_mlp0"), "cycles")


def test_texts_are_cut_in_the_middle() -> None:
    assert fit("short", 100, 10) == "short"
    assert fit("a" * 20 + "b" * 20, 62, 10) == "aaaa…bbbb"
    for text in ("MODEL/" * 20, "w" * 99, "層" * 40, "ill" * 40):
        cut = fit(text, 170, 11)
        assert (cut[0], cut[-1]) == (text[0], text[-1])
        assert 150 < width_of(cut, 11) <= 170
    assert BOX_HEIGHT > 27  # two lines of text

from hypothesis import given
from hypothesis import strategies as st

from apollo.compiler.systolic.geometry import (
    blocks,
    cut,
    even,
    pieces,
    rectangles,
    reduction_rows,
    reductions,
)
from apollo.compiler.systolic.layers import Convolution, FullyConnected, Shape, Window

sizes = st.integers(1, 9)


def test_taps_of_few_channels_share_tiles() -> None:
    assert len(rectangles(3, 3, 1)) == 9
    assert len(rectangles(3, 3, 2)) == 5  # 256 rows, 128 channels
    assert len(rectangles(3, 3, 4)) == 3
    assert len(rectangles(3, 3, 8)) == 2
    assert len(rectangles(7, 7, 49)) == 1


@given(sizes, sizes, st.integers(1, 90))
def test_rectangles_cover_every_tap_once(height: int, width: int, most: int) -> None:
    found = rectangles(height, width, most)
    taps = [
        (part.row + r, part.column + c)
        for part in found
        for r in range(part.height)
        for c in range(part.width)
    ]
    assert sorted(taps) == [(r, c) for r in range(height) for c in range(width)]
    assert max(part.taps for part in found) <= most


@given(st.integers(1, 300), st.integers(1, 40))
def test_cuts(total: int, size: int) -> None:
    for spans in (cut(total, size), even(total, -(-total // size))):
        assert [at for first, length in spans for at in range(first, first + length)] == list(
            range(total)
        )
        assert max(length for _, length in spans) <= size
    lengths = [length for _, length in even(total, size)]
    assert max(lengths) - min(lengths) <= 1


@given(st.lists(st.tuples(sizes, sizes, st.integers(1, 40)), min_size=1, max_size=3), sizes, sizes)
def test_every_input_is_in_one_part(
    shapes: list[tuple[int, int, int]], most: int, columns: int
) -> None:
    sources = tuple(Shape(2, rows, width, channels) for rows, width, channels in shapes)
    layers = (
        FullyConnected("a", ("x",) * len(sources), "y", 5),
        Convolution("b", "x", "y", 5, Window((shapes[0][0], shapes[0][1]))),
    )
    for layer, of in zip(layers, (sources, sources[:1]), strict=True):
        parts = reductions(layer, of, most, columns)
        rows = [row for part in parts for row in reduction_rows(part, layer, of, columns)]
        depth = sum(shape.positions * shape.channels for shape in of)
        assert sorted(rows) == list(range(depth))
        assert max(part.size for part in parts) <= most
        assert all(part.size == len(reduction_rows(part, layer, of, columns)) for part in parts)


@given(st.integers(1, 4), sizes, sizes, st.integers(1, 50), st.integers(1, 80))
def test_every_position_is_in_one_piece(
    images: int, rows: int, columns: int, most: int, room: int
) -> None:
    output = Shape(images, rows, columns, 3)
    found = pieces(output, most)
    if output.positions == 1:
        at = [(row, 0, 0) for piece in found for row in range(piece.row, piece.row + piece.rows)]
    else:
        at = [
            (piece.image, row, column)
            for piece in found
            for row in range(piece.row, piece.row + piece.rows)
            for column in range(piece.column, piece.column + piece.columns)
        ]
    assert sorted(at) == [
        (i, r, c) for i in range(images) for r in range(rows) for c in range(columns)
    ]
    largest = max(piece.positions for piece in found)
    assert largest <= most
    together = blocks(found, max(room, largest))
    assert [piece for block in together for piece in block] == found
    for block in together:
        assert sum(piece.positions for piece in block) <= max(room, largest)

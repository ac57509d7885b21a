"""The curve of sparse networks: what its figures mean, and that it is written."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from apollo.arch.accelerator import lane_presets, load_design
from apollo.search.verify.figures import Figure
from apollo.search.verify.sparse import PUBLISHED_SHARE, figures_of, layer_figures, write_curve
from apollo.search.verify.sparse_curve import Point, curve

FEW = (0.0, 0.55, 0.8, 0.9)


@pytest.fixture(scope="module")
def points() -> list[Point]:
    return curve("mobilenet_v1", lane_presets(), FEW)


def of_design(points: list[Point], design: str) -> dict[float, Point]:
    return {point.sparsity: point for point in points if point.design == design}


def test_nothing_is_lost_where_sparse_does_not_pay(points: list[Point]) -> None:
    for point in points:
        assert point.cycles <= point.dense_cycles
        if point.cycles == point.dense_cycles:
            assert point.parameter_bytes == point.dense_parameter_bytes


def test_sparse_networks_are_as_fast_as_the_aims_where_compute_binds(points: list[Point]) -> None:
    for design in ("edge_tpu_v2", "edge_tpu_v3"):
        figures = figures_of(of_design(points, design))
        assert len([figure for figure in figures if figure.tolerance is not None]) == 2
        assert all(figure.holds for figure in figures)
    layers = [
        figure for figure in layer_figures(points) if figure.subject.startswith("mobilenet_v1")
    ]
    assert len(layers) == 2
    assert all(figure.holds for figure in layers)


def test_more_zeros_are_faster_and_load_less(points: list[Point]) -> None:
    for design in lane_presets():
        runs = of_design(points, design.name)
        assert runs[0.9].speedup > runs[0.8].speedup > 1.2
        assert runs[0.9].parameter_bytes < runs[0.8].parameter_bytes < runs[0.0].parameter_bytes
        assert runs[0.9].dense_cycles == runs[0.0].dense_cycles


def test_least_is_missed_from_below_only() -> None:
    figure = Figure("net", "end to end", 1.2, 1.3, 0.0, explanation="Because.", is_least=True)
    assert figure.holds
    below = replace(figure, ours=1.1)
    assert not below.holds
    assert below.sentence() == "net, end to end: 1.10, aim 1.2. Because."


def test_the_curve_is_a_table_and_a_page(points: list[Point], tmp_path: Path) -> None:
    table, page = write_curve(points, tmp_path)
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(points)
    assert float(rows[-1]["speedup"]) == points[-1].speedup
    text = page.read_text(encoding="utf-8")
    assert all(design.name in text for design in lane_presets())


def test_published_shares_are_of_known_networks() -> None:
    for name, share in PUBLISHED_SHARE.items():
        (dense,) = curve(name, [load_design("edge_tpu_v3")], (0.0,))
        assert 0.5 < dense.pointwise_share < 1
        assert 50 < share < 100

"""Ratios of benchmark rows, by hand, and what was published."""

from math import inf, isnan

import pytest

from apollo.search.placement.benchmark import BenchmarkRow, beside_published, mean_ratio, ratio
from apollo.search.placement.graphs.catalogue import MODELS
from apollo.search.placement.published import published_of, published_steps


def row(optimizer: str, *steps_ms: float, graph: str = "nmt_2") -> BenchmarkRow:
    return BenchmarkRow(graph, "2gpu", optimizer, steps_ms, 10, 1.0)


ROWS = [
    row("rl", 4.0, 2.0, 3.0),
    row("heft", 6.0),
    row("metis", inf),
    row("rl", 4.0, 4.0, 4.0, graph="rnnlm_2"),
    row("heft", 2.0, graph="rnnlm_2"),
    row("rl", inf, graph="other"),
    row("heft", 2.0, graph="other"),
]


def test_a_ratio_is_of_medians_on_one_graph() -> None:
    assert ROWS[0].median_ms == 3
    assert ROWS[0].spread == 1  # the longest is twice the shortest
    assert ratio(ROWS, ROWS[0], "heft") == 2
    assert ratio(ROWS, ROWS[1], "rl") == 0.5
    assert ratio(ROWS, ROWS[0], "metis") is None  # no placement fits
    assert ratio(ROWS, ROWS[0], "m_sct") is None  # not run
    assert ratio(ROWS, ROWS[5], "heft") == 0


def test_means_are_over_graphs_where_both_have_a_placement() -> None:
    assert mean_ratio(ROWS, "rl", "heft") == (pytest.approx((2 * 0.5) ** 0.5), 2)
    mean, graphs = mean_ratio(ROWS, "rl", "metis")
    assert (isnan(mean), graphs) == (True, 0)


def test_published_steps_stand_beside_the_learned_ones() -> None:
    found = beside_published(ROWS)
    assert {own.optimizer for _, own in found} == {"rl"}
    assert {own.graph for _, own in found} == {"nmt_2", "rnnlm_2"}
    (first,) = (each for each in published_of("nmt_2", "2gpu") if each.source == "HDP 2018")
    assert first.ratios() == {"single": None, "expert": 2.13 / 0.84, "min_cut": 5.34 / 0.84}


def test_published_graphs_are_ours_too() -> None:
    assert {each.graph for each in published_steps()} <= set(MODELS)
    assert len({(each.source, each.graph, each.cluster) for each in published_steps()}) == 22

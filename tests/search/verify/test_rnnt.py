"""RNN-T on the presets: how a decoder's time is counted, and what is held against what."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from apollo.arch.accelerator import Accelerator, lane_presets, load_design
from apollo.search.measure import measure_graph
from apollo.search.verify.rnnt import designs_of_part, megabytes, rnnt_part, verify_rnnt
from apollo.search.verify.streaming import STEPS_PER_S, Streaming, product_graphs, stream
from apollo.workloads.graph import Graph
from apollo.workloads.models import rnnt


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> dict[str, Graph]:
    """The same networks with other sizes."""
    sizes = {"FRAME_VALUES": 20, "UNITS": 48, "PROJECTION": 16}
    for name, size in sizes.items():
        monkeypatch.setattr(rnnt, name, size)
    monkeypatch.setattr(rnnt, "STATES", {"hidden": 16, "memory": 48})
    return product_graphs()


@pytest.fixture(scope="module")
def product() -> Streaming:
    return stream(product_graphs(), load_design("edge_tpu_v1"))


def slow() -> Accelerator:
    """One lane at 1 MHz."""
    sizes = {"pes_x": 1, "pes_y": 1, "cores": 1, "lanes": 1, "clock_mhz": 1}
    rates = {"dram_gb_per_s": 1, "dram_efficiency_percent": 1}
    return replace(load_design("edge_tpu_v1"), name="slow", **sizes, **rates)


def test_steps_of_a_second_are_those_of_a_greedy_decoder() -> None:
    assert STEPS_PER_S["encoder"] == pytest.approx(1 / 0.060)
    assert STEPS_PER_S["prediction"] == pytest.approx(12.5)
    assert STEPS_PER_S["joint"] == pytest.approx(1 / 0.060 + 12.5)


def test_the_factor_adds_up_what_programs_take(small: Mapping[str, Graph]) -> None:
    design = load_design("edge_tpu_v2")
    found = stream(small, design)
    runs = {part: measure_graph(graph, design).metrics for part, graph in small.items()}
    for part, metrics in runs.items():
        assert found.steps[part].ms == metrics.latency_ms
        assert found.steps[part].following_ms == metrics.warm_latency_ms
    by_hand = (
        runs["encoder"].latency_ms / 60
        + runs["prediction"].latency_ms / 80
        + runs["joint"].latency_ms * (1 / 60 + 1 / 80)
    )
    assert found.real_time_factor == pytest.approx(by_hand)


@pytest.mark.parametrize("name", ["edge_tpu_v3", "tpu_v1", "gemmini"])
def test_shares_are_all_of_the_time(name: str, small: Mapping[str, Graph]) -> None:
    found = stream(small, load_design(name))
    assert sum(found.shares().values()) == pytest.approx(1)
    assert 0 < found.dram_share <= 1
    layers = dict(found.largest_layers(100))
    assert sum(layers.values()) == pytest.approx(1)
    assert {"encoder1", "encoder8", "prediction2", "logits"} <= set(layers)


def test_a_slow_chip_misses_real_time(small: Mapping[str, Graph]) -> None:
    part = rnnt_part(small, [load_design("edge_tpu_v1"), slow()])
    # Sizes as small as these have many biases: another miss.
    missed = {(figure.subject, figure.name) for figure in part.misses}
    assert missed == {
        ("slow", "times faster than real time"),
        ("parameters", "floats / 8 bits"),
    }
    assert [row[0] for row in part.rows] == ["edge_tpu_v1", "slow"]
    assert "*" in part.rows[1][6]
    assert "*" not in part.rows[0][6]


def test_a_design_without_room_is_named(small: Mapping[str, Graph]) -> None:
    tiny = replace(load_design("edge_tpu_v1"), name="tiny", core_memory_bytes=512)
    part = rnnt_part(small, [tiny])
    assert not part.rows
    assert any(note.startswith("Does not fit tiny: ") for note in part.notes)


def test_the_product_loads_every_parameter_and_is_faster_than_real_time(
    product: Streaming,
) -> None:
    weights = {part: graph.weights for part, graph in product_graphs().items()}
    # The embedding is looked up by the host.
    weights["prediction"] -= rnnt.GRAPHEMES * rnnt.PROJECTION
    for part, step in product.steps.items():
        assert weights[part] <= step.parameter_bytes
        assert step.dram_ms <= step.ms
    # Two frames of the first two layers: their recurrent matrices and projections come twice.
    again = 2 * (4 * rnnt.UNITS * rnnt.PROJECTION + rnnt.UNITS * rnnt.PROJECTION)
    loaded = product.steps["encoder"].parameter_bytes
    assert weights["encoder"] + again <= loaded < 1.05 * (weights["encoder"] + again)
    assert product.real_time_factor < 0.2
    assert product.shares()["param"] > 0.9


def test_published_statements_are_met_without_the_longest_programs() -> None:
    designs = [design for design in designs_of_part() if design.name != "gemmini"]
    part = rnnt_part(product_graphs(), designs)
    assert not part.misses
    names = {design.name for design in lane_presets()} | {"tpu_v1", "edge_tpu_v1, one core"}
    assert {row[0] for row in part.rows} == names


@pytest.mark.slow
def test_published_statements_are_met() -> None:
    part = verify_rnnt()
    assert not part.misses
    assert {row[0] for row in part.rows} == {each.name for each in designs_of_part()}


def test_sizes_are_near_the_published() -> None:
    floats, stored = megabytes(product_graphs())
    assert 450 < floats < 500
    assert 3.9 < floats / stored < 4

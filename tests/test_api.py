"""The public Python API, `import apollo`."""

import pytest

import apollo


def test_the_batch_of_a_graph_changes_only_when_asked() -> None:
    four = apollo.load("conv:8x8x3x8x3x1", batch=4)
    assert apollo.load(four) is four
    assert apollo.load(four, batch=2).batch == 2


def test_throughput_of_a_batch_counts_its_items() -> None:
    for batch in (1, 4):
        graph = apollo.load("gemm:64x64x64", batch)
        metrics = apollo.evaluate(graph, "edge_tpu_v3").metrics
        assert metrics.throughput_per_s == pytest.approx(batch * 1000 / metrics.warm_latency_ms)


def test_explore_takes_a_baseline_and_a_batch(tmp_path) -> None:
    options = {"trials": 2, "output": tmp_path, "baseline": "edge_tpu_v2", "batch": 2}
    exploration = apollo.explore("conv:8x8x3x8x3x1", **options)
    assert exploration.task.baseline.name == "edge_tpu_v2"
    assert next(iter(exploration.task.networks.values())).batch == 2

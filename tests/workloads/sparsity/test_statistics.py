import numpy as np
import pytest

from apollo.workloads import load
from apollo.workloads.figures import layer_rows
from apollo.workloads.graph import GraphBuilder, Tensor
from apollo.workloads.model import Constant, Model
from apollo.workloads.operators import LSTM, Embedding
from apollo.workloads.sparsity import prune, statistics, to_frame, total, with_random_weights
from apollo.workloads.sparsity.statistics import core_cycles
from apollo.workloads.table import table


def test_a_layer_by_hand() -> None:
    weight = np.zeros((3, 4), np.int8)
    weight[0, :3], weight[1, 2], weight[2, :] = 1, -1, 7
    model = Model(load("gemm:5x4x3"), {("gemm", "weight"): Constant((3, 4), lambda: weight)})
    (row,) = statistics(model, cores=2)
    assert (row.channels, row.inputs, row.elements, row.nonzeros) == (3, 4, 12, 8)
    assert row.density == 8 / 12
    assert row.dense_bytes == row.stored_bytes == 3 * (4 + 9)
    assert row.compressed_bytes == 3 * 11 + 2 * 8
    assert (row.pairs, row.least_pairs, row.most_pairs) == (8, 1, 4)
    # Two cycles and one on the first core, two on the second.
    assert row.busiest_pairs == 3
    assert row.imbalance == 3 / 2.5


def test_cores_take_neighbouring_channels() -> None:
    counts = np.array([1, 2, 3, 4, 5])
    assert core_cycles(counts, 2).tolist() == [1 + 1 + 2, 2 + 3]
    assert core_cycles(counts, 8).tolist() == [1, 1, 2, 2, 3, 0, 0, 0]


def test_depthwise_kernels_have_no_compressed_form() -> None:
    rows = statistics(with_random_weights(load("mobilenet_v1_0.25_128")))
    depthwise = [row for row in rows if row.compressed_bytes is None]
    assert [row.layer for row in depthwise] == [f"block{n}/depthwise" for n in range(1, 14)]
    assert all(row.stored_bytes == row.dense_bytes for row in depthwise)


def test_sums() -> None:
    rows = statistics(prune(with_random_weights(load("mobilenet_v2_0.35_96")), 0.7))
    sums = total(rows)
    assert sums.elements == load("mobilenet_v2_0.35_96").weights
    smaller = [min(row.dense_bytes, row.compressed_bytes or row.dense_bytes) for row in rows]
    assert sums.stored_bytes == sum(smaller)
    frame = to_frame(rows)
    assert frame["nonzeros"].sum() == sums.nonzeros
    assert frame["stored_bytes"].sum() == sums.stored_bytes


def test_at_least_one_core() -> None:
    with pytest.raises(ValueError, match=r"^Cores must be at least 1, not 0\.$"):
        statistics(Model(load("gemm:1x1x1")), cores=0)


def test_tables_of_graphs_and_of_models() -> None:
    builder = GraphBuilder("speech", [Tensor("labels", (1, 4))])
    embedded = builder.add(Embedding("embedding", ("labels",), "embedded", 10, 64))
    layer = LSTM("lstm", (embedded,), "features", 96, projection=48)
    graph = builder.build([builder.add(layer)])
    plain = table(graph)
    assert plain["layer"].tolist() == [row.layer for row in layer_rows(graph)]
    assert plain["macs"].sum() == graph.macs
    assert plain["parameters"].sum() == graph.parameters
    model = prune(with_random_weights(graph), 0.8, ends=True)
    full = table(model)
    assert list(full.columns) == [
        *plain.columns, "density", "dense_bytes", "compressed_bytes", "stored_bytes",
    ]  # fmt: skip
    rows = [row for row in statistics(model) if row.layer == "lstm"]
    assert len(rows) == 3  # of inputs, hidden state and projection
    found = full.set_index("layer").loc["lstm"]
    assert found["compressed_bytes"] == sum(row.compressed_bytes for row in rows)
    assert found["density"] == pytest.approx(0.2, abs=0.001)
    assert full.set_index("layer")["density"].isna()["embedding"]

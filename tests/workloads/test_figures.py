import dataclasses

import pytest

from apollo.workloads import load
from apollo.workloads.figures import (
    LayerRow,
    NetworkRow,
    layer_rows,
    network_row,
    network_rows,
    to_frame,
)
from apollo.workloads.models.tpu_v1 import TABLE_1


def test_the_row_of_a_matrix_product():
    row = network_row(load("gemm:8x16x32"))
    traffic = 16 * 32 + 8 * 16 + 8 * 32
    assert row == NetworkRow(
        network="gemm:8x16x32",
        batch=1,
        operators=1,
        layers=1,
        macs=8 * 16 * 32,
        parameters=16 * 32,
        activation_bytes=8 * 32,
        largest_activation_bytes=8 * 32,
        macs_per_weight_byte=8,
        operations_per_byte=2 * 8 * 16 * 32 / traffic,
    )


def test_layer_rows_sum_to_the_row_of_the_network():
    graph = load("ssd_mobilenet_v2")
    rows, total = layer_rows(graph), network_row(graph)
    for field in ("macs", "parameters", "activation_bytes"):
        assert sum(getattr(row, field) for row in rows) == getattr(total, field)
    assert total.layers == sum(row.macs > 0 for row in rows)
    multiplying = sum(row.traffic_bytes for row in rows if row.macs)
    assert total.operations_per_byte == pytest.approx(2 * graph.macs / multiplying)


def test_a_layer_reads_all_its_inputs():
    rows = {row.layer: row for row in layer_rows(load("mobilenet_v2"))}
    add = rows["block3/add"]
    assert (add.read_bytes, add.activation_bytes) == (2 * 24 * 56 * 56, 24 * 56 * 56)
    assert (add.macs, add.operations_per_byte, add.on_host) == (0, 0, False)


def test_intensity_of_a_perceptron_is_near_its_batch():
    row = network_row(load("tpu_mlp0", batch=TABLE_1["tpu_mlp0"].batch))
    assert row.macs_per_weight_byte == pytest.approx(200, rel=1e-3)  # biases are parameters, too


def test_rows_become_a_table():
    graphs = [load("tpu_mlp0"), load("tpu_mlp1")]
    frame = to_frame(network_rows(graphs))
    assert list(frame.columns) == [field.name for field in dataclasses.fields(NetworkRow)]
    assert frame["layers"].tolist() == [5, 4]
    layers = to_frame(layer_rows(graphs[0]))
    assert list(layers.columns) == [field.name for field in dataclasses.fields(LayerRow)]
    assert layers["macs"].sum() == graphs[0].macs

import math

import pytest

from apollo.workloads import load
from apollo.workloads.models.tpu_v1 import TABLE_1
from apollo.workloads.operators import (
    Binary,
    Convolution,
    FullyConnected,
    Pool,
    Unary,
)
from tests.workloads.tables import read

ROWS = {f"tpu_{row['name'].lower()}": row for row in read("tpuv1_table1_workloads.csv")}


def vector_layers(graph):
    """Sums, products and functions that follow no matrix product."""
    layers = (FullyConnected, Convolution)
    return [
        item.name
        for item in graph.operators
        if isinstance(item, Binary)
        or (isinstance(item, Unary) and not isinstance(graph.producer(item.inputs[0]), layers))
    ]


def count(graph, kind):
    return sum(isinstance(item, kind) for item in graph.operators)


@pytest.mark.parametrize("name", TABLE_1)
def test_counts_of_layers_are_those_of_table_1(name):
    graph, row = load(name), ROWS[name]
    assert count(graph, FullyConnected) == int(row["fc"])
    assert count(graph, Convolution) == int(row["conv"])
    assert count(graph, Pool) == int(row["pool"])


def test_vector_layers_are_those_of_table_1():
    assert len(vector_layers(load("tpu_lstm0"))) == int(ROWS["tpu_lstm0"]["vector"])
    # Of LSTM1 what makes the new memory is one layer, what makes the hidden state another.
    steps = {"keep": 1, "learn": 1, "update": 1, "tanh": 2, "show": 2}
    layers = {
        (name.split("/")[0], steps[name.split("/")[-1]])
        for name in vector_layers(load("tpu_lstm1"))
    }
    assert len(layers) + 1 == int(ROWS["tpu_lstm1"]["vector"])  # and the function of the scores


@pytest.mark.parametrize("name", TABLE_1)
def test_weights_and_intensity_are_those_of_table_1(name):
    workload, row = TABLE_1[name], ROWS[name]
    graph = load(name, batch=workload.batch)
    assert workload.batch == int(row["batch"])
    assert workload.weights_m == int(row["weights_M"])
    assert graph.weights / 1e6 == pytest.approx(workload.weights_m, rel=0.025)  # two digits
    intensity = float(row["ops_per_weight_byte"])
    assert workload.ops_per_weight_byte == intensity
    # Exact where every weight is used equally often; CNN1 comes to one per cent.
    tolerance = 0.01 if name == "tpu_cnn1" else 1e-12
    assert graph.macs / graph.weights == pytest.approx(intensity, rel=tolerance)


@pytest.mark.parametrize(
    ("name", "measured", "tolerance"),
    [  # table 3: useful over useful and unused multiply-accumulates
        ("tpu_mlp0", 12.5 / 12.8, 0.002),
        ("tpu_mlp1", 9.4 / 10.6, 0.01),
        ("tpu_lstm0", 1.0, 0.0),
        ("tpu_lstm1", 6.3 / 10.5, 0.12),  # the chip seems to pad each part of 600 by itself
        ("tpu_cnn0", 1.0, 0.0),
        ("tpu_cnn1", 22.5 / 46.2, 0.05),
    ],
)
def test_useful_shares_of_256_by_256_tiles_are_about_those_measured(name, measured, tolerance):
    graph, useful, used = load(name), 0, 0
    for item in graph.operators:
        shapes = graph.input_shapes(item)
        weights = item.weights(shapes)
        if weights:
            output = graph.tensor(item.output).shape
            tiles = math.ceil(weights // output[1] / 256) * math.ceil(output[1] / 256)
            useful += item.macs(shapes, output)
            used += item.macs(shapes, output) // weights * tiles * 65536
    assert useful / used == pytest.approx(measured, abs=tolerance)


def test_a_recurrent_step_gives_back_its_state():
    for name in ("tpu_lstm0", "tpu_lstm1"):
        graph = load(name)
        states = [graph.tensor(tensor).shape for tensor in graph.inputs[1:]]
        assert [graph.tensor(tensor).shape for tensor in graph.outputs[1:]] == states

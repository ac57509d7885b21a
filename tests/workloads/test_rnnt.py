import pytest

from apollo.workloads import load
from apollo.workloads.operators import LSTM
from tests.workloads.tables import read

FACTORS = {
    row["layer"]: int(row["weights(=MACs per step; excl bias/LN)"])
    for row in read("rnnt_layers.csv")
}


def factors(graph, operator):
    return operator.weights(graph.input_shapes(operator))


def test_recurrent_layers_have_the_factors_of_the_table():
    graph = load("rnnt")
    ours = [factors(graph, item) for item in graph.operators if isinstance(item, LSTM)]
    assert ours == [value for name, value in FACTORS.items() if name.startswith(("enc", "pred"))]


@pytest.mark.parametrize(("labels", "last"), [(76, "joint_out_76"), (4096, "joint_out_4096")])
def test_the_joint_network_has_the_factors_of_the_table(labels, last):
    graph = load(f"rnnt_joint_{labels}")
    ours = [factors(graph, item) for item in graph.operators if factors(graph, item)]
    assert ours == [FACTORS["joint_enc"], FACTORS["joint_pred"], FACTORS[last]]


def test_parameters_are_about_97_24_and_3_million():
    millions = [
        round(load(name).parameters / 1e6, 1)
        for name in ("rnnt_encoder", "rnnt_prediction", "rnnt_joint_4096")
    ]
    assert millions == [97.1, 23.7, 3.4]
    assert round(load("rnnt_4096").parameters / 1e6, 1) == 126.8  # the paper: about 120


def test_normalised_layers_store_a_scale_and_a_bias_for_each_gate_and_unit():
    graph = load("rnnt_encoder")
    assert graph.parameters == graph.weights + 8 * 2 * 4 * 2048
    assert graph.biases == 8 * 4 * 2048


def test_a_step_of_60_ms_runs_the_first_layers_twice():
    graph = load("rnnt_encoder")
    macs = {layer.name: layer.macs for layer in graph.layers if layer.macs}
    expected = [FACTORS[f"enc{index}"] * (2 if index < 2 else 1) for index in range(8)]
    assert [*macs.values()] == expected


@pytest.mark.parametrize("name", ["rnnt_encoder", "rnnt_prediction", "rnnt"])
def test_the_state_comes_out_as_it_goes_in(name):
    graph = load(name, batch=2)
    states = [tensor for tensor in graph.inputs if tensor.endswith(("/hidden", "/memory"))]
    out = {tensor.split("/")[0]: [] for tensor in states}
    for tensor in graph.outputs:
        layer = tensor.split("/")[0]
        if layer in out:
            out[layer].append(graph.tensor(tensor).shape)
    expected = {
        layer: [graph.tensor(f"{layer}/{part}").shape for part in ("hidden", "memory")]
        for layer in out
    }
    assert out == expected


def test_an_utterance_does_what_its_steps_do():
    utterance = load("rnnt_utterance_80")  # 2.4 s: 40 steps of the encoder, 30 labels
    joint = FACTORS["joint_enc"] * 40 + FACTORS["joint_pred"] * 30
    joint += FACTORS["joint_out_76"] * (40 + 30)
    steps = 40 * load("rnnt_encoder").macs + 30 * load("rnnt_prediction").macs
    assert utterance.macs == steps + joint
    assert utterance.parameters == load("rnnt").parameters
    assert utterance.tensor(utterance.outputs[0]).shape == (1, 70, 76)

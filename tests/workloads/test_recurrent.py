"""Shapes and counts of recurrent layers."""

import pytest

from apollo.workloads.graph import GraphBuilder, Tensor
from apollo.workloads.operators import GRU, LSTM

X = ("x",)
STATE = ("x", "h", "c")


def test_a_step_and_a_sequence_of_an_lstm():
    layer = LSTM("l", X, "y", 6, projection=4)
    assert layer.infer([(2, 5)]) == (2, 4)
    assert layer.infer([(2, 7, 5)]) == (2, 7, 4)
    gates, projection = 4 * 6 * (5 + 4), 6 * 4
    assert layer.weights([(2, 5)]) == layer.weights([(2, 7, 5)]) == gates + projection
    assert layer.biases([(2, 5)]) == 4 * 6
    assert layer.macs([(2, 5)], (2, 4)) == 2 * (gates + projection)
    assert layer.macs([(2, 7, 5)], (2, 7, 4)) == 14 * (gates + projection)


def test_counts_of_an_lstm_are_those_of_keras():
    assert LSTM("l", X, "y", 128).parameters([(1, 10, 64)]) == 98_816
    assert LSTM("l", X, "y", 128, bidirectional=True).parameters([(1, 10, 64)]) == 197_632
    assert GRU("g", X, "y", 128).parameters([(1, 10, 64)]) == 74_112
    assert GRU("g", X, "y", 128, reset_after=True).parameters([(1, 10, 64)]) == 74_496


def test_both_directions_lie_side_by_side():
    layer = LSTM("l", X, "y", 6, bidirectional=True)
    assert layer.infer([(2, 7, 5)]) == (2, 7, 12)
    assert layer.weights([(2, 7, 5)]) == 2 * LSTM("l", X, "y", 6).weights([(2, 7, 5)])


def test_a_normalised_layer_stores_a_scale_for_each_gate_and_unit():
    plain, norm = LSTM("l", X, "y", 6), LSTM("l", X, "y", 6, layer_norm=True)
    assert norm.parameters([(2, 5)]) == plain.parameters([(2, 5)]) + 24
    assert norm.weights([(2, 5)]) == plain.weights([(2, 5)])


@pytest.mark.parametrize("x", [(2, 5), (2, 7, 5)])
def test_states_go_in_and_come_out(x):
    layer = LSTM("l", STATE, "y", 6, hidden="h_out", projection=4, memory="c_out")
    shapes = [x, (2, 4), (2, 6)]
    assert layer.outputs == ("y", "h_out", "c_out")
    assert layer.infer_all(shapes) == ((*x[:-1], 4), (2, 4), (2, 6))
    only = LSTM("l", STATE, "y", 6, projection=4, memory="c_out")
    assert only.infer_all(shapes) == ((*x[:-1], 4), (2, 6))
    unit = GRU("g", ("x", "h"), "y", 6, hidden="h_out")
    assert unit.infer_all([x, (2, 6)]) == ((*x[:-1], 6), (2, 6))


def test_a_network_carries_the_state_through_another_batch():
    builder = GraphBuilder(
        "net", [Tensor("x", (1, 3, 5)), Tensor("h", (1, 6)), Tensor("c", (1, 6))]
    )
    builder.add(LSTM("l", STATE, "y", 6, hidden="h_out", memory="c_out"))
    builder.add(GRU("g", ("h_out",), "z", 4))
    graph = builder.build(["y", "z", "c_out"]).with_batch(2)
    assert [graph.tensor(name).shape for name in graph.outputs] == [(2, 3, 6), (2, 4), (2, 6)]
    assert graph.producer("c_out").name == "l"
    assert [item.name for item in graph.consumers("h_out")] == ["g"]
    assert graph.layers[0].activations == 2 * (18 + 6 + 6)


WRONG = [
    (lambda: LSTM("l", ("x", "h"), "y", 6), "LSTM 'l': there must be 1 or 3 inputs, not 2."),
    (
        lambda: LSTM("l", STATE, "y", 6, bidirectional=True),
        "LSTM 'l': a bidirectional layer must have no state as input or output.",
    ),
    (lambda: LSTM("l", X, "y", 6, projection=0), "LSTM 'l': projection must be positive, not 0."),
    (lambda: GRU("g", X, "y", 0), "GRU 'g': units must be positive, not 0."),
    (
        lambda: GRU("g", X, "y", 6).infer([(2, 3, 4, 5)]),
        "GRU 'g': the input must have shape (n, c) or (n, t, c), not (2, 3, 4, 5).",
    ),
    (
        lambda: LSTM("l", STATE, "y", 6, projection=4).infer([(2, 5), (2, 6), (2, 4)]),
        "LSTM 'l': states must have shapes [(2, 4), (2, 6)], not [(2, 6), (2, 4)].",
    ),
]


@pytest.mark.parametrize(("call", "sentence"), WRONG)
def test_wrong_layers_are_refused_in_a_sentence(call, sentence):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        call()
    assert str(caught.value) == sentence

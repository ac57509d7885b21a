from pathlib import Path

import numpy as np
import pytest

from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.graphs.catalogue import MODELS, placement_graph
from apollo.search.placement.graphs.nmt import NMT
from apollo.search.placement.graphs.rnnlm import RNNLM
from apollo.search.placement.graphs.step import Detail
from apollo.workloads.catalogue import ENTRIES
from tests.workloads.onnx.build import Net, floats


@pytest.mark.parametrize("name", MODELS)
def test_models_come_with_gradients_in_their_batch(name: str) -> None:
    graph = placement_graph(name)
    backward = graph.operations[graph.is_backward].sum()
    assert 1.85 < backward / graph.operations[~graph.is_backward].sum() < 2.1
    half = placement_graph(name, batch=MODELS[name].batch // 2, training=False)
    assert not half.is_backward.any()
    assert half.operations.sum() * 2 == graph.operations[~graph.is_backward].sum()


def test_the_usual_batch_groups_and_names_are_those_published() -> None:
    graph = placement_graph("inception_v3")
    assert graph.output_bytes[graph.names.index("input/image")] == 32 * 3 * 299 * 299 * 4
    assert graph.groups == 83
    assert placement_graph("inception_v3", most_groups=20).groups == 20


def _multiplications(graph: OperatorGraph) -> int:
    """Half the operations of products."""
    products = np.array([kind in ("MatMul", "FullyConnected") for kind in graph.kinds])
    return int(graph.operations[products].sum()) // 2


@pytest.mark.parametrize("layers", [1, 2, 4])
def test_a_language_model_has_the_weights_and_work_of_its_layers(layers: int) -> None:
    units, steps, words, batch = 16, 5, 30, 3
    model = RNNLM(layers, units, steps, words)
    cell, shares = 4 * units * 2 * units, units * words
    parameters = words * units + layers * (cell + 4 * units) + shares + words
    for detail in (Detail.CELLS, Detail.OPERATORS):
        graph = model.graph("small", batch, detail)
        assert graph.parameter_bytes.sum() == 4 * parameters
    expected = batch * steps * (layers * cell + shares)
    assert _multiplications(model.graph("small", batch, Detail.OPERATORS)) == expected


@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_a_translation_model_has_the_weights_and_work_of_its_layers(layers: int) -> None:
    units, steps, words, batch = 16, 5, 30, 3
    encoded = 2 * units if layers == 1 else units
    wide, narrow = 4 * units * (units + 2 * units), 4 * units * (units + units)
    # The second layer of the encoder reads both directions of the first one, the others read one.
    encoder = 2 * narrow + (wide if layers > 1 else 0) + max(0, layers - 2) * narrow
    decoder = layers * 4 * units * (units + encoded + units)
    attention = units * units + units + encoded * units
    biases = 4 * units * (2 * layers + 1) + words
    parameters = 2 * words * units + encoder + decoder + attention + units * words + biases
    model = NMT(layers, units, steps, words)
    for detail in (Detail.CELLS, Detail.OPERATORS):
        assert model.graph("small", batch, detail).parameter_bytes.sum() == 4 * parameters
    asking = units * units + steps * units + steps * encoded
    each = encoder + decoder + encoded * units + asking + units * words
    operators = model.graph("small", batch, Detail.OPERATORS)
    assert _multiplications(operators) == batch * steps * each


def test_the_decoder_asks_with_what_it_showed_before() -> None:
    graph = NMT(2, 8, 3, 10).graph("small", 1)
    edges = {
        (graph.names[one], graph.names[other])
        for one, other in zip(graph.source, graph.target, strict=True)
    }
    assert ("decoder1/step0/cell", "attention/step1/query") in edges
    assert ("attention/step1/answer", "decoder2/step1/cell") in edges
    assert ("decoder1/step1/cell", "attention/step1/query") not in edges


def test_a_network_of_the_catalogue_comes_for_a_batch_of_one() -> None:
    graph = placement_graph("mobilenet_v2_0.35_96", training=False)
    assert graph.output_bytes[graph.names.index("input/image")] == 3 * 96 * 96 * 4


@pytest.mark.parametrize(
    "name",
    [
        name if name in ("unet_128", "crnn", "tpu_lstm1") else pytest.param(name, marks=mark)
        for mark in [pytest.mark.slow]
        for name in [entry.members[0].name for entry in ENTRIES]
        if name != "rnnt_utterance"  # in its usual size: 95,000 operators
    ],
)
def test_every_network_of_the_catalogue_can_be_trained(name: str) -> None:
    for detail in Detail:
        graph = placement_graph(name, detail=detail)
        assert graph.is_backward.any()
        assert graph.groups <= 256


def test_a_file_is_lowered(tmp_path: Path) -> None:
    net = Net(tmp_path / "net.onnx", (1, 3, 8, 8)).weight("w", floats(4, 3, 3, 3))
    path = net.node("Conv", ["x", "w"], ["c"]).node("Relu", ["c"], ["y"]).write()
    graph = placement_graph(str(path), batch=2)
    assert [*graph.kinds] == [
        *("Input", "Convolution", "Unary relu"),
        *("Unary relu", "Convolution", "Update"),
    ]
    assert graph.operations[1] == 2 * 2 * 4 * 6 * 6 * 3 * 9


def test_a_random_graph_can_be_trained() -> None:
    graph = placement_graph("random:5x3:1")
    assert graph.is_backward.any()
    assert graph.name == "random:5x3:1"


def test_an_unknown_name_is_refused() -> None:
    known = "inception_v3, rnnlm_2, rnnlm_4, rnnlm_8, nmt_2, nmt_4, nmt_8, rnnt, transformer"
    with pytest.raises(
        ValueError,
        match=rf"^There is no graph 'rnnlm_3' to place: it must be one of {known}, a network that "
        r"`apollo workloads` lists, a path ending in \.onnx or \.tflite, or "
        r"random:LAYERSxWIDTH:SEED\. Did you mean 'rnnlm_8'\?$",
    ):
        placement_graph("rnnlm_3")

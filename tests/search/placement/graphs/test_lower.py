import numpy as np
import pytest

from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.graphs.lower import lower_graph
from apollo.search.placement.graphs.step import Detail
from apollo.workloads.catalogue import load
from apollo.workloads.graph import Graph, GraphBuilder, Tensor
from apollo.workloads.operators import (
    GRU,
    LSTM,
    Binary,
    BinaryKind,
    FullyConnected,
    MatMul,
    Reshape,
    Softmax,
    Split,
)

UNROLLED = (Detail.CELLS, Detail.OPERATORS)
PLAIN = ("mobilenet_v1", "resnet50", "inception_v3", "unet", "transformer_encoder", "tpu_cnn1")


@pytest.mark.parametrize("name", PLAIN)
def test_there_is_an_operator_for_each_but_reshapes(name: str) -> None:
    graph = load(name, batch=2)
    lowered = lower_graph(graph)
    expected = {item.name for item in graph.operators if not isinstance(item, Reshape)}
    given = {name for name, kind in zip(lowered.names, lowered.kinds, strict=True)}
    assert {name for name in given if not name.startswith("input/")} == expected


@pytest.mark.parametrize("name", PLAIN)
def test_operations_are_two_a_multiplication_and_a_little(name: str) -> None:
    graph = load(name, batch=2)
    operations = lower_graph(graph).operations.sum()
    assert 2 * graph.macs < operations < 2.03 * graph.macs


@pytest.mark.parametrize("name", [*PLAIN, "rnnt_utterance_20", "crnn", "nmt_5"])
@pytest.mark.parametrize("detail", Detail)
def test_parameters_are_those_of_the_network(name: str, detail: Detail) -> None:
    graph = load(name)
    expected = sum(item.parameters(graph.input_shapes(item)) for item in graph.operators)
    assert lower_graph(graph, 2, detail).parameter_bytes.sum() == 2 * expected


def test_bytes_follow_values_and_batch() -> None:
    one, other = lower_graph(load("resnet50", 1), 1), lower_graph(load("resnet50", 3), 4)
    np.testing.assert_array_equal(other.output_bytes, 12 * one.output_bytes)
    np.testing.assert_array_equal(other.edge_bytes, 12 * one.edge_bytes)
    np.testing.assert_array_equal(other.parameter_bytes, 4 * one.parameter_bytes)
    np.testing.assert_array_equal(other.operations, 3 * one.operations)


def test_each_part_of_a_split_travels_by_itself() -> None:
    builder = GraphBuilder("parts", [Tensor("given", (1, 10))])
    builder.add(Split("split", ("given",), "left", (3, 7), ("right",)))
    left = builder.add(FullyConnected("one", ("left",), "one", 2))
    right = builder.add(FullyConnected("two", ("right",), "two", 2))
    both = builder.add(Binary("both", (left, right), "both", BinaryKind.ADD))
    sizes = _edges(lower_graph(builder.build([both]), bytes_per_value=1))
    assert sizes["input/given", "split/slice0"] == sizes["input/given", "split/slice1"] == 10
    assert sizes["split/slice0", "one"] == 3
    assert sizes["split/slice1", "two"] == 7


def _edges(graph: OperatorGraph) -> dict[tuple[str, str], int]:
    return {
        (graph.names[one], graph.names[other]): int(size)
        for one, other, size in zip(graph.source, graph.target, graph.edge_bytes, strict=True)
    }


def _two_layers(steps: int, batch: int = 2) -> Graph:
    """Two LSTM layers, a sum, and attention of the second to what the first shows."""
    builder = GraphBuilder("stack", [Tensor("given", (batch, steps, 6))])
    one = builder.add(LSTM("one", ("given",), "one", 4))
    two = builder.add(LSTM("two", (one,), "two", 4))
    both = builder.add(Binary("both", (one, two), "both", BinaryKind.ADD))
    scores = builder.add(MatMul("scores", (both, one), "scores", transpose_right=True))
    shares = builder.add(Softmax("shares", (scores,), "shares", axis=2))
    answer = builder.add(MatMul("answer", (shares, one), "answer"))
    return builder.build([builder.add(FullyConnected("last", (answer,), "last", 3))])


@pytest.mark.parametrize("detail", UNROLLED)
def test_layers_become_cells_that_share_variables(detail: Detail) -> None:
    steps = 5
    graph = lower_graph(_two_layers(steps), detail=detail)
    for layer in ("one", "two"):
        readers = {
            graph.names[target].split("/")[1]
            for source, target in zip(graph.source, graph.target, strict=True)
            if graph.names[source] in (f"{layer}/kernel", f"{layer}/weights")
        }
        assert readers == {f"step{number}" for number in range(steps)}
    groups = dict(zip(graph.names, graph.group, strict=True))
    cells = {groups[name] for name in groups if name.startswith("one/step")}
    assert len(cells) == steps


@pytest.mark.parametrize("detail", UNROLLED)
def test_a_cell_waits_for_the_cell_below_and_the_one_before_only(detail: Detail) -> None:
    graph = lower_graph(_two_layers(4), detail=detail)
    before = _ancestors(graph, "two/step1/")
    assert {name.split("/")[1] for name in before if name.startswith("one/step")} == {
        "step0",
        "step1",
    }
    assert not any(name.startswith("two/step2") for name in before)


@pytest.mark.parametrize("detail", UNROLLED)
def test_what_lies_between_layers_is_taken_apart_too(detail: Detail) -> None:
    graph = lower_graph(_two_layers(4), detail=detail)
    for label in ("both", "scores", "shares", "answer"):
        assert [name for name in graph.names if name.startswith(f"{label}/step")] == [
            f"{label}/step{number}" for number in range(4)
        ]
    # The layer behind reads all of them at once, and the right matrices are whole.
    assert "answer/stack" in graph.names
    assert "one/stack" in graph.names


def _ancestors(graph: OperatorGraph, prefix: str) -> set[str]:
    reached = {number for number, name in enumerate(graph.names) if name.startswith(prefix)}
    for source, target in sorted(
        zip(graph.source.tolist(), graph.target.tolist(), strict=True), key=lambda edge: -edge[1]
    ):
        if target in reached:
            reached.add(source)
    return {graph.names[number] for number in reached}


def _recurrent(kind: str) -> Graph:
    builder = GraphBuilder(kind, [Tensor("given", (3, 5, 6))])
    layer = {
        "lstm": LSTM("layer", ("given",), "out", 4),
        "projected": LSTM("layer", ("given",), "out", 8, projection=4, layer_norm=True),
        "both ways": LSTM("layer", ("given",), "out", 4, bidirectional=True),
        "gru": GRU("layer", ("given",), "out", 4),
        "gru, reset after": GRU("layer", ("given",), "out", 4, reset_after=True),
    }[kind]
    return builder.build([builder.add(layer)])


KINDS = ("lstm", "projected", "both ways", "gru", "gru, reset after")


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_does_as_much_as_its_operators(kind: str) -> None:
    graph = _recurrent(kind)
    cells, operators = (lower_graph(graph, detail=detail) for detail in UNROLLED)
    assert cells.operations.sum() == operators.operations.sum()
    assert cells.parameter_bytes.sum() == operators.parameter_bytes.sum()
    products = np.array([kind == "MatMul" for kind in operators.kinds])
    assert operators.operations[products].sum() == 2 * graph.macs


def test_a_layer_with_state_begins_with_what_is_given_and_hands_it_on() -> None:
    graph = load("rnnt_encoder")
    lowered = lower_graph(graph, detail=Detail.CELLS)
    edges = _edges(lowered)
    assert ("input/encoder1/hidden", "encoder1/step0/cell") in edges
    assert edges["encoder1/step0/cell", "encoder1/step1/cell"] == 4 * (640 + 2048)


def test_cells_keep_gates_when_asked() -> None:
    graph = _recurrent("lstm")
    plain, kept = (lower_graph(graph, 4, Detail.CELLS, keep_gates=keep) for keep in (False, True))
    cell = plain.names.index("layer/step0/cell")
    assert plain.output_bytes[cell] == 4 * 3 * (4 + 4)
    assert kept.output_bytes[cell] == 4 * 3 * (4 + 4 + 4 * 4)

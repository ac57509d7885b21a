import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.graphs.draft import Draft, Tensor
from apollo.search.placement.graphs.lower import lower_graph
from apollo.search.placement.graphs.rnnlm import RNNLM
from apollo.search.placement.graphs.step import Detail
from apollo.search.placement.graphs.training import training_step
from apollo.search.placement.instance import instance_of
from apollo.search.placement.step import Simulator
from apollo.workloads.catalogue import load
from tests.search.placement.graphs.clusters import equal_devices
from tests.search.placement.graphs.strategies import any_graph


def _reads(graph: OperatorGraph, name: str) -> dict[str, int]:
    place = graph.names.index(name)
    return {
        graph.names[source]: int(size)
        for source, target, size in zip(graph.source, graph.target, graph.edge_bytes, strict=True)
        if target == place
    }


def _column(graph: OperatorGraph, column: str, name: str) -> int:
    return int(getattr(graph, column)[graph.names.index(name)])


def _chain() -> Draft:
    """A convolution, a function and a layer over a batch of 1."""
    draft = Draft("chain")
    image = draft.input("image", 100)
    first = draft.add("first", "Convolution", [image], 80, 1000, 40)
    bent = draft.add("bent", "Unary relu", [first], 80, 20)
    draft.add("last", "FullyConnected", [bent], 8, 300, 60)
    return draft


def test_gradients_of_a_chain() -> None:
    graph = training_step(_chain().graph(), state_values=1)
    assert set(graph.names) == {
        *("image", "first", "bent", "last"),
        *("last/gradient", "last/weights_gradient", "last/update"),
        *("bent/gradient", "first/weights_gradient", "first/update"),
    }
    # The loss is the last operator's own, so nothing comes back to it; weights are its own as well.
    assert _reads(graph, "last/gradient") == {}
    assert _reads(graph, "last/weights_gradient") == {"bent": 80}
    # A function needs what it wrote, a product what it read.
    assert _reads(graph, "bent/gradient") == {"last/gradient": 80, "bent": 80}
    assert _reads(graph, "first/weights_gradient") == {"bent/gradient": 80, "image": 100}
    assert _reads(graph, "first/update") == {"first/weights_gradient": 40}
    assert _column(graph, "parameter_bytes", "first/update") == 40
    assert _column(graph, "operations", "first/weights_gradient") == 1000
    assert _column(graph, "traffic_bytes", "last/gradient") == 60 + 80
    assert _column(graph, "traffic_bytes", "first/update") == 5 * 40


def test_gradients_of_several_readers_are_added_one_by_one() -> None:
    draft = Draft("fork")
    source = draft.add("source", "Convolution", [], 80, 10, 4)
    for name in ("one", "two", "three"):
        draft.add(name, "Unary relu", [source], 80, 20)
    graph = training_step(draft.graph())
    assert _reads(graph, "source/sum1") == {"three/gradient": 80, "two/gradient": 80}
    assert _reads(graph, "source/sum2") == {"source/sum1": 80, "one/gradient": 80}
    assert "source/sum2" in _reads(graph, "source/weights_gradient")


def test_a_sum_passes_its_gradient_on() -> None:
    draft = Draft("sum")
    one, two = (draft.add(name, "Convolution", [], 80, 10, 4) for name in ("one", "two"))
    total = draft.add("total", "Binary add", [one, two], 80, 20)
    draft.add("bent", "Unary tanh", [total], 80, 20)
    graph = training_step(draft.graph())
    assert "total/gradient" not in graph.names
    for name in ("one", "two"):
        assert _reads(graph, f"{name}/weights_gradient") == {"bent/gradient": 80}


def test_a_sum_adds_the_gradient_up_for_what_is_smaller() -> None:
    draft = Draft("bias")
    bias, values = draft.variable("bias", 8), draft.add("values", "Convolution", [], 80, 10, 4)
    draft.add("bent", "Unary tanh", [draft.add("sum", "Binary add", [values, bias], 80, 20)], 80)
    graph = training_step(draft.graph())
    assert "sum/gradient" not in graph.names
    assert _reads(graph, "values/weights_gradient") == {"bent/gradient": 80}
    assert _reads(graph, "sum/shared_gradient") == {"bent/gradient": 80}
    assert _column(graph, "output_bytes", "sum/shared_gradient") == 8


def test_what_is_added_of_its_own_is_updated() -> None:
    draft = Draft("positions")
    words = draft.add("words", "Convolution", [], 80, 10, 4)
    places = draft.add("places", "Binary add", [words], 80, 20, parameter_bytes=80)
    draft.add("bent", "Unary tanh", [places], 80, 20)
    graph = training_step(draft.graph())
    assert _reads(graph, "places/weights_gradient") == {"bent/gradient": 80}
    assert _reads(graph, "words/weights_gradient") == {"bent/gradient": 80}


def test_gradients_of_slices_are_put_together() -> None:
    draft = Draft("slices")
    whole = draft.add("whole", "Convolution", [], 80, 10, 4)
    for part in ("left", "right"):
        half = draft.add(part, "Slice", [whole], 40)
        draft.add(f"{part}/bent", "Unary tanh", [half], 40, 10)
    graph = training_step(draft.graph())
    pieces = {"left/bent/gradient": 40, "right/bent/gradient": 40}
    assert _reads(graph, "whole/pieces") == pieces
    assert _column(graph, "output_bytes", "whole/pieces") == 80


def test_the_gradient_of_a_factor_needs_the_other() -> None:
    draft = Draft("product")
    one = draft.add("one", "Convolution", [], 80, 10, 4)
    two = draft.add("two", "Convolution", [], 40, 10, 4)
    draft.add("product", "MatMul", [one, two], 16, 500)
    graph = training_step(draft.graph())
    assert _reads(graph, "product/gradient1") == {"two": 40}
    assert _reads(graph, "product/gradient2") == {"one": 80}
    backward = [name for name in graph.names if name.startswith("product/")]
    assert [_column(graph, "operations", name) for name in backward] == [500, 500]
    assert [_column(graph, "output_bytes", name) for name in backward] == [80, 40]


def test_a_variable_is_updated_once_with_the_sum_over_the_steps() -> None:
    graph = training_step(RNNLM(layers=1, units=8, steps=4, words=10).graph("small", 2))
    updates = [name for name in graph.names if name.endswith("/update")]
    assert sorted(updates) == [
        "embedding/table/update",
        "layer1/weights/update",
        "softmax/weights/update",
    ]
    assert [*_reads(graph, "layer1/weights/update")] == ["layer1/weights/sum3"]
    group = dict(zip(graph.names, graph.group, strict=True))
    assert group["layer1/weights/sum2"] == group["layer1/weights/update"] == group["layer1/weights"]


def test_a_table_gets_the_gradient_of_the_rows_that_were_read() -> None:
    graph = training_step(RNNLM(layers=1, units=8, steps=4, words=1000).graph("small", 2))
    rows = 4 * 2 * 8 * 4
    assert _column(graph, "output_bytes", "embedding/table/weights_gradient") == rows
    assert _column(graph, "traffic_bytes", "embedding/table/update") == 3 * rows


def test_gradients_of_a_cell_share_its_work() -> None:
    graph = training_step(RNNLM(layers=2, units=8, steps=3, words=10).graph("small", 2))
    cell = "layer2/step1/cell"
    # By bytes: what the layer below showed, and the state, which is twice as much.
    parts = [_column(graph, "operations", f"{cell}/gradient{number}") for number in (1, 2)]
    work = _column(graph, "operations", cell)
    assert parts == [work // 3, work * 2 // 3]
    assert _column(graph, "operations", f"{cell}/shared_gradient") == work


@pytest.mark.parametrize("name", ["inception_v3", "resnet50", "transformer_encoder"])
def test_the_backward_pass_does_twice_as_much(name: str) -> None:
    graph = training_step(lower_graph(load(name, batch=16)))
    backward = graph.operations[graph.is_backward].sum()
    assert 1.95 < backward / graph.operations[~graph.is_backward].sum() < 2.05


@pytest.mark.parametrize("detail", Detail)
def test_recurrent_networks_can_be_trained(detail: Detail) -> None:
    forward = lower_graph(load("rnnt_utterance_10", batch=64), detail=detail)
    graph = training_step(forward)
    backward = graph.operations[graph.is_backward].sum()
    assert 1.8 < backward / forward.operations.sum() < 2.1


@given(st.integers(0, 10_000))
def test_every_weight_of_any_graph_is_updated_beside_it(seed: int) -> None:
    forward = any_graph(seed, training=False)
    if not (forward.parameter_bytes > 0).any():
        return
    graph = training_step(forward, state_values=2)
    place = {name: number for number, name in enumerate(graph.names)}
    for number, name in enumerate(forward.names):
        assert place[name] == number  # the forward graph stays as it was
        if f"{name}/update" in place:
            update = place[f"{name}/update"]
            assert graph.group[update] == forward.group[number]
            assert graph.parameter_bytes[update] == 2 * forward.parameter_bytes[number]
    assert graph.groups == forward.groups
    assert not graph.is_backward[: len(forward.names)].any()
    assert graph.is_backward[len(forward.names) :].all()
    assert _is_reached(graph)


def _is_reached(graph: OperatorGraph) -> bool:
    """Whether everything backward leads to an update or to a gradient that somebody reads."""
    flow = nx.DiGraph(zip(graph.source.tolist(), graph.target.tolist(), strict=True))
    flow.add_nodes_from(range(len(graph.names)))
    return all(
        name.endswith("/update") or flow.out_degree(number)
        for number, name in enumerate(graph.names)
        if graph.is_backward[number]
    )


def test_what_only_choices_read_gets_no_gradient() -> None:
    draft = Draft("choice")
    scores = draft.add("scores", "FullyConnected", [], 80, 10, 40)
    draft.add("best", "ArgMax", [scores], 8)
    other = draft.add("other", "FullyConnected", [], 80, 10, 40)
    draft.add("shares", "Softmax", [other], 80)
    names = training_step(draft.graph()).names
    assert "scores/update" not in names
    assert "other/update" in names


def test_a_step_of_training_is_not_trained_again() -> None:
    graph = training_step(_chain().graph())
    with pytest.raises(
        ValueError, match=r"^Operator graph 'chain': it has a backward pass already\.$"
    ):
        training_step(graph)


def test_without_weights_there_is_nothing_to_train() -> None:
    draft = Draft("fixed")
    draft.add("bent", "Unary relu", [draft.input("given", 4)], 4)
    with pytest.raises(
        ValueError, match=r"^Operator graph 'fixed': it has no parameters to train\.$"
    ):
        training_step(draft.graph())


def test_tensors_are_kept_for_their_gradients() -> None:
    graph = training_step(_chain().graph())
    lives_until = {
        graph.names[source]: graph.names[target]
        for source, target in zip(graph.source, graph.target, strict=True)
        if graph.is_backward[target] and not graph.is_backward[source]
    }
    assert "first" not in lives_until  # a rectifier needs its output only
    assert {"image", "bent"} <= set(lives_until)
    assert np.all(graph.source < graph.target)


def test_what_is_kept_fills_the_memory() -> None:
    draft, size, depth = Draft("tower"), 1000, 6
    tensor = draft.add("first", "Convolution", [draft.input("image", size)], size, 10, 8)
    for number in range(depth):
        tensor = draft.add(f"bent{number}", "Unary tanh", [tensor], size, 10)
    graph = training_step(draft.graph(), state_values=1)
    run = Simulator(instance_of(graph, equal_devices(1))).run(np.zeros(graph.groups, np.int64))
    # The image and the outputs of all functions, and one gradient; what the convolution wrote is
    # not needed any more. Weights, and one value of state for each.
    assert run.peak_bytes.tolist() == [(1 + depth + 1) * size + 2 * 8]


def test_a_part_that_is_only_waited_for_gets_no_gradient() -> None:
    draft = Draft("order")
    one = draft.add("one", "Convolution", [], 80, 10, 4)
    two = draft.add("two", "Convolution", [], 80, 10, 4)
    draft.add("bent", "Unary relu", [one, Tensor(two.operator, 0)], 80, 10)
    names = training_step(draft.graph()).names
    assert "one/update" in names
    assert "two/update" not in names

import numpy as np
import pytest

from apollo.search.placement.graphs.draft import Draft, Tensor
from tests.search.placement.graphs.strategies import any_graph


def test_parts_of_an_operator_add_up_on_the_edge() -> None:
    draft = Draft("cell")
    draft.add("cell", "LSTM", [], 12)
    draft.add("next", "LSTM", [Tensor("cell", 8, "hidden"), Tensor("cell", 4, "memory")], 12)
    draft.add("above", "LSTM", [Tensor("cell", 8, "hidden")], 12)
    graph = draft.graph()
    assert [*zip(graph.source, graph.target, graph.edge_bytes, strict=True)] == [
        (0, 1, 12),
        (0, 2, 8),
    ]


def test_a_tensor_read_twice_is_read_once() -> None:
    draft = Draft("square")
    given = draft.input("given", 4)
    draft.add("square", "Binary multiply", [given, given], 4)
    graph = draft.graph()
    assert graph.edge_bytes.tolist() == [4]
    assert graph.traffic_bytes.tolist() == [0, 8]


def test_operators_come_in_order_however_they_are_given() -> None:
    draft = Draft("order")
    draft.add("last", "Unary relu", [Tensor("first", 4)], 4, group="tail")
    draft.add("first", "Unary relu", [], 4, group="head")
    graph = draft.graph()
    assert graph.names == ("first", "last")
    assert graph.group.tolist() == [0, 1]


def test_a_variable_takes_room_once() -> None:
    draft = Draft("shared")
    weights = draft.variable("weights", 100)
    draft.add("one", "MatMul", [weights], 4)
    draft.add("two", "MatMul", [weights], 4)
    graph = draft.graph()
    assert graph.parameter_bytes.tolist() == [100, 0, 0]
    assert graph.output_bytes.tolist() == [0, 4, 4]
    assert graph.edge_bytes.tolist() == [100, 100]
    assert graph.traffic_bytes.tolist() == [0, 104, 104]


def test_a_cycle_is_named() -> None:
    draft = Draft("loop")
    draft.add("one", "Unary relu", [Tensor("two", 4)], 4)
    draft.add("two", "Unary relu", [Tensor("one", 4)], 4)
    with pytest.raises(
        ValueError, match=r"^Operator graph 'loop': there is a cycle one -> two -> one\.$"
    ):
        draft.graph()


def test_two_operators_of_a_name_are_refused() -> None:
    draft = Draft("twins")
    draft.add("one", "Unary relu", [], 4)
    with pytest.raises(
        ValueError, match=r"^Operator graph 'twins': there are two operators 'one'\.$"
    ):
        draft.add("one", "Unary relu", [], 4)


def test_a_draft_of_a_graph_is_that_graph() -> None:
    graph = any_graph(3)
    again = Draft.of(graph).graph()
    assert again.names == graph.names
    for column in ("operations", "traffic_bytes", "parameter_bytes", "output_bytes", "group"):
        np.testing.assert_array_equal(getattr(again, column), getattr(graph, column))
    assert _edges(again) == _edges(graph)


def _edges(graph: object) -> set[tuple[int, int, int]]:
    return {
        *zip(
            graph.source.tolist(),  # type: ignore[attr-defined]
            graph.target.tolist(),  # type: ignore[attr-defined]
            graph.edge_bytes.tolist(),  # type: ignore[attr-defined]
            strict=True,
        )
    }

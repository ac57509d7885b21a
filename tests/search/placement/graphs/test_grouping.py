import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.graphs.draft import Draft
from apollo.search.placement.graphs.grouping import grouped
from apollo.search.placement.graphs.lower import lower_graph
from apollo.search.placement.graphs.training import training_step
from apollo.workloads.catalogue import load
from tests.search.placement.graphs.strategies import any_graph


@given(st.integers(0, 10_000), st.integers(1, 12))
def test_groups_are_unions_and_few_enough(seed: int, most: int) -> None:
    graph = any_graph(seed)
    fewer = grouped(graph, most)
    assert fewer.groups == min(most, graph.groups)
    unions = {(one, other) for one, other in zip(graph.group, fewer.group, strict=True)}
    assert len(unions) == graph.groups  # each group is in one union
    assert fewer.names == graph.names
    for column in ("operations", "parameter_bytes", "source", "target", "edge_bytes"):
        np.testing.assert_array_equal(getattr(fewer, column), getattr(graph, column))


def _fork() -> OperatorGraph:
    """A source that two branches of two operators read, joined at the end."""
    draft = Draft("fork")
    source = draft.add("source", "Convolution", [], 8, 100)
    ends = []
    for branch, work in (("light", 1), ("heavy", 50)):
        first = draft.add(f"{branch}/one", "Convolution", [source], 8, work)
        ends.append(draft.add(f"{branch}/two", "Convolution", [first], 8, work))
    draft.add("join", "Concat", ends, 16, 0)
    return draft.graph()


def test_the_lightest_group_with_one_reader_joins_it_first() -> None:
    graph = grouped(_fork(), 5)
    group = dict(zip(graph.names, graph.group.tolist(), strict=True))
    assert group["light/one"] == group["light/two"]
    assert len({group[name] for name in group if name != "light/two"}) == 5


def test_what_two_read_joins_neither_as_long_as_the_rule_applies() -> None:
    graph = grouped(_fork(), 2)
    group = dict(zip(graph.names, graph.group.tolist(), strict=True))
    assert sum(group[name] == group["source"] for name in group) == 1


def test_groups_that_nothing_joins_are_joined_by_weight() -> None:
    draft = Draft("apart")
    for number, work in enumerate((5, 1, 3, 2)):
        draft.add(f"operator{number}", "Convolution", [], 8, work)
    assert grouped(draft.graph(), 3).group.tolist() == [0, 1, 2, 1]


def test_gradients_do_not_hinder_the_rule() -> None:
    forward = lower_graph(load("inception_v3", batch=32))
    training = training_step(forward, state_values=2)
    graph = grouped(training, 83)
    assert graph.groups == 83
    assert _largest_share(graph) == _largest_share(training)  # one convolution of the stem


def _largest_share(graph: OperatorGraph) -> float:
    return float(np.bincount(graph.group, graph.operations).max() / graph.operations.sum())


def test_no_groups_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^There must be at least 1 group, not 0\.$"):
        grouped(_fork(), 0)

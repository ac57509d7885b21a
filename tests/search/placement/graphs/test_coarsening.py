from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apollo.arch.cluster_file import load_cluster
from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.graphs.catalogue import placement_graph
from apollo.search.placement.graphs.coarsening import coarsened
from apollo.search.placement.graphs.draft import Draft
from apollo.search.placement.graphs.expert import expert
from apollo.search.placement.instance import Instance, instance_of
from apollo.search.placement.problem import Ints
from apollo.search.placement.step import Simulator
from tests.search.placement.graphs.strategies import any_graph

GPUS = (1, 2, 3, 4)  # of the cluster 4gpu, behind its host


@given(st.integers(0, 10_000))
def test_sums_groups_and_directions_are_kept(seed: int) -> None:
    graph = any_graph(seed)
    coarse = coarsened(graph)
    for column in ("operations", "traffic_bytes", "parameter_bytes"):
        sums = coarse.total(getattr(graph, column))
        np.testing.assert_array_equal(getattr(coarse.graph, column), sums)
    np.testing.assert_array_equal(coarse.graph.group[coarse.task], graph.group)
    np.testing.assert_array_equal(coarse.graph.is_backward[coarse.task], graph.is_backward)
    assert set(coarse.graph.names) <= set(graph.names)


@given(st.integers(0, 10_000))
def test_what_travels_between_groups_is_kept(seed: int) -> None:
    graph = any_graph(seed)
    coarse = coarsened(graph)
    assert _travels(coarse.graph, coarse.task) == _travels(graph, np.arange(len(graph.names)))


def _travels(graph: OperatorGraph, task: Ints) -> dict[tuple[int, int], list[int]]:
    """Between groups: the most bytes that an edge of each tensor has."""
    most: dict[tuple[int, int], int] = defaultdict(int)
    for source, target, size in zip(graph.source, graph.target, graph.edge_bytes, strict=True):
        edge = (int(source), int(graph.group[target]))
        most[edge] = max(most[edge], int(size))
    travels = defaultdict(list)
    for (source, group), size in most.items():
        if graph.group[source] != group:
            travels[int(graph.group[source]), group].append(size)
    return {edge: sorted(sizes) for edge, sizes in travels.items()}


def test_a_chain_of_a_group_is_a_task() -> None:
    draft = Draft("chain")
    tensor = draft.input("given", 8, group="first")
    for name in ("one", "two", "three"):
        tensor = draft.add(name, "Unary relu", [tensor], 8, 10, group="first")
    draft.add("other", "Unary relu", [tensor], 8, 10, group="second")
    coarse = coarsened(draft.graph())
    assert coarse.graph.names == ("three", "other")
    assert coarse.task.tolist() == [0, 0, 0, 0, 1]
    assert coarse.graph.output_bytes.tolist() == [8, 8]
    assert coarse.graph.operations.tolist() == [30, 10]


def test_what_another_group_waits_for_ends_its_task() -> None:
    draft = Draft("early")
    one = draft.add("one", "Unary relu", [], 8, 10, group="first")
    draft.add("other", "Unary relu", [one], 8, 10, group="second")
    draft.add("two", "Unary relu", [one], 8, 10, group="first")
    assert len(coarsened(draft.graph()).graph.names) == 3


def test_what_waits_for_another_group_begins_a_task() -> None:
    draft = Draft("late")
    one = draft.add("one", "Unary relu", [], 8, 10, group="first")
    other = draft.add("other", "Unary relu", [], 8, 10, group="second")
    draft.add("two", "Binary add", [one, other], 8, 10, group="first")
    assert len(coarsened(draft.graph()).graph.names) == 3


def test_two_branches_of_a_group_do_not_make_a_cycle() -> None:
    draft = Draft("cross")
    one = draft.add("one", "Unary relu", [], 8, 10, group="a")
    two = draft.add("two", "Unary relu", [one], 8, 10, group="b")
    three = draft.add("three", "Binary add", [one, two], 8, 10, group="a")
    draft.add("four", "Binary add", [three, two], 8, 10, group="b")
    assert coarsened(draft.graph()).graph.names == ("one", "two", "three", "four")


def _both(graph: OperatorGraph) -> tuple[Instance, Instance]:
    cluster, coarse = load_cluster("4gpu"), coarsened(graph)
    fine = instance_of(graph, cluster)
    return fine, replace(
        instance_of(coarse.graph, cluster), duration_ns=coarse.total(fine.duration_ns)
    )


@pytest.mark.parametrize("name", ["inception_v3", "rnnlm_2", "nmt_2"])
def test_steps_take_as_long(name: str) -> None:
    graph = placement_graph(name)
    fine, coarse = _both(graph)
    one = np.ones(graph.groups, dtype=np.int64)
    generator = np.random.default_rng(1)
    placements = np.stack([one, expert(graph, GPUS), *generator.integers(1, 5, (6, graph.groups))])
    exact, close = Simulator(fine).costs(placements).cost, Simulator(coarse).costs(placements).cost
    assert exact[0] == close[0] == fine.duration_ns[:, 1].sum()
    # The queues of devices have another order.
    np.testing.assert_allclose(close, exact, rtol=0.2)
    assert (close / exact).mean() == pytest.approx(1.0, abs=0.1)

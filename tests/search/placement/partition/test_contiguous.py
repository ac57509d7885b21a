"""The dynamic program finds the least max-load of all contiguous splits, counted out."""

from itertools import product

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

from apollo.search.placement.partition.contiguous import place_contiguous, place_linear
from apollo.search.placement.partition.graph import PartitionGraph
from apollo.search.placement.partition.ideals import all_ideals, linear_ideals, precedence
from apollo.search.placement.partition.leaves import merge_leaves
from apollo.search.placement.partition.problem import partition_problem
from apollo.search.placement.partition.read import read_partition_file
from apollo.search.placement.problem import Ints
from apollo.search.placement.units import NS_PER_MS
from tests.search.placement.partition.partition_cases import partition_graphs


def is_contiguous(graph: PartitionGraph, placement: Ints) -> bool:
    """Whether devices can run their forward parts one after another."""
    between = nx.DiGraph()
    device = placement[graph.group]
    forward = ~graph.is_backward[graph.target]
    for source, target in zip(graph.source[forward], graph.target[forward], strict=True):
        if device[source] != device[target]:
            between.add_edge(device[source], device[target])
    return nx.is_directed_acyclic_graph(between)


@settings(max_examples=60, deadline=None)
@given(partition_graphs(largest=5, coloured=False))
def test_no_contiguous_split_is_better(graph: PartitionGraph) -> None:
    problem = partition_problem(graph, "max_load")
    devices = range(len(problem.device_names))
    placements = np.array(list(product(devices, repeat=graph.groups)))
    costs = problem.costs(placements).ranked
    contiguous = [is_contiguous(graph, placement) for placement in placements]
    least = costs[contiguous].min()  # on a CPU everything has room
    found = place_contiguous(graph)
    assert problem.cost(found) == least
    assert is_contiguous(graph, found)


@settings(max_examples=60, deadline=None)
@given(partition_graphs(largest=6, coloured=False))
def test_a_line_is_no_better_than_all_ideals(graph: PartitionGraph) -> None:
    problem = partition_problem(graph, "max_load")
    line = place_linear(graph)
    assert problem.cost(line) >= problem.cost(place_contiguous(graph))
    assert is_contiguous(graph, line)


@settings(max_examples=60, deadline=None)
@given(partition_graphs(largest=7, coloured=False))
def test_ideals_are_all_sets_that_are_closed(graph: PartitionGraph) -> None:
    flow = precedence(graph)
    ideals = all_ideals(flow)
    found = [ideals.members(number) for number in range(len(ideals.first) - 1)]
    subsets = [set(np.flatnonzero(bits).tolist()) for bits in product((0, 1), repeat=graph.groups)]
    closed = [
        chosen
        for chosen in subsets
        if all(set(flow.predecessors(group)) <= chosen for group in chosen)
    ]
    assert len(found) == len(closed)
    assert all(chosen in found for chosen in closed)
    assert [len(members) for members in found] == sorted(len(members) for members in found)
    times = graph.of_groups(graph.accelerator_ns)
    left = [times.sum() - times[list(members)].sum() for members in found]
    assert ideals.left_of(times).tolist() == left
    assert len(linear_ideals(flow).first) - 1 == graph.groups + 1


@settings(max_examples=60, deadline=None)
@given(partition_graphs(largest=6))
def test_leaves_keep_all_that_a_graph_takes(graph: PartitionGraph) -> None:
    merged, number = merge_leaves(graph)
    assert np.array_equal(merged.group, number[graph.group])
    assert merged.of_groups(merged.cpu_ns).sum() == graph.cpu_ns.sum()
    idle = graph.of_groups(graph.cpu_ns + graph.accelerator_ns) == 0
    sizes = np.bincount(number)
    for group in np.flatnonzero(~idle):
        assert sizes[number[group]] == 1 + np.count_nonzero(idle[number == number[group]])


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("resnet50_inference", 33.8),
        ("gnmt_inference", 32.9),
        ("inceptionv3_inference", None),
    ],
)
def test_the_dynamic_program_is_as_published(name: str, published: float | None) -> None:
    graph = read_partition_file(f"throughput/{name}")
    found = partition_problem(graph, "max_load").cost(place_contiguous(graph))
    if published is not None:
        assert round(found, 1) == published
    devices_ns = graph.accelerator_ns.sum() / (graph.accelerators + 0.1)  # a CPU takes ten times
    assert found >= devices_ns / NS_PER_MS


def test_too_many_ideals_are_refused() -> None:
    graph = read_partition_file("throughput/inceptionv3_inference")
    with pytest.raises(ValueError, match=r"^There must be at most 1000 ideals; there are more\.$"):
        place_contiguous(graph, limit=1000)

"""The bound on max-load: below every placement, and reached where nothing is in the way."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings

from apollo.search.placement.partition.bound import max_load_bound_ms
from apollo.search.placement.partition.graph import PartitionGraph
from apollo.search.placement.partition.problem import partition_problem
from apollo.search.placement.partition.read import read_partition_file
from tests.search.placement.partition.partition_cases import partition_graphs


@settings(max_examples=60, deadline=None)
@given(partition_graphs(largest=5))
def test_no_placement_is_below_the_bound(graph: PartitionGraph) -> None:
    problem = partition_problem(graph, "max_load")
    devices = range(len(problem.device_names))
    placements = np.array(list(product(devices, repeat=graph.groups)))
    assert problem.costs(placements).ranked.min() >= max_load_bound_ms(graph) * (1 - 1e-9)


def test_where_a_cpu_takes_ten_times_it_is_a_tenth_of_an_accelerator() -> None:
    graph = read_partition_file("throughput/resnet50_inference")
    assert max_load_bound_ms(graph) == pytest.approx(201.45 / 6.1)


def test_a_long_group_bounds_it_alone() -> None:
    graph = read_partition_file("latency/resnet50_inference")  # fourteen accelerators
    assert max_load_bound_ms(graph) == graph.accelerator_ns.max() / 1e6 == 18.962

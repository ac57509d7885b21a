from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from networks import branched, chain, dense_chain

from apollo.arch.accelerator import load_design
from apollo.search.placement.codesign.exact import ExactStep, exact_problem, exact_step
from apollo.search.placement.codesign.meter import Meter
from apollo.search.placement.codesign.pipeline import quickest
from apollo.search.placement.codesign.segments import segments_of
from apollo.search.placement.codesign.stages import stages_of
from apollo.search.placement.codesign.units import units_of
from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.graphs.lower import lower_graph
from apollo.search.placement.graphs.step import Detail
from apollo.search.placement.instance import instance_of
from apollo.search.placement.partition.local_search import improve
from apollo.search.placement.problem import INFEASIBLE, Ints
from apollo.search.placement.step import problem_of
from apollo.workloads.catalogue import load
from apollo.workloads.graph import Graph

V1, V3 = load_design("edge_tpu_v1"), load_design("edge_tpu_v3")


def graph_of(network: Graph) -> OperatorGraph:
    return lower_graph(network, bytes_per_value=1)


def placed(graph: OperatorGraph, **devices: int) -> Ints:
    """A placement by the names of operators, `__` for a slash; all others on the first device."""
    placement = np.zeros(graph.groups, np.int64)
    for name, device in devices.items():
        placement[graph.group[graph.names.index(name.replace("__", "/"))]] = device
    return placement


@pytest.mark.parametrize("name", ["rnnt_joint", "mobilenet_v1_0.25_128", "crnn"])
def test_on_one_chip_the_step_is_one_program(name: str) -> None:
    graph = graph_of(load(name))
    assert graph.network is not None
    exact = exact_step(graph, chain(V3, V3), placed(graph))
    operators = tuple(item.name for item in graph.network.operators)
    (segment,) = exact.segments
    assert segment.operators == operators
    assert exact.step_ns == Meter(graph.network).timed(operators, V3).warm_ns + 10


def test_a_pipeline_is_what_its_stages_and_links_are() -> None:
    network = dense_chain(640, 900, 64, 1200, 1200, 300, 900)
    graph, units, cluster = graph_of(network), units_of(network), chain(V3, V1, V3)
    table = stages_of(units, cluster, Meter(network))
    best = quickest(replace(table, stage_ns=table.stage_ns + 50_000 * np.tri(7, k=-3, dtype=int).T))
    assert best is not None
    placement = np.zeros(graph.groups, np.int64)
    for chip, (first, end) in enumerate(pairwise(best.ends)):
        for name in units.operators(first, end):
            placement[graph.group[graph.names.index(name)]] = chip
    exact = exact_step(graph, cluster, placement)
    stages = [
        table.stage_ns[chip, first, end] for chip, (first, end) in enumerate(pairwise(best.ends))
    ]
    arriving = [table.arriving_ns[chip, first] for chip, first in enumerate(best.ends[:-1])]
    assert exact.step_ns == sum(stages) + sum(arriving)


def test_rounds_never_wait_for_each_other() -> None:
    random = np.random.default_rng(0)
    for network in (branched(), load("mobilenet_v2_0.35_96"), load("rnnt")):
        graph = graph_of(network)
        for _ in range(5):
            segments = segments_of(graph, random.integers(0, 3, graph.groups))
            where = {name: at for at, each in enumerate(segments) for name in each.operators}
            assert len(where) == len(network.operators)
            for item in network.operators:
                for tensor in item.inputs:
                    producer = network.producer(tensor)
                    if producer is None:
                        continue
                    before, behind = where[producer.name], where[item.name]
                    same = segments[before].device == segments[behind].device
                    assert before <= behind
                    assert same or segments[before].round < segments[behind].round


def test_views_go_with_who_reads_them() -> None:
    graph = graph_of(branched())
    segments = segments_of(graph, placed(graph, dense=1))
    assert [each.operators for each in segments if each.device == 1] == [("flat", "dense")]


def test_programs_of_a_chip_share_its_core_memory() -> None:
    graph = graph_of(dense_chain(1024, 1024, 64, 1024, 1024))
    # A megabyte of parameters in the first and in the last layer: room for one of them.
    design = replace(V1, core_memory_bytes=20 << 10)
    assert 1 << 20 < V1.pes * V1.cores * design.core_memory_bytes < 2 << 20
    apart = exact_step(graph, chain(design, design), placed(graph, dense2=1, dense3=1))
    first, _, last = apart.segment_ns
    assert graph.network is not None
    meter = Meter(graph.network)
    alone = [meter.timed((name,), design).warm_ns + 10 for name in ("dense1", "dense4")]
    assert alone[0] + alone[1] < first + last
    roomy = replace(V1, core_memory_bytes=64 << 10)
    apart = exact_step(graph, chain(roomy, roomy), placed(graph, dense2=1, dense3=1))
    alone = [meter.timed((name,), roomy).warm_ns + 10 for name in ("dense1", "dense4")]
    assert (apart.segment_ns[0], apart.segment_ns[2]) == tuple(alone)


def test_the_estimate_knows_neither_cuts_nor_rides() -> None:
    graph, cluster = graph_of(load("mobilenet_v2_0.35_96")), chain(V3, V3)
    estimated, exact = problem_of(instance_of(graph, cluster)), exact_problem(graph, cluster)
    whole, cut = placed(graph), np.arange(graph.groups) % 2
    assert abs(estimated.cost(whole) - exact.cost(whole)) < 20 * len(graph.names)
    assert exact.cost(cut) > estimated.cost(cut)  # every tensor goes by way of DRAM


def test_optimizers_may_search_what_chips_run() -> None:
    graph = graph_of(dense_chain(1024, 1024, 1024))
    # Room for the parameters of one layer: two chips keep both.
    cluster = chain(*[replace(V1, core_memory_bytes=20 << 10)] * 2)
    problem = exact_problem(graph, cluster)
    alone = placed(graph)
    found = improve(problem, alone)
    assert found[graph.group[1]] != found[graph.group[2]]
    assert problem.cost(found) == exact_step(graph, cluster, found).step_ns
    assert problem.cost(found) < problem.cost(alone)
    assert found.tolist() == improve(exact_problem(graph, cluster), alone).tolist()


def test_what_cannot_run_has_a_reason() -> None:
    graph = graph_of(branched())
    tiny = replace(V3, pe_memory_bytes=64, core_memory_bytes=64)
    exact = exact_step(graph, chain(V3, tiny), placed(graph, dense=1))
    assert exact == ExactStep(exact.segments, (), None, exact.reason)
    assert exact.reason is not None
    assert exact.reason.startswith("Layer 'dense' does not fit")
    assert exact.step_ns is None
    cannot = exact_problem(graph, chain(V3, tiny)).cost(placed(graph, dense=1))
    assert cannot == INFEASIBLE


def test_a_chip_runs_operators_as_a_whole() -> None:
    network = load("rnnt_utterance_8")
    graph = lower_graph(network, detail=Detail.CELLS)
    with pytest.raises(ValueError, match="parts of operator 'encoder1' are on several devices"):
        segments_of(graph, np.arange(graph.groups) % 2)
    with pytest.raises(
        ValueError, match=r"^Operator graph '.*' is of no network that could be cut"
    ):
        segments_of(replace(graph, network=None), np.zeros(graph.groups, np.int64))

from dataclasses import replace

import numpy as np
import pytest
from networks import branched, dense_chain, operator_graph

from apollo.arch.accelerator import load_design
from apollo.arch.cluster import Cluster, Device
from apollo.search.measure import measure_graph
from apollo.search.placement.costs import CANNOT_RUN, durations_ns
from apollo.search.placement.instance import instance_of
from apollo.search.placement.simulated import core_memory_bytes, simulated_ns
from apollo.search.placement.step import Simulator
from apollo.workloads.catalogue import load

V1, V3 = load_design("edge_tpu_v1"), load_design("edge_tpu_v3")


def chip(**changes: object) -> Device:
    return replace(Device("chip", 1 << 40, design=V3), **changes)


@pytest.mark.parametrize("name", ["mobilenet_v1_0.25_128", "rnnt_joint", "resnet50"])
@pytest.mark.parametrize("design", ["edge_tpu_v3", "gemmini"])
def test_on_one_chip_the_step_is_the_inference(name: str, design: str) -> None:
    graph, device = operator_graph(load(name)), chip(design=load_design(design))
    assert graph.network is not None
    instance = instance_of(graph, Cluster("one", (device,), {}))
    step = Simulator(instance).run(np.zeros(graph.groups, np.int64))
    taken = measure_graph(graph.network, load_design(design)).metrics.warm_latency_ms * 1e6
    # Each operator's time is rounded up, and no operator takes nothing.
    assert taken <= step.step_ns <= taken + 2 * len(graph.names)


def test_what_rides_and_views_take_a_nanosecond() -> None:
    graph = operator_graph(branched())
    taken = dict(zip(graph.names, simulated_ns(graph, chip(overhead_ns=500)), strict=True))
    free = {name for name, ns in taken.items() if ns == 1}
    assert free == {"left/norm", "left/relu", "right/relu", "flat"}
    without = dict(zip(graph.names, simulated_ns(graph, chip()), strict=True))
    assert taken["dense"] == without["dense"] + 500


def test_what_does_not_fit_cannot_run_and_the_others_can() -> None:
    graph = operator_graph(dense_chain(64, 64, 1 << 15, 64))
    small = replace(V3, pe_memory_bytes=4096)
    taken = simulated_ns(graph, chip(design=small))
    assert taken[0] > CANNOT_RUN
    assert taken[1] == CANNOT_RUN
    with pytest.raises(ValueError, match=r"^No device of cluster 'one' has a cost for operator"):
        durations_ns(graph, Cluster("one", (chip(design=small),), {}))


def test_where_memory_is_core_memory_parameters_stay() -> None:
    graph = operator_graph(dense_chain(512, 2048, 2048, 512))
    design = replace(V1, core_memory_bytes=16 << 10)
    streamed = simulated_ns(graph, chip(design=design))
    resident = simulated_ns(graph, chip(design=design, memory_bytes=core_memory_bytes(design)))
    assert (4 * resident < streamed).all()


def test_operators_beside_the_network_cannot_run_there() -> None:
    graph = operator_graph(branched())
    renamed = replace(graph, names=(*graph.names[:-1], "dense/backward"))
    assert simulated_ns(renamed, chip())[-1] == CANNOT_RUN


def test_a_graph_of_no_network_is_refused() -> None:
    graph = replace(operator_graph(branched()), network=None)
    with pytest.raises(ValueError, match=r"^Operator graph 'branched' is of no network that could"):
        simulated_ns(graph, chip())

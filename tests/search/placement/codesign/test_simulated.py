from dataclasses import replace

import numpy as np
import pytest
from networks import branched, dense_chain

from apollo.arch.accelerator import load_design
from apollo.arch.cluster import Cluster, Device
from apollo.search.measure import measure_graph
from apollo.search.placement.costs import CANNOT_RUN, durations_ns
from apollo.search.placement.graphs.lower import lower_graph
from apollo.search.placement.graphs.step import Detail
from apollo.search.placement.instance import instance_of
from apollo.search.placement.pipelined import pipelined
from apollo.search.placement.simulated import core_memory_bytes, simulated_ns
from apollo.search.placement.step import Simulator
from apollo.workloads.catalogue import load

V1, V3 = load_design("edge_tpu_v1"), load_design("edge_tpu_v3")


def chip(**changes: object) -> Device:
    return replace(Device("chip", 1 << 40, design=V3), **changes)


@pytest.mark.parametrize("name", ["mobilenet_v1_0.25_128", "rnnt_joint", "ssd_mobilenet_v2"])
@pytest.mark.parametrize("design", ["edge_tpu_v3", "gemmini"])
def test_on_one_chip_the_step_is_the_inference(name: str, design: str) -> None:
    graph, device = lower_graph(load(name)), chip(design=load_design(design))
    assert graph.network is not None
    instance = instance_of(graph, Cluster("one", (device,), {}))
    step = Simulator(instance).run(np.zeros(graph.groups, np.int64))
    taken = measure_graph(graph.network, load_design(design)).metrics.warm_latency_ms * 1e6
    # Each operator's time is rounded up, and no operator takes nothing.
    assert taken <= step.step_ns <= taken + 2 * len(graph.names)


def test_what_rides_and_views_take_a_nanosecond() -> None:
    graph = lower_graph(branched())
    taken = dict(zip(graph.names, simulated_ns(graph, chip(overhead_ns=500)), strict=True))
    free = {name for name, ns in taken.items() if ns == 1}
    assert free == {"input/image", "left/norm", "left/relu", "right/relu"}
    without = dict(zip(graph.names, simulated_ns(graph, chip()), strict=True))
    assert taken["dense"] == without["dense"] + 500


def test_what_does_not_fit_cannot_run_and_the_others_can() -> None:
    graph = lower_graph(dense_chain(64, 64, 1 << 15, 64))
    small = replace(V3, pe_memory_bytes=4096)
    taken = simulated_ns(graph, chip(design=small))
    assert graph.names[1:] == ("dense1", "dense2", "dense3")
    assert taken[1] > CANNOT_RUN
    assert taken[2] == CANNOT_RUN
    with pytest.raises(ValueError, match=r"^No device of cluster 'one' has a cost for operator"):
        durations_ns(graph, Cluster("one", (chip(design=small),), {}))


def test_where_memory_is_core_memory_parameters_stay() -> None:
    graph = lower_graph(dense_chain(512, 2048, 2048, 512))
    design = replace(V1, core_memory_bytes=16 << 10)
    streamed = simulated_ns(graph, chip(design=design))
    resident = simulated_ns(graph, chip(design=design, memory_bytes=core_memory_bytes(design)))
    assert (4 * resident < streamed)[1:].all()  # behind the input


def test_parts_of_an_operator_share_its_time() -> None:
    network = load("rnnt_utterance_8")
    whole, steps = lower_graph(network), lower_graph(network, detail=Detail.CELLS)
    taken = dict(zip(whole.names, simulated_ns(whole, chip()), strict=True))
    shares = zip(steps.names, steps.kinds, simulated_ns(steps, chip()), strict=True)
    parts = [ns for name, kind, ns in shares if name.startswith("encoder4/") and kind == "LSTM"]
    assert len(parts) == 4
    assert sum(parts) == pytest.approx(taken["encoder4"], rel=0.01)
    doubled = pipelined(whole, 2).graph
    assert {*simulated_ns(doubled, chip())} == {*taken.values()}


def test_what_the_network_has_not_cannot_run_there() -> None:
    graph = lower_graph(branched())
    renamed = replace(graph, names=(*graph.names[:-1], "gradient/dense"))
    assert simulated_ns(renamed, chip())[-1] == CANNOT_RUN
    backward = replace(graph, is_backward=np.arange(len(graph.names)) == 1)
    assert np.array_equal(simulated_ns(backward, chip()) == CANNOT_RUN, backward.is_backward)


def test_a_graph_of_no_network_is_refused() -> None:
    graph = replace(lower_graph(branched()), network=None)
    with pytest.raises(ValueError, match=r"^Operator graph 'branched' is of no network that could"):
        simulated_ns(graph, chip())

"""Micro-batches: counts, edges, order, and what they bring."""

import numpy as np
import pytest

from apollo.arch.cluster_file import load_cluster
from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.graphs.catalogue import placement_graph
from apollo.search.placement.instance import instance_of
from apollo.search.placement.pipelined import ONCE, pipelined
from apollo.search.placement.step import Simulator

CHAIN = 8
MS = 1_000_000


def chain() -> OperatorGraph:
    """Operators of equal length, one behind the other."""
    count = np.full(CHAIN, 1, np.int64)
    return OperatorGraph(
        name="chain",
        names=tuple(f"operator{n}" for n in range(CHAIN)),
        kinds=("MatMul",) * CHAIN,
        operations=count * 1400 * MS,
        traffic_bytes=count,
        parameter_bytes=count * 1000,
        output_bytes=count * 64,
        group=np.arange(CHAIN),
        is_backward=np.zeros(CHAIN, np.bool_),
        source=np.arange(CHAIN - 1),
        target=np.arange(1, CHAIN),
        edge_bytes=np.full(CHAIN - 1, 64, np.int64),
    )


def step_ns(graph: OperatorGraph, micro_batches: int, placement: np.ndarray) -> int:
    step = pipelined(graph, micro_batches)
    instance = instance_of(step.graph, load_cluster("4gpu"), step.micro_batch)
    return Simulator(instance).run(placement).step_ns


def test_devices_work_at_the_same_time() -> None:
    placement = 1 + np.arange(CHAIN) * 4 // CHAIN
    one, eight = step_ns(chain(), 1, placement), step_ns(chain(), 8, placement)
    # Four stages, eight micro-batches: eleven stage times instead of thirty-two.
    assert eight == pytest.approx(one * 11 / 4, rel=0.01)


def test_on_one_device_nothing_is_gained() -> None:
    placement = np.ones(CHAIN, np.int64)
    assert step_ns(chain(), 3, placement) == 3 * step_ns(chain(), 1, placement)


def test_one_micro_batch_changes_nothing() -> None:
    graph = chain()
    step = pipelined(graph, 1)
    assert step.graph.names == graph.names
    assert step.graph.name == graph.name
    assert np.array_equal(step.graph.source, graph.source)


def test_weights_and_updates_are_there_once() -> None:
    graph = placement_graph("rnnlm_2", batch=4)
    step = pipelined(graph, 3).graph
    once = np.array([kind in ONCE for kind in graph.kinds])
    assert len(step.names) == once.sum() + 3 * (~once).sum()
    assert step.parameter_bytes.sum() == graph.parameter_bytes.sum()
    assert step.operations.sum() == (graph.operations * np.where(once, 1, 3)).sum()
    updates = [n for n, kind in enumerate(step.kinds) if kind == "Update"]
    read = [int((step.target == update).sum()) for update in updates]
    before = [n for n, kind in enumerate(graph.kinds) if kind == "Update"]
    # Each waits for the gradients of all micro-batches; the weights are the same ones.
    for now, then in zip(read, before, strict=True):
        sources = graph.source[graph.target == then]
        assert now == sum(1 if once[source] else 3 for source in sources)


def test_there_must_be_a_micro_batch() -> None:
    with pytest.raises(ValueError, match=r"^There must be at least 1 micro-batch, not 0\.$"):
        pipelined(chain(), 0)

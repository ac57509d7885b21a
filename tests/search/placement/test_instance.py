from dataclasses import replace

import numpy as np
import pytest

from apollo.arch.cluster import Cluster, Device, Order
from apollo.search.placement.costs import durations_ns
from apollo.search.placement.graph import OperatorGraph, ordered
from apollo.search.placement.instance import instance_of


def graph_of(kinds: tuple[str, ...]) -> OperatorGraph:
    """Operators `a`, `b`, … in a chain."""
    names, count = "abcdefgh"[: len(kinds)], len(kinds)
    numbers = np.arange(count)
    return OperatorGraph(
        name="chain",
        names=tuple(names),
        kinds=kinds,
        operations=1000 * (numbers + 1),
        traffic_bytes=np.full(count, 90),
        parameter_bytes=np.full(count, 5),
        output_bytes=np.full(count, 7),
        group=numbers,
        is_backward=np.zeros(count, np.bool_),
        source=numbers[:-1],
        target=numbers[1:],
        edge_bytes=np.full(count - 1, 7),
    )


def device_of(**efficiency_percent: int) -> Device:
    return Device("d", 100, 3, 10, 5, efficiency_percent)


def test_an_operator_takes_the_longer_of_operations_and_traffic_and_the_overhead() -> None:
    cluster = Cluster("one", (device_of(Slow=20, Fast=100),), {})
    # 1000 and 2000 operations at 2 a ns, 3000 at 10; 90 bytes at 5 a ns are 18; 3 of overhead
    durations = durations_ns(graph_of(("Slow", "Slow", "Fast")), cluster)
    assert durations.tolist() == [[503], [1003], [303]]
    traffic = durations_ns(graph_of(("Fast",)), Cluster("one", (device_of(Fast=100),), {}))
    assert traffic.tolist() == [[103]]


def test_by_rank_the_longest_way_to_the_end_comes_first() -> None:
    cluster = Cluster("one", (device_of(default=100),), {}, Order.RANK)
    chain = graph_of(("X",) * 3)  # 103, 203 and 303 ns
    assert instance_of(chain, cluster).rank.tolist() == [0, 1, 2]
    none = np.zeros(0, np.int64)
    free = replace(chain, source=none, target=none, edge_bytes=none)
    assert instance_of(free, cluster).rank.tolist() == [2, 1, 0]
    equal = replace(free, operations=np.full(3, 1000))
    assert instance_of(equal, cluster).rank.tolist() == [0, 1, 2]


def test_of_micro_batches_the_earliest_comes_first() -> None:
    cluster = Cluster("one", (device_of(default=100),), {})
    instance = instance_of(graph_of(("X",) * 3), cluster, np.array([1, 2, 0]))
    assert instance.order is Order.RANK
    assert instance.rank.tolist() == [1, 2, 0]


def test_an_operator_without_a_cost_is_refused() -> None:
    cluster = Cluster("one", (device_of(Fast=100),), {})
    with pytest.raises(
        ValueError,
        match=r"^No device of cluster 'one' has a cost for operator 'b' \(Odd\): give its kind, or "
        r"default, in efficiency_percent\.$",
    ):
        instance_of(graph_of(("Fast", "Odd")), cluster)


def test_a_cycle_is_named() -> None:
    edges = {("a", "b"): 1, ("b", "c"): 1, ("c", "b"): 0}
    with pytest.raises(
        ValueError, match=r"^Operator graph 'loop': there is a cycle b -> c -> b\.$"
    ):
        ordered("loop", "abc", edges)


def test_an_edge_to_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^Operator graph 'x': there is no operator 'z'\.$"):
        ordered("x", "ab", {("a", "z"): 1})


def test_order_keeps_neighbours_together() -> None:
    assert ordered("x", "abcd", {("d", "a"): 1, ("b", "c"): 1}) == ["b", "c", "d", "a"]

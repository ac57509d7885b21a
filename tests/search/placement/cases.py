"""Random small instances, where contention is certain: for hypothesis and for a seed alike."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
from hypothesis import strategies as st

from apollo.arch.cluster import Cluster, Device, Link, Order, pairs
from apollo.search.placement.costs import CANNOT_RUN
from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.instance import Instance
from tests.choices import Choices, Drawn, Rolled

T = TypeVar("T")
Case = tuple[Instance, list[int]]

DURATIONS_NS = [1, 1, 2, 3, 5, 9]
BYTES = [0, 0, 1, 2, 3, 7, 20]
BYTES_PER_US = [1000, 500, 300, 4000]
OVERHEADS_NS = [0, 0, 1, 4]
LATENCIES_NS = [0, 0, 1, 2, 10]


@st.composite
def cases(draw: st.DrawFn, most: int = 10) -> Case:
    return _case(Drawn(draw), most)


def random_case(seed: int, most: int = 12) -> Case:
    return _case(Rolled(np.random.default_rng(seed)), most)


def instance_of_columns(
    duration_ns: Sequence[Sequence[int]],
    edges: Sequence[tuple[int, int, int]],
    cluster: Cluster,
    *,
    group: Sequence[int] | None = None,
    parameter_bytes: Sequence[int] | None = None,
    output_bytes: Sequence[int] | None = None,
    rank: Sequence[int] | None = None,  # 0..N-1, where the cluster's order is by rank
) -> Instance:
    """An instance whose durations are given, operators named by their numbers."""
    number = len(duration_ns)
    zeros = np.zeros(number, np.int64)
    columns = np.array(edges, np.int64).reshape(-1, 3).T
    graph = OperatorGraph(
        name="case",
        names=tuple(f"op{n}" for n in range(number)),
        kinds=("Case",) * number,
        operations=zeros,
        traffic_bytes=zeros,
        parameter_bytes=np.array(parameter_bytes or zeros, np.int64),
        output_bytes=np.array(output_bytes or zeros, np.int64),
        group=np.array(range(number) if group is None else group, np.int64),
        is_backward=np.zeros(number, np.bool_),
        source=columns[0].copy(),
        target=columns[1].copy(),
        edge_bytes=columns[2].copy(),
    )
    ranks = np.array(range(number) if rank is None else rank, np.int64)
    return Instance(graph, cluster, np.array(duration_ns, np.int64), cluster.order, ranks)


def cluster_of(
    memories: Sequence[int], link: Link | None = None, order: Order = Order.FIFO
) -> Cluster:
    """Devices `d0`, `d1`, … with a queue for each sender, or the channel of the link given."""
    names = [f"d{n}" for n in range(len(memories))]
    links = {(one, two): link or Link(f"{one}->", 1000) for one, two in pairs(names)}
    return Cluster("case", _devices(memories), links, order)


def _devices(memories: Sequence[int]) -> tuple[Device, ...]:
    return tuple(
        Device(f"d{n}", memory_bytes=size, gflop_per_s=1, gb_per_s=1)
        for n, size in enumerate(memories)
    )


def _case(choices: Choices, most: int) -> Case:
    operators, devices = choices.between(1, most), choices.between(1, 4)
    edges = [
        (one, two, choices.pick(BYTES))
        for two in range(operators)
        for one in range(two)
        if choices.between(0, max(2, operators // 2)) == 0
    ]
    edges += edges[: choices.between(0, 2)]  # two operands may be one tensor
    outputs = [choices.pick(BYTES) for _ in range(operators)]
    parameters = [choices.pick(BYTES) for _ in range(operators)]
    least = min(a + b for a, b in zip(outputs, parameters, strict=True))
    memories = [max(1, least + choices.between(0, 30)) for _ in range(devices)]
    cluster = _cluster(choices, memories)
    instance = instance_of_columns(
        [[choices.pick(DURATIONS_NS) for _ in range(devices)] for _ in range(operators)],
        edges,
        cluster,
        group=_groups(choices, operators),
        parameter_bytes=parameters,
        output_bytes=outputs,
        rank=_shuffled(choices, operators) if cluster.order is Order.RANK else None,
    )
    return instance, [choices.between(0, devices - 1) for _ in range(instance.graph.groups)]


def _cluster(choices: Choices, memories: Sequence[int]) -> Cluster:
    channels = choices.between(1, 5)
    devices = _devices(memories)
    links = {
        pair: Link(
            f"channel{choices.between(0, channels - 1)}",
            choices.pick(BYTES_PER_US),
            choices.pick(OVERHEADS_NS),
            choices.pick(LATENCIES_NS),
        )
        for pair in pairs([device.name for device in devices])
    }
    return Cluster("case", devices, links, choices.pick(list(Order)))


def _groups(choices: Choices, operators: int) -> list[int]:
    """Any grouping, numbered without a gap."""
    drawn = [choices.between(0, operators - 1) for _ in range(operators)]
    return [sorted(set(drawn)).index(group) for group in drawn]


def _shuffled(choices: Choices, count: int) -> list[int]:
    numbers = list(range(count))
    return [numbers.pop(choices.between(0, len(numbers) - 1)) for _ in range(count)]


def with_gaps(instance: Instance, operator: int, device: int) -> Instance:
    """The instance where a device cannot run an operator."""
    durations = instance.duration_ns.copy()
    durations[operator, device] = CANNOT_RUN
    return replace(instance, duration_ns=durations)

"""The step of a placement on chips, each chip's part compiled: what the sum of operators is not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.arch.cluster import LARGEST, Cluster, Order
from apollo.search.placement.codesign.meter import Meter
from apollo.search.placement.codesign.segments import Segment, segments_of
from apollo.search.placement.codesign.stages import design_of
from apollo.search.placement.codesign.units import tensor_bytes, widths_of
from apollo.search.placement.costs import CANNOT_RUN
from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.instance import Instance, instance_of
from apollo.search.placement.problem import INFEASIBLE, Costs, Ints, PlacementProblem
from apollo.search.placement.simulated import LEAST_NS
from apollo.search.placement.step import Simulator, Step, problem_of
from apollo.workloads.graph import Graph


@dataclass(frozen=True)
class ExactStep:
    """A placement of a network as its chips run it."""

    segments: tuple[Segment, ...]  # [S]
    segment_ns: tuple[int, ...]  # [S] empty where a segment cannot run
    step: Step | None  # of the segments, as operators; None where one cannot run
    reason: str | None = None  # why one cannot run

    @property
    def step_ns(self) -> int | None:
        """What a step takes; None where a segment cannot run."""
        return None if self.step is None else self.step.step_ns


def exact_step(
    graph: OperatorGraph, cluster: Cluster, placement: Ints, meter: Meter | None = None
) -> ExactStep:
    """Compile every segment of a placement [G] for its chip, and run the segments as they wait.

    A `meter` remembers what was compiled for other placements of the network. Raises `ValueError`,
    one sentence, when a device is no design, and as `segments_of` does.
    """
    segments = segments_of(graph, placement)
    network = graph.network
    assert network is not None  # else there are no segments
    meter = meter or Meter(network)
    times = np.zeros(len(segments), np.int64)
    for device in {segment.device for segment in segments}:
        own = [number for number, each in enumerate(segments) if each.device == device]
        parts = [segments[number].operators for number in own]
        found = _times(parts, design_of(cluster, cluster.devices[device]), meter)
        if isinstance(found, str):
            return ExactStep(tuple(segments), (), None, found)
        times[own] = found + cluster.devices[device].overhead_ns * (found > 0)
    step = _step(meter, cluster, segments, times)
    return ExactStep(tuple(segments), tuple(times.tolist()), step)


def exact_problem(graph: OperatorGraph, cluster: Cluster) -> PlacementProblem:
    """The problem of the least step as chips run it, in nanoseconds, for any optimizer.

    Its groups and their times are those of the estimate. Raises `ValueError`, one sentence, as
    `instance_of` does.
    """
    problem = problem_of(instance_of(graph, cluster))
    meter = None if graph.network is None else Meter(graph.network)

    def costs(placements: Ints) -> Costs:
        steps = [exact_step(graph, cluster, placement, meter).step_ns for placement in placements]
        cost = np.array([INFEASIBLE if ns is None else ns for ns in steps], np.float64)
        return Costs(cost, np.zeros(len(steps), np.int64))

    return replace(problem, name=f"{problem.name}, compiled", costs=costs)


def _times(parts: Sequence[tuple[str, ...]], design: Accelerator, meter: Meter) -> Ints | str:
    """What the programs of a chip take, in order, or why one cannot run.

    Programs share core memory. Either each keeps its parameters in what those before it leave, or
    each has all of it and loads its parameters at every inference, whichever takes less.
    """
    alone = [meter.timed(part, design) for part in parts]
    for timed in alone:
        if timed.reason is not None:
            return timed.reason
    cold = np.array([timed.cold_ns for timed in alone], np.int64)
    warm: list[int] = []
    for part, timed in zip(parts, alone, strict=True):
        shared = timed if not warm else meter.timed(part, design)
        if not shared.is_feasible:
            return cold
        warm.append(shared.warm_ns)
        if len(parts) > 1 and shared.warm_ns:
            left = design.core_memory_bytes - meter.resident_bytes(part, design)
            design = replace(design, core_memory_bytes=max(left, 1))
    return min(cold, np.array(warm, np.int64), key=lambda times: int(times.sum()))


def _step(meter: Meter, cluster: Cluster, segments: Sequence[Segment], times: Ints) -> Step:
    """The segments run as operators: a tensor goes over a link when its segment has ended."""
    used = sorted({segment.device for segment in segments})
    # Programs have all their tensors in DRAM; what a memory may hold is the estimate's business.
    devices = tuple(replace(cluster.devices[each], memory_bytes=LARGEST) for each in used)
    names = {device.name for device in devices}
    links = {pair: link for pair, link in cluster.links.items() if names.issuperset(pair)}
    graph = _as_operators(meter, segments)
    durations = np.full((len(segments), len(used)), CANNOT_RUN, np.int64)
    placement = np.array([used.index(segment.device) for segment in segments], np.int64)
    order = np.arange(len(segments))
    durations[order, placement] = np.maximum(times, LEAST_NS)
    of_used = Cluster(cluster.name, devices, links, Order.FIFO)
    return Simulator(Instance(graph, of_used, durations, Order.FIFO, order)).run(placement)


def _as_operators(meter: Meter, segments: Sequence[Segment]) -> OperatorGraph:
    """An operator for each segment; what goes to a device goes there once, all together."""
    network, count = meter.graph, len(segments)
    # The widths are of the whole network: its parts store what they read as it does.
    widths = widths_of(meter.lowered(tuple(item.name for item in network.operators)))
    edges = _edges(network, segments, widths)
    written = [0] * count
    for (source, _), size in edges.items():
        written[source] = max(written[source], size)
    parameters = {layer.name: layer.parameters for layer in network.layers}
    zeros, numbers = np.zeros(count, np.int64), np.arange(count)
    return OperatorGraph(
        name=network.name,
        names=tuple(f"{each.operators[0]} ({each.device}:{each.round})" for each in segments),
        kinds=("Segment",) * count,
        operations=zeros,
        traffic_bytes=zeros,
        parameter_bytes=np.array(
            [sum(parameters[name] for name in each.operators) for each in segments], np.int64
        ),
        output_bytes=np.array(written, np.int64),
        group=numbers,
        is_backward=zeros > 0,
        source=np.array([source for source, _ in edges], np.int64),
        target=np.array([target for _, target in edges], np.int64),
        edge_bytes=np.array([*edges.values()], np.int64),
    )


def _edges(
    network: Graph, segments: Sequence[Segment], widths: Mapping[str, int]
) -> Mapping[tuple[int, int], int]:
    """Bytes by segments: of all tensors that the first writes for the device of the second."""
    where = {name: number for number, each in enumerate(segments) for name in each.operators}
    sent: dict[tuple[int, int], set[str]] = {}  # tensors, by segment and device
    pairs: dict[tuple[int, int], tuple[int, int]] = {}
    for item in network.operators:
        for name in item.inputs:
            producer = network.producer(name)
            if producer is None or where[producer.name] == where[item.name]:
                continue
            pair = where[producer.name], where[item.name]
            pairs[pair] = pair[0], segments[pair[1]].device
            sent.setdefault(pairs[pair], set()).add(name)
    sizes = {
        key: sum(tensor_bytes(network, name, widths) for name in names)
        for key, names in sent.items()
    }
    return {pair: sizes[key] for pair, key in sorted(pairs.items())}

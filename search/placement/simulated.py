"""What operators take on a design: compiled and simulated (docs/placement.md, P10)."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.arch.cluster import Device
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.fuse import fused_into
from apollo.search.placement.codesign.meter import Meter, ns_of
from apollo.search.placement.codesign.owners import Owner, owners_of, representatives
from apollo.search.placement.costs import CANNOT_RUN
from apollo.search.placement.graph import OperatorGraph
from apollo.search.placement.graphs.draft import HELD
from apollo.search.placement.problem import Ints
from apollo.workloads.graph import Graph

LEAST_NS = 1  # of what can run (P1)
_LARGEST_CORE_BYTES = 1 << 28  # of a design


def simulated_ns(graph: OperatorGraph, device: Device) -> Ints:
    """[N] What every operator takes on a device that is a design; `CANNOT_RUN` where it cannot.

    Raises `ValueError`, one sentence, when the graph is of no network.
    """
    network, design = graph.network, device.design
    if network is None or design is None:
        raise ValueError(
            f"Operator graph '{graph.name}' is of no network that could be compiled for device "
            f"'{device.name}', a design."
        )
    if device.memory_bytes <= core_memory_bytes(design):
        design = _with_room(design, network)
    meter = Meter(network)
    times = _in_network(meter, design)
    if times is None:
        times = _alone(meter, design)
    taken, parts_of = np.full(len(graph.names), CANNOT_RUN, np.int64), _parts(graph)
    times = _represented(network, times, {owner.operator for owner in parts_of})
    for owner, parts in parts_of.items():
        if owner.operator in times:
            taken[parts] = _divided(times[owner.operator], graph.operations[parts])
            taken[parts] += device.overhead_ns * (times[owner.operator] > 0)
    taken[[kind in HELD for kind in graph.kinds]] = LEAST_NS
    return taken


def core_memory_bytes(design: Accelerator) -> int:
    """What all cores hold together: parameters that stay between inferences."""
    return design.pes * design.cores * design.core_memory_bytes


def _parts(graph: OperatorGraph) -> Mapping[Owner, list[int]]:
    """The operators of the graph that an operator of the network is, in order."""
    parts: dict[Owner, list[int]] = {}
    for number, owner in enumerate(owners_of(graph)):
        if owner is not None and graph.kinds[number] not in HELD:
            parts.setdefault(owner, []).append(number)
    return parts


def _represented(
    network: Graph, times: Mapping[str, int], present: Collection[str]
) -> Mapping[str, int]:
    """The times of what the graph has, with those of views that it leaves out."""
    stands = representatives(network, present)
    totals = {name: times[name] for name in present if name in times}
    for name, ns in times.items():
        if name not in present and stands.get(name) in totals:
            totals[stands[name]] += ns
    return totals


def _divided(whole_ns: int, operations: Ints) -> Ints:
    """The share of each part by its operations, evenly where there are none; at least 1."""
    weights = operations if operations.any() else np.ones_like(operations)
    shares: Ints = -(-whole_ns * weights // weights.sum())
    return np.maximum(shares, LEAST_NS)


def _with_room(design: Accelerator, network: Graph) -> Accelerator:
    """The design with so much core memory that all parameters stay, copies of them in each core."""
    room = design.core_memory_bytes
    while room < min(2 * network.parameters, _LARGEST_CORE_BYTES):
        room *= 2
    return replace(design, core_memory_bytes=min(room, _LARGEST_CORE_BYTES))


def _in_network(meter: Meter, design: Accelerator) -> Mapping[str, int] | None:
    """What operators take within the network, 0 for those that ride; None if it does not fit."""
    operators = tuple(item.name for item in meter.graph.operators)
    try:
        cycles = meter.cycles(operators, design)
    except (DoesNotFit, ValueError):
        return None
    return {name: ns_of(count, design) for name, count in cycles.items()}


def _alone(meter: Meter, design: Accelerator) -> Mapping[str, int]:
    """What each operator takes alone, with those that ride on it, where it can run."""
    operators, hosts = meter.graph.operators, fused_into(meter.graph)
    parts = {item.name: [item.name] for item in operators if item.name not in hosts}
    for rider, host in hosts.items():
        parts[host].append(rider)
    times: dict[str, int] = {}
    for host, part in parts.items():
        timed = meter.timed(tuple(part), design)
        if timed.is_feasible:
            times |= dict.fromkeys(part, 0) | {host: timed.warm_ns}
    return times

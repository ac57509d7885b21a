"""What operators take on a design: compiled and simulated (docs/placement.md, P10)."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.arch.cluster import Device
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.fuse import fused_into
from apollo.search.placement.codesign.meter import Meter, ns_of
from apollo.search.placement.costs import CANNOT_RUN
from apollo.search.placement.graph import OperatorGraph
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
    taken = [times.get(name) for name in graph.names]
    free = {None: CANNOT_RUN, 0: LEAST_NS}
    return np.array([free.get(ns, (ns or 0) + device.overhead_ns) for ns in taken], np.int64)


def core_memory_bytes(design: Accelerator) -> int:
    """What all cores hold together: parameters that stay between inferences."""
    return design.pes * design.cores * design.core_memory_bytes


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

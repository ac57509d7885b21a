"""The step-time simulator: placements of an instance in, times and peaks of memory out."""

from dataclasses import dataclass

import numpy as np

from apollo.arch.cluster import Order
from apollo.search.placement.costs import CANNOT_RUN
from apollo.search.placement.instance import Instance
from apollo.search.placement.kernels.step_time import NEVER, Run, Work, step_times
from apollo.search.placement.problem import (
    Bools,
    Costs,
    GroupGraph,
    Ints,
    LinkTimes,
    PlacementProblem,
)


@dataclass(frozen=True)
class Transfers:
    """What went over the links: `T` transfers, as they were handed to channels."""

    operator: Ints  # [T] whose tensor it is
    target: Ints  # [T] device
    sent_bytes: Ints  # [T]
    start_ns: Ints  # [T] on the channel
    left_ns: Ints  # [T] the channel


@dataclass(frozen=True)
class Step:
    """One run of a placed graph: `N` operators, `D` devices."""

    step_ns: int
    device: Ints  # [N]
    start_ns: Ints  # [N]
    finish_ns: Ints  # [N]
    peak_bytes: Ints  # [D]
    overflow_bytes: int  # memory that is lacking, over all devices
    transfers: Transfers


class Simulator:
    """Runs placements of an instance; not for several threads at once."""

    def __init__(self, instance: Instance) -> None:
        """Lay the columns out."""
        self.instance = instance
        graph, edges, links = instance.graph, instance.edges, instance.links
        operators, devices = instance.duration_ns.shape
        self._work = Work(
            *edges,
            graph.group,
            graph.parameter_bytes,
            graph.output_bytes,
            instance.rank,
            np.argsort(instance.rank),
            int(instance.order is Order.FIFO),
            operators.bit_length(),
            instance.duration_ns,
            *links,
            instance.memory_bytes,
        )
        self._run = _run(operators, len(edges.consumer), devices, len(instance.cluster.channels))

    def costs(self, placements: Ints) -> Costs:
        """Step time in ns, and memory that is lacking, of placements [P, G].

        The cost is infinite where a device cannot run its operators.
        """
        step_ns, overflow = np.empty(len(placements), np.int64), np.empty(len(placements), np.int64)
        placements = np.ascontiguousarray(placements, np.int64)
        step_times(self._work, placements, self._run, step_ns, overflow)
        return Costs(np.where(step_ns == NEVER, np.inf, step_ns), overflow)

    def run(self, placement: Ints) -> Step:
        """One placement [G] in full.

        Raises `ValueError`, one sentence, where a device cannot run its operators.
        """
        costs = self.costs(placement[None, :])
        if not np.isfinite(costs.cost[0]):
            raise ValueError(self._misplaced(placement))
        run = self._run
        count = int(run.transfers[0])
        operator, target = run.operator[:count].copy(), run.target[:count].copy()
        return Step(
            int(costs.cost[0]),
            run.device.copy(),
            run.start_ns.copy(),
            run.finish_ns.copy(),
            run.peak_bytes.copy(),
            int(costs.overflow_bytes[0]),
            Transfers(
                operator,
                target,
                run.copy_bytes[operator, target],
                run.leaves_from_ns[:count].copy(),
                run.left_ns[:count].copy(),
            ),
        )

    def _misplaced(self, placement: Ints) -> str:
        graph, cluster = self.instance.graph, self.instance.cluster
        device = placement[graph.group]
        taken = self.instance.duration_ns[np.arange(len(device)), device]
        operator = int(np.flatnonzero(taken == CANNOT_RUN)[0])
        return (
            f"Device '{cluster.devices[device[operator]].name}' cannot run operator "
            f"'{graph.names[operator]}' ({graph.kinds[operator]})."
        )


def problem_of(instance: Instance) -> PlacementProblem:
    """The problem of the least step time, in nanoseconds.

    Raises `ValueError`, one sentence, for a group that no device can run and for a device that has
    no memory for any group.
    """
    graph, count = instance.graph, instance.graph.groups
    can = (instance.duration_ns != CANNOT_RUN) & instance.fits

    def of_groups(column: Ints) -> Ints:
        total = np.zeros((count, *column.shape[1:]), np.int64)
        np.add.at(total, graph.group, column)
        return total

    one, two = graph.group[graph.source], graph.group[graph.target]
    between = one != two
    key, where = np.unique((one * count + two)[between], return_inverse=True)
    edge_bytes = np.zeros(len(key), np.int64)
    np.add.at(edge_bytes, where, graph.edge_bytes[between])
    memory = of_groups(graph.parameter_bytes)
    allowed: Bools = (of_groups((~can).astype(np.int64)) == 0) & (
        memory[:, None] <= instance.memory_bytes[None, :]
    )
    _refuse_useless(instance, allowed)
    groups = GroupGraph(
        names=graph.group_names,
        compute_ns=of_groups(instance.duration_ns),
        allowed=allowed,
        memory_bytes=memory,
        output_bytes=of_groups(graph.output_bytes),
        source=key // count,
        target=key % count,
        edge_bytes=edge_bytes,
    )
    return PlacementProblem(
        f"{graph.name} on {instance.cluster.name}",
        tuple(device.name for device in instance.cluster.devices),
        instance.memory_bytes,
        groups,
        Simulator(instance).costs,
        _link_times(instance),
    )


def _refuse_useless(instance: Instance, allowed: Bools) -> None:
    """Refuse a device that may run none of the groups, [G, D], though it knows their costs."""
    graph, cluster = instance.graph, instance.cluster
    known = instance.duration_ns != CANNOT_RUN
    for number in np.flatnonzero(~allowed.any(axis=0) & known.all(axis=0)).tolist():
        device = cluster.devices[number]
        raise ValueError(
            f"Device '{device.name}' of cluster '{cluster.name}' has no memory for any group of "
            f"'{graph.name}': it has {device.memory_bytes:,} bytes."
        )


def _link_times(instance: Instance) -> LinkTimes:
    links = instance.links
    apart = ~np.eye(len(instance.memory_bytes), dtype=np.bool_)
    fixed_ns = np.where(apart, links.overhead_ns + links.latency_ns, 0)
    return LinkTimes(fixed_ns, np.where(apart, 1000 / links.bytes_per_us, 0.0))


def _run(operators: int, transfers: int, devices: int, channels: int) -> Run:
    """Room for a run."""
    n, d, c, t = operators, devices, max(channels, 1), max(transfers, 1)
    shapes = {
        **dict.fromkeys(("device", "start_ns", "finish_ns", "missing"), (n,)),
        **dict.fromkeys(("uses", "copy_bytes"), (n, d)),
        "ready": (d, n),
        **dict.fromkeys(("head", "tail", "leaves_ns"), (c,)),
        **dict.fromkeys(("operator", "target", "leaves_from_ns", "left_ns"), (t,)),
        **dict.fromkeys(("following", "arriving"), (t,)),
        "transfers": (2,),
    }
    return Run(**{name: np.zeros(shapes.get(name, (d,)), np.int64) for name in Run._fields})

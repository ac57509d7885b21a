"""What every stage of a pipeline would take: each run of units on each chip, measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from apollo.arch.accelerator import Accelerator
from apollo.arch.cluster import Cluster, Device, Link
from apollo.search.placement.codesign.meter import Meter, Timed
from apollo.search.placement.codesign.units import Units
from apollo.search.placement.problem import Ints
from apollo.search.task import design_key

NEVER = 1 << 50  # ns: of a stage that a chip cannot run


@dataclass(frozen=True)
class StageTable:
    """Stages of a chain of `K` chips over `U` units, in nanoseconds.

    A stage is the units from the first up to the end; one without units takes nothing. A cut at 0
    or `U` moves nothing.
    """

    stage_ns: Ints  # [K, U + 1, U + 1] by first and end; `NEVER` where it cannot run
    occupied_ns: Ints  # [K, U + 1] the link into a chip, by cut; the first chip has none
    arriving_ns: Ints  # [K, U + 1] until what the cut moves has arrived
    reasons: Mapping[tuple[int, int, int], str]  # why a stage cannot run, by chip, first and end

    def __post_init__(self) -> None:
        """Check shapes."""
        chips, ends = self.occupied_ns.shape
        if self.stage_ns.shape != (chips, ends, ends) or self.arriving_ns.shape != (chips, ends):
            raise ValueError(
                f"A table of stages must be of {chips} chips and {ends - 1} units throughout."
            )

    @property
    def chips(self) -> int:
        """How many there are."""
        return len(self.stage_ns)

    @property
    def units(self) -> int:
        """How many there are."""
        return len(self.stage_ns[0]) - 1


def stages_of(units: Units, cluster: Cluster, meter: Meter) -> StageTable:
    """Measure the stages of a network on a chain of chips, the cluster's devices in their order.

    Chips of one design are measured once. A later chip gets what it reads of chips before the last
    one through those between. Raises `ValueError`, one sentence, when a device is no design, or
    links of the chain share a channel.
    """
    designs = [design_of(cluster, device) for device in cluster.devices]
    chain = _links(cluster)
    measured = {design_key(design): _measured(units, design, meter) for design in designs}
    overhead = np.array([device.overhead_ns for device in cluster.devices], np.int64)
    tables = [measured[design_key(design)] for design in designs]
    stage_ns = np.stack([_column(table, len(units.names)) for table in tables])
    runs = np.triu(np.ones(stage_ns.shape[1:], bool), 1)
    stage_ns += overhead[:, None, None] * runs
    occupied, arriving = np.zeros((2, len(designs), len(units.names) + 1), np.int64)
    for number, link in enumerate(chain, 1):
        occupied[number] = _occupied(link, units.cut_bytes)
        arriving[number] = occupied[number] + link.latency_ns * (units.cut_bytes > 0)
    reasons = {
        (chip, *ends): timed.reason
        for chip, table in enumerate(tables)
        for ends, timed in table.items()
        if timed.reason is not None
    }
    return StageTable(stage_ns, occupied, arriving, reasons)


def _measured(units: Units, design: Accelerator, meter: Meter) -> Mapping[tuple[int, int], Timed]:
    """Every run of units on the design, by first and end."""
    count = len(units.names)
    return {
        (first, end): meter.timed(units.operators(first, end), design)
        for first in range(count)
        for end in range(first + 1, count + 1)
    }


def _column(table: Mapping[tuple[int, int], Timed], units: int) -> Ints:
    """[U + 1, U + 1] The times of a table, `NEVER` where there is none or a stage is backwards."""
    times = np.full((units + 1, units + 1), NEVER, np.int64)
    np.fill_diagonal(times, 0)
    for ends, timed in table.items():
        if timed.is_feasible:
            times[ends] = timed.warm_ns
    return times


def _occupied(link: Link, cut_bytes: Ints) -> Ints:
    """[U + 1] How long a transfer takes the link's channel (P5), by cut; nothing of no bytes."""
    taken = link.overhead_ns - (-cut_bytes * 1000 // link.bytes_per_us)
    occupied: Ints = np.where(cut_bytes > 0, np.maximum(taken, 1), 0)
    return occupied


def _links(cluster: Cluster) -> list[Link]:
    """From each device to the next."""
    names = [device.name for device in cluster.devices]
    pairs = list(pairwise(names))
    channels = [cluster.links[pair].channel for pair in pairs]
    for pair, channel in zip(pairs, channels, strict=True):
        if channels.count(channel) > 1:
            raise ValueError(
                f"Cluster '{cluster.name}': the link from '{pair[0]}' to '{pair[1]}' must have a "
                f"channel of its own for a pipeline, not share '{channel}'."
            )
    return [cluster.links[pair] for pair in pairs]


def design_of(cluster: Cluster, device: Device) -> Accelerator:
    """What a device of a cluster of chips is.

    Raises `ValueError`, one sentence, when it is given by rates.
    """
    if device.design is None:
        raise ValueError(
            f"Cluster '{cluster.name}': device '{device.name}' must be a design to run a part of a "
            f"network, not be given by rates."
        )
    return device.design

"""Several small chips against one big chip of the same total area."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise
from typing import Any

from apollo.arch.accelerator import Accelerator
from apollo.arch.area import area_of
from apollo.arch.cluster import Link
from apollo.arch.space import SPACE
from apollo.search.placement.codesign.chips import Search, chain_area_mm2, cluster_of, wide_space
from apollo.search.placement.codesign.meter import Meter, Timed
from apollo.search.placement.codesign.pipeline import Pipeline, fastest, quickest
from apollo.search.placement.codesign.stages import stages_of
from apollo.search.placement.codesign.units import Units, units_of
from apollo.search.placement.units import NS_PER_MS
from apollo.workloads.catalogue import load

_NS_PER_S = 1e9


class System(Enum):
    """What runs the network."""

    CHIP = "one chip"
    FASTEST = "pipeline, most throughput"
    QUICKEST = "pipeline, least latency"
    COPIES = "copies, each the whole network"
    BIG = "one big chip"
    WIDE = "one big chip, as much DRAM"


@dataclass(frozen=True)
class CodesignRow:
    """One system for a network; times are of following inferences."""

    network: str
    system: System
    design: str
    chips: int
    area_mm2: float  # of all chips, ports of links included
    latency_ms: float = 0.0
    throughput_per_s: float = 0.0
    loaded_bytes: int = 0  # of parameters from DRAM, by one inference
    link_ns: int = 0  # until all transfers of one inference have arrived
    stages: tuple[str, ...] = ()  # the first operator of every stage
    reason: str | None = None  # why it cannot run


def codesign_rows(
    networks: Sequence[str],
    designs: Sequence[Accelerator],
    counts: Sequence[int],
    link: Link,
    search: Search | None = None,
) -> list[CodesignRow]:
    """Rows for every network and small design: one chip, and several of every count.

    With a search also the best single chips of the area of several. Raises `ValueError`, one
    sentence, for unknown networks, ones without lowering and a count below 2; what does not fit is
    a row with a reason.
    """
    for count in counts:
        if count < 2:
            raise ValueError(f"Chips to be compared with one must be at least 2, not {count}.")
    rows: list[CodesignRow] = []
    for name in networks:
        comparison = _Comparison.of(name, link)
        for design in designs:
            rows.append(comparison.alone(System.CHIP, design, area_of(design).total_mm2))
            for count in counts:
                rows += comparison.several(design, count)
                if search is not None:
                    rows += comparison.big(search, design, count)
    return rows


@dataclass(frozen=True)
class _Comparison:
    """A network, and what is known of it on all chips."""

    network: str
    units: Units
    meter: Meter
    link: Link

    @classmethod
    def of(cls, network: str, link: Link) -> "_Comparison":
        graph = load(network)
        return cls(network, units_of(graph), Meter(graph), link)

    def alone(
        self, system: System, design: Accelerator, area_mm2: float, chips: int = 1
    ) -> CodesignRow:
        """The whole network on a chip, or on each of several."""
        timed = self._timed(design, 0, len(self.units.names))
        row = CodesignRow(self.network, system, design.name, chips, area_mm2)
        if not timed.is_feasible:
            return replace(row, reason=timed.reason)
        return replace(
            row,
            latency_ms=timed.warm_ns / NS_PER_MS,
            throughput_per_s=chips * _NS_PER_S / timed.warm_ns,
            loaded_bytes=timed.loaded_bytes,
        )

    def several(self, design: Accelerator, count: int) -> Iterator[CodesignRow]:
        """Chips of a design as pipelines and as copies."""
        table = stages_of(self.units, cluster_of(design, count, self.link), self.meter)
        area_mm2 = chain_area_mm2(design, count, self.link)
        for system, best in ((System.FASTEST, fastest), (System.QUICKEST, quickest)):
            row = CodesignRow(self.network, system, design.name, count, area_mm2)
            pipeline = best(table)
            if pipeline is None:
                yield replace(row, reason=next(iter(table.reasons.values())))
            else:
                yield replace(row, **self._figures(design, pipeline))
        # Copies need no links.
        yield self.alone(System.COPIES, design, count * area_of(design).total_mm2, count)

    def big(self, search: Search, small: Accelerator, count: int) -> Iterator[CodesignRow]:
        """The best single chips of the area of several, of the published space and with DRAMs."""
        area_mm2 = chain_area_mm2(small, count, self.link)
        wide = wide_space(count * small.dram_gb_per_s)
        for system, space in ((System.BIG, SPACE), (System.WIDE, wide)):
            design = search.best(self.network, area_mm2, space)
            if design is None:
                reason = f"No design of {area_mm2:.2f} mm² was found in {search.trials} trials."
                yield CodesignRow(self.network, system, "", 1, area_mm2, reason=reason)
            else:
                yield self.alone(system, design, area_of(design).total_mm2)

    def _figures(self, design: Accelerator, pipeline: Pipeline) -> dict[str, Any]:
        """What a pipeline amounts to, by field of the row."""
        runs = [run for run in pairwise(pipeline.ends) if run[0] < run[1]]
        return {
            "latency_ms": pipeline.latency_ns / NS_PER_MS,
            "throughput_per_s": pipeline.throughput_per_s,
            "loaded_bytes": sum(self._timed(design, *run).loaded_bytes for run in runs),
            "link_ns": pipeline.latency_ns - sum(pipeline.stage_ns),
            "stages": tuple(self.units.names[first][0] for first, _ in runs),
        }

    def _timed(self, design: Accelerator, first: int, end: int) -> Timed:
        return self.meter.timed(self.units.operators(first, end), design)

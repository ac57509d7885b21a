"""How one evaluation is shown: totals, energy, memories, stalls, layers."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from apollo.console import print_table

if TYPE_CHECKING:
    from apollo.arch.accelerator import Accelerator
    from apollo.search.measure import Measurement
    from apollo.simulator.metrics import LayerRow
    from apollo.workloads.graph import Graph

_LEVELS = {
    "time": "of the time, computing",
    "cores": "of that, in multipliers",
    "pes": "of that, for the network",
}


def measurement_json(graph: "Graph", measurement: "Measurement") -> dict[str, Any]:
    """Everything a simulation says."""
    from apollo.arch.area import area_of

    design = measurement.accelerator
    return {
        "network": graph.name,
        "design": design.name,
        "batch": graph.batch,
        "macs": graph.macs,
        "parameters": graph.parameters,
        **asdict(measurement.metrics),
        "area_mm2": area_of(design).total_mm2,
        "high_water": measurement.high_water(),
        "layers": [asdict(row) for row in measurement.layers()],
    }


def print_measurement(graph: "Graph", measurement: "Measurement") -> None:
    """A simulation: totals, stalls, layers."""
    from apollo.arch.area import area_of

    metrics, design = measurement.metrics, measurement.accelerator
    print_table(
        f"{graph.name} on {design.name} ({design.clock_mhz} MHz), batch {graph.batch}",
        ("metric ", "first inference", "following"),
        (
            ("cycles", f"{metrics.cycles:,}", f"{metrics.warm_cycles:,}"),
            ("latency, ms", f"{metrics.latency_ms:.3f}", f"{metrics.warm_latency_ms:.3f}"),
            ("throughput, 1/s", "", f"{metrics.throughput_per_s:,.0f}"),
            ("utilisation", "", f"{metrics.utilisation:.1%}"),
            *(
                (f"  {_LEVELS[level]}", "", f"{share:.1%}")
                for level, share in metrics.utilisation_by_level.items()
            ),
            ("utilisation of the DRAM", "", f"{metrics.dram_utilisation:.1%}"),
            ("DRAM bytes", "", f"{sum(metrics.dram_bytes.values()):,}"),
            ("instructions", "", f"{metrics.instructions:,}"),
            ("energy, µJ", "", f"{metrics.energy_uj:,.4g}"),
            ("power, W", "", f"{metrics.power_w:.3g}"),
            ("area, mm²", "", f"{area_of(design).total_mm2:.2f}"),
        ),
    )
    print_energy(metrics.energy_uj_by_component)
    print_high_water(measurement.high_water(), design)
    print_engines(metrics.busy_cycles, metrics.stall_cycles)
    print_layers("Layers", measurement.layers())


def print_engines(
    busy_cycles: Mapping[str, int], stall_cycles: Mapping[str, Mapping[str, int]]
) -> None:
    """What each engine did with its cycles."""
    causes = list(next(iter(stall_cycles.values())))
    print_table(
        "Engines: busy cycles, and idle cycles by what they waited for",
        ("engine ", "busy", *(cause.lower() for cause in causes)),
        (
            (engine, f"{busy_cycles[engine]:,}", *(f"{stalls[c]:,}" for c in causes))
            for engine, stalls in stall_cycles.items()
        ),
    )


def print_energy(components_uj: "dict[str, float]") -> None:
    """Energy of a following inference by component, largest first."""
    total = sum(components_uj.values())
    parts = sorted(components_uj.items(), key=lambda part: -part[1])
    print_table(
        "Energy by component",
        ("component ", "µJ", "share"),
        ((name.replace("_", " "), f"{uj:,.4g}", f"{uj / total:.1%}") for name, uj in parts if uj),
    )


def print_high_water(marks: "dict[str, int]", design: "Accelerator") -> None:
    """How much of each memory was in use at most."""
    print_table(
        "Memories: the most bytes in use",
        ("memory ", "bytes", "of"),
        (
            (name.removesuffix("_bytes").replace("_", " "), f"{mark:,}", f"{capacity:,}")
            for name, mark in marks.items()
            for capacity in (getattr(design, name),)
        ),
    )


def print_layers(title: str, rows: Iterable["LayerRow"]) -> None:
    """Layers with their cycles and what bounds them."""
    print_table(
        title,
        ("layer ", "cycles", "compute", "utilisation", "bound by "),
        (
            (
                row.layer,
                f"{row.cycles:,}",
                f"{row.compute_cycles:,}",
                f"{row.utilisation:.1%}" if row.macs else "",
                row.bound_by,
            )
            for row in rows
        ),
    )

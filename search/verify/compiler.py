"""The compiler's programs beside lower bounds, on every preset with lanes (docs/quality.md)."""

import math
from collections.abc import Sequence

import apollo.workloads.catalogue as catalogue
from apollo.arch.accelerator import Accelerator, lane_presets
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.lower import lower
from apollo.search.verify.figures import Figure, Part, Table
from apollo.search.verify.quality import Quality, explanation, quality_of, worst

AIM = 0.75  # bound / achieved, geometric mean
LARGE_MACS = 100e6
WORST = 10
ON_CHIP = ("mobilenet_v2", "edge_tpu_v1")  # keeps all activations on the chip
COLUMNS = (
    "network ",
    "design ",
    "MACs (M)",
    "cold (cycles)",
    "bound/cold",
    "free",
    "warm (cycles)",
    "bound/warm",
    "free",
    "spills",
)
WORST_COLUMNS = ("network ", "design ", "layer ", "cycles", "alone", "of network", "reason ")
NOTES = (
    "bound: of programs that run layer after layer; free: of any program (docs/quality.md). The "
    "free one is used where a program interleaves layers.",
    f"Means are over networks of {LARGE_MACS / 1e6:.0f} M multiply-accumulates and more.",
)


def verify_compiler(networks: Sequence[str] = ()) -> Part:
    """Each network, cold and warm; the built-in ones if none is named.

    Raises `ValueError` for a network that there is not.
    """
    designs = lane_presets()
    found: list[Quality] = []
    refused: list[str] = []
    for name in networks or catalogue.NETWORKS:
        graph = catalogue.load(name)
        try:
            lowered = lower(graph)
        except ValueError as error:
            refused.append(f"Not compiled: {error}")
            continue
        for design in designs:
            try:
                found.append(quality_of(lowered, design))
            except (DoesNotFit, ValueError) as error:
                refused.append(f"Not compiled: {lowered.name} on {design.name}: {error}")
    figures = [*_means(found, designs), *_on_chip(found), *_of_networks(found)]
    rows = tuple(_row(quality) for quality in found)
    title = "Compiled programs: lower bound over cycles"
    layers = tuple(
        (
            loss.quality.network.name,
            loss.quality.accelerator.name,
            loss.row.layer,
            f"{loss.row.cycles:,}",
            f"{loss.bound_cycles:,}",
            f"{loss.share:.1%}",
            loss.reason,
        )
        for loss in worst([quality for quality in found if _is_large(quality)], WORST)
    )
    heading = "Layers that lose most: cycles warm, bound of the layer alone, lost share of network"
    table = Table(heading, WORST_COLUMNS, layers)
    return Part(
        "compiler", title, tuple(figures), COLUMNS, rows, (*NOTES, *refused), tables=(table,)
    )


def _is_large(quality: Quality) -> bool:
    return quality.network.macs >= LARGE_MACS


def _means(found: Sequence[Quality], designs: Sequence[Accelerator]) -> list[Figure]:
    """Geometric means on each design, cold and warm."""
    figures = []
    for design in designs:
        large = [each for each in found if each.accelerator.name == design.name and _is_large(each)]
        if not large:
            continue
        for name in ("cold", "warm"):
            mean = math.exp(sum(math.log(getattr(each, name)) for each in large) / len(large))
            figure = f"bound/{name}, geometric mean of {len(large)} networks"
            why = explanation(large)
            figures.append(
                Figure(design.name, figure, AIM, mean, 0.0, explanation=why, is_least=True)
            )
    return figures


def _on_chip(found: Sequence[Quality]) -> list[Figure]:
    """Results put out to DRAM where none should be."""
    return [
        Figure(
            " on ".join(ON_CHIP),
            "results put out to DRAM",
            0,
            len(quality.spills),
            0.0,
            explanation=f"{', '.join(quality.spills)}." if quality.spills else "",
        )
        for quality in found
        if (quality.network.name, quality.accelerator.name) == ON_CHIP
    ]


def _of_networks(found: Sequence[Quality]) -> list[Figure]:
    return [
        Figure(f"{each.network.name} on {each.accelerator.name}", f"bound/{name}", 1.0, ours)
        for each in found
        for name, ours in (("cold", each.cold), ("warm", each.warm))
    ]


def _row(quality: Quality) -> tuple[str, ...]:
    limits, measured = quality.bound, quality.measurement
    cold, warm = measured.cold.latency_cycles, measured.warm.latency_cycles
    return (
        quality.network.name,
        quality.accelerator.name,
        f"{quality.network.macs / 1e6:,.0f}",
        f"{cold:,}",
        f"{quality.cold:.3f}",
        f"{limits.cold / cold:.3f}",
        f"{warm:,}",
        f"{quality.warm:.3f}",
        f"{limits.warm / warm:.3f}",
        f"{len(quality.spills)}",
    )

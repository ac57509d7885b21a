"""`apollo sweep`: a network over values of parameters, with the sensitivity to each."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apollo import console
from apollo.console import ExitCode, guarded
from apollo.network_option import (
    Batch,
    Network,
    Partial,
    Shapes,
    Sparsity,
    left_out_json,
    open_network,
    open_workload,
    tell_left_out,
    tell_sparsity,
)
from apollo.options import Design, Json

if TYPE_CHECKING:
    from apollo.search.sweep import Point, Sweep
    from apollo.search.workload import Workload

_FIGURES = (
    ("latency_ms", "first, ms", ".3f"),
    ("warm_latency_ms", "following, ms", ".3f"),
    ("throughput_per_s", "1/s", ",.0f"),
    ("energy_uj", "µJ", ",.4g"),
    ("area_mm2", "mm²", ".2f"),
)


@guarded
def sweep(
    network: Network,
    over: Annotated[
        list[str], typer.Option(help="PARAMETER=VALUES: 16,32 or 5..30 or 1..9:2; repeatable.")
    ],
    design: Design = "edge_tpu_v1",
    batch: Batch = 1,
    shape: Shapes = None,
    partial: Partial = False,
    sparsity: Sparsity = None,
    output: Annotated[Path | None, typer.Option(help="CSV file to write.")] = None,
    json: Json = False,
) -> None:
    """Evaluate a network over values of a design's parameters, the batch or its size."""
    from apollo.arch.accelerator import load_design
    from apollo.search.levers import BATCH
    from apollo.search.sweep import SIZE, parse_axis
    from apollo.search.sweep import sweep as run
    from apollo.workloads.catalogue import resized, sizes_of

    model = open_network(network, batch, shape, partial)
    accelerator = load_design(design)

    def load(values: Mapping[str, int]) -> "Workload":
        name = resized(network, values[SIZE]) if SIZE in values else network
        return open_workload(name, values.get(BATCH, batch), shape, partial, sparsity)

    found = run(load, accelerator, [parse_axis(text, sizes_of(network)) for text in over])
    if output is not None:
        write_csv(found, output)
    if json:
        facts = {"network": model.graph.name, "design": accelerator.name, "batch": batch}
        console.print_json(facts | sweep_json(found) | left_out_json(model))
    else:
        tell_left_out(model)
        tell_sparsity(model, sparsity)
        print_sweep(f"{model.graph.name} on {accelerator.name}", found)
        if output is not None:
            typer.echo(f"{len(found.points)} points written to '{output}'.")
    if all(point.figures is None for point in found.points):
        console.fail("None of the points is feasible.", ExitCode.NOTHING_FEASIBLE)


def sweep_json(found: "Sweep") -> dict[str, Any]:
    """Points and sensitivities."""
    return {
        "points": [
            {
                "values": dict(point.values),
                **(asdict(point.figures) if point.figures else {}),
                "reason": point.reason,
                "elasticity": dict(point.elasticity),
            }
            for point in found.points
        ],
        "sensitivity": [asdict(item) for item in found.sensitivities],
    }


def print_sweep(title: str, found: "Sweep") -> None:
    """The table of the points, and of the sensitivities."""
    names = [axis.name for axis in found.axes]
    slopes = [f"d ln t/d ln {name}" for name in names]
    console.print_table(
        title,
        (*names, *(head for _, head, _ in _FIGURES), *slopes, "bound by "),
        [_row(names, point) for point in found.points],
    )
    if not found.sensitivities:
        return
    console.print_table(
        "Sensitivity over the whole range: -1 where twice the parameter halves the latency",
        ("parameter ", "mean", "least", "most", "lines"),
        (
            (s.axis, f"{s.mean:+.3f}", f"{s.least:+.3f}", f"{s.most:+.3f}", str(s.lines))
            for s in found.sensitivities
        ),
    )


def _row(names: Sequence[str], point: "Point") -> tuple[str, ...]:
    values = [f"{point.values[name]:,}" for name in names]
    if point.figures is None:
        return (*values, *["-"] * (len(_FIGURES) + len(names)), point.reason or "")
    figures = [format(getattr(point.figures, name), form) for name, _, form in _FIGURES]
    slopes = [f"{point.elasticity[n]:+.3f}" if n in point.elasticity else "" for n in names]
    bound = f"{point.figures.bound_by} ({point.figures.bound_share:.0%})"
    return (*values, *figures, *slopes, bound)


def write_csv(found: "Sweep", path: Path) -> None:
    """A row for every point; figures are empty where it is infeasible."""
    names = [axis.name for axis in found.axes]
    figures = [name for name, _, _ in _FIGURES] + ["bound_by", "bound_share"]
    from apollo.arch.whole_file import whole_file

    with whole_file(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*names, *figures, *(f"elasticity_{n}" for n in names), "reason"])
        for point in found.points:
            row: list[object] = [point.values[name] for name in names]
            row += [getattr(point.figures, name, "") for name in figures]
            row += [point.elasticity.get(name, "") for name in names]
            writer.writerow([*row, point.reason or ""])

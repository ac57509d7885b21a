"""`apollo trace`: a run over time, in a file for a viewer (docs/trace.md)."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apollo.console import guarded
from apollo.program_command import is_program, run_program

if TYPE_CHECKING:
    from apollo.arch.accelerator import Accelerator
    from apollo.simulator.timeline import Timeline


@guarded
def trace(
    network: Annotated[
        str, typer.Argument(help="As for compile, or the path of a program file or listing.")
    ],
    design: Annotated[str, typer.Option(help="Preset, or the path of a .toml file.")] = (
        "edge_tpu_v1"
    ),
    batch: Annotated[int, typer.Option(help="Images an inference.")] = 1,
    warm: Annotated[bool, typer.Option(help="Show a following inference, not the first.")] = False,
    window: Annotated[
        str | None, typer.Option(help="FIRST:LAST, only the cycles from FIRST to before LAST.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "-o", "--file", help="File to write: .pftrace for Perfetto, .vcd for waveforms."
        ),
    ] = None,
) -> None:
    """Write what every engine does when, to look at in a viewer."""
    from apollo.simulator.trace.files import check_suffix, write_trace
    from apollo.simulator.trace.window import parse_window, whole

    if file is not None:
        check_suffix(file)
    name, title, timeline, accelerator = _run(network, design, batch, warm)
    run = whole(timeline.latency_cycles)
    part = run if window is None else parse_window(window, timeline.latency_cycles)
    path = file or Path(_file_name(name, accelerator.name))
    write_trace(timeline, accelerator, path, title=title, window=part)
    viewer = "GTKWave or Surfer" if path.suffix == ".vcd" else "the viewer at ui.perfetto.dev"
    typer.echo(
        f"{part.cycles:,} of {run.cycles:,} cycles written to '{path}'; open it in {viewer}."
    )


def _run(
    network: str, design: str, batch: int, warm: bool
) -> "tuple[str, str, Timeline, Accelerator]":
    """Name, title, run and design of what is traced."""
    import apollo

    if is_program(network):
        if warm:
            raise ValueError("--warm is for networks; a program is one inference.")
        name = Path(network).stem
        timeline, accelerator = run_program(network, design, batch)
        return name, f"{name} on {accelerator.name}", timeline, accelerator
    graph = apollo.load(network, batch)
    measurement = apollo.evaluate(graph, design)
    timeline = measurement.warm if warm else measurement.cold
    accelerator = measurement.accelerator
    title = f"{graph.name} on {accelerator.name}, {'warm' if warm else 'cold'}"
    return graph.name, title, timeline, accelerator


def _file_name(network: str, design: str) -> str:
    return re.sub(r"[^\w.-]+", "_", f"{network}_{design}") + ".pftrace"

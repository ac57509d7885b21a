"""`apollo trace`: a run over time, in a file for a viewer (docs/trace.md)."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apollo import console
from apollo.console import guarded
from apollo.network_option import (
    Batch,
    NetworkOrProgram,
    Partial,
    Shapes,
    Sparsity,
    left_out_json,
    masks_for,
    open_network,
    tell_left_out,
    tell_sparsity,
)
from apollo.options import Design, Json
from apollo.program_command import is_program, run_program

if TYPE_CHECKING:
    from apollo.arch.accelerator import Accelerator
    from apollo.simulator.timeline import Timeline
    from apollo.workloads.graph import Graph
    from apollo.workloads.sparsity import Masks


@guarded
def trace(
    network: NetworkOrProgram,
    design: Design = "edge_tpu_v1",
    batch: Batch = 1,
    shape: Shapes = None,
    partial: Partial = False,
    sparsity: Sparsity = None,
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
    json: Json = False,
) -> None:
    """Write what every engine does when, to look at in a viewer."""
    from apollo.simulator.trace.files import check_suffix, write_trace
    from apollo.simulator.trace.window import parse_window, whole

    if file is not None:
        check_suffix(file)
    if is_program(network):
        if warm:
            raise ValueError("--warm is for networks; a program is one inference.")
        name = Path(network).stem
        timeline, accelerator = run_program(network, design, batch, sparsity)
        title, left_out = f"{name} on {accelerator.name}", {}
    else:
        model = open_network(network, batch, shape, partial)
        left_out = left_out_json(model)
        if not json:
            tell_left_out(model)
            tell_sparsity(model, sparsity)
        name = model.graph.name
        masks = masks_for(model, sparsity)
        title, timeline, accelerator = _run(model.graph, design, masks, warm)
    run = whole(timeline.latency_cycles)
    part = run if window is None else parse_window(window, timeline.latency_cycles)
    path = file or Path(_file_name(name, accelerator.name))
    write_trace(timeline, accelerator, path, title=title, window=part)
    viewer = "GTKWave or Surfer" if path.suffix == ".vcd" else "the viewer at ui.perfetto.dev"
    sentence = f"{part.cycles:,} of {run.cycles:,} cycles written to '{path}'; open it in {viewer}."
    facts = {"file": str(path), "title": title, "first_cycle": part.first, "cycles": part.cycles}
    console.tell(sentence, facts | {"run_cycles": run.cycles} | left_out, json)


def _run(
    graph: "Graph", design: str, masks: "Masks | None", warm: bool
) -> "tuple[str, Timeline, Accelerator]":
    """Title, run and design of a network that is traced."""
    import apollo

    measurement = apollo.evaluate(graph, design, masks)
    timeline = measurement.warm if warm else measurement.cold
    accelerator = measurement.accelerator
    title = f"{graph.name} on {accelerator.name}, {'warm' if warm else 'cold'}"
    return title, timeline, accelerator


def _file_name(network: str, design: str) -> str:
    return re.sub(r"[^\w.-]+", "_", f"{network}_{design}") + ".pftrace"

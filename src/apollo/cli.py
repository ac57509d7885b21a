"""The command line. Imports are inside the commands, so that `apollo --help` is quick."""

from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from apollo import console, measurement_view, views
from apollo.compare_command import compare
from apollo.compiler_option import Fix, Sparse, States, open_options, refuse_for_programs
from apollo.config_command import GROUP as CONFIG
from apollo.config_command import app as config
from apollo.config_command import apply_settings
from apollo.console import guarded
from apollo.contest_command import contest
from apollo.dashboard_command import dashboard
from apollo.doctor import DISTRIBUTION
from apollo.doctor_command import doctor
from apollo.explain_command import explain
from apollo.explore_command import explore
from apollo.network_option import (
    Batch,
    Network,
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
from apollo.place_command import app as place
from apollo.program_command import assemble, disassemble, is_program, save, show_run
from apollo.report_command import report
from apollo.reproduce_command import reproduce
from apollo.study_command import app as study
from apollo.sweep_command import sweep
from apollo.trace_command import trace
from apollo.verify_command import verify
from apollo.vizier_command import vizier_service
from apollo.worker_command import worker
from apollo.workloads_command import app as workloads

app = typer.Typer(
    name="apollo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(workloads, name="workloads")
app.add_typer(study, name="study")
app.add_typer(place, name="place")
app.add_typer(config, name=CONFIG)


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(metadata.version(DISTRIBUTION))
        raise typer.Exit


@app.callback()
@guarded
def apollo_command(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", help="The version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Design machine-learning accelerators by search."""
    apply_settings(context)


app.command()(explore)
app.command()(contest)
app.command()(report)
app.command()(dashboard)
app.command()(worker)
app.command("vizier-service")(vizier_service)


@app.command()
@guarded
def simulate(
    network: NetworkOrProgram,
    design: Design = "edge_tpu_v1",
    batch: Batch = 1,
    shape: Shapes = None,
    partial: Partial = False,
    sparsity: Sparsity = None,
    fix: Fix = None,
    states: States = None,
    sparse: Sparse = None,
    json: Json = False,
) -> None:
    """Run a network or a program on a design: latency, utilisation, stalls, by layer too."""
    import apollo

    options = open_options(fix, states, sparse)
    if is_program(network):
        refuse_for_programs(options)
        show_run(network, design, batch, sparsity, json)
        return
    model = open_network(network, batch, shape, partial)
    masks = masks_for(model, sparsity)
    measurement = apollo.evaluate(model.graph, design, masks, options)
    if json:
        shown = measurement_view.measurement_json(model.graph, measurement)
        console.print_json(shown | left_out_json(model))
    else:
        tell_left_out(model)
        tell_sparsity(model, sparsity)
        measurement_view.print_measurement(model.graph, measurement)


@app.command("compile")
@guarded
def compile_command(
    network: Network,
    design: Design = "edge_tpu_v1",
    batch: Batch = 1,
    shape: Shapes = None,
    partial: Partial = False,
    sparsity: Sparsity = None,
    listing: Annotated[bool, typer.Option(help="The program, an instruction a line.")] = False,
    warm: Annotated[bool, typer.Option(help="A following inference, not the first.")] = False,
    program_file: Annotated[
        Path | None, typer.Option("--program", help="Program file to write.")
    ] = None,
    dump: Annotated[
        Path | None, typer.Option(help="Folder for the artifact of every stage, as text.")
    ] = None,
    fix: Fix = None,
    states: States = None,
    sparse: Sparse = None,
    json: Json = False,
) -> None:
    """Compile a network for a design and show the program."""
    import apollo
    from apollo.arch.listing import listing as lines
    from apollo.compiler.dump import write_artifacts

    model = open_network(network, batch, shape, partial)
    options = open_options(fix, states, sparse)
    compiled = apollo.compile(model.graph, design, masks_for(model, sparsity), options)
    program = compiled.warm if warm else compiled.cold
    written = [] if program_file is None else [save(program, program_file)]
    if dump is not None:
        files = write_artifacts(model.graph, compiled, dump)
        written.append(f"{len(files)} artifacts written to '{dump}', {files[0].name} and so on.")
    if json:
        console.print_json(views.program_json(program) | left_out_json(model))
    elif listing:
        tell_left_out(model, "# ")
        tell_sparsity(model, sparsity, "# ")
        for line in lines(program):
            typer.echo(line)
    else:
        tell_left_out(model)
        tell_sparsity(model, sparsity)
        views.print_program(program)
        for sentence in written:
            typer.echo(sentence)


app.command()(explain)
app.command()(sweep)
app.command()(compare)
app.command()(trace)
app.command()(verify)
app.command()(reproduce)
app.command()(assemble)
app.command()(disassemble)
app.command()(doctor)


@app.command()
@guarded
def designs(json: Json = False) -> None:
    """List the presets, and the designs of plug-ins."""
    from apollo.arch.accelerator import design_names, load_design

    found = [*console.each_that_works(design_names(), load_design)]
    if json:
        console.print_json([views.design_json(design) for design in found])
    else:
        views.print_designs(found)

"""`apollo workloads`: the networks that run, their layers, their sparsity and their picture."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apollo import console, workloads_view
from apollo.console import guarded
from apollo.network_option import (
    Batch,
    Network,
    Partial,
    Shapes,
    Sparsity,
    left_out_json,
    open_network,
    tell_left_out,
)
from apollo.options import Json

if TYPE_CHECKING:
    from apollo.workloads.model import Model
    from apollo.workloads.picture import Colouring
    from apollo.workloads_view import Sparsity as Figures

app = typer.Typer(help="The networks that run.")


class Prune(StrEnum):
    """How layers share the sparsity."""

    LAYER = "layer"
    GLOBAL = "global"


class Kinds(StrEnum):
    """Which layers are pruned."""

    POINTWISE = "pointwise"
    MATRICES = "matrices"
    ALL = "all"


class Colour(StrEnum):
    """What the colours of a picture say."""

    MACS = "macs"
    PARAMETERS = "parameters"
    ACTIVATIONS = "activations"
    DENSITY = "density"


@app.callback(invoke_without_command=True)
@guarded
def workloads(context: typer.Context, json: Json = False) -> None:
    """List the built-in networks and those of plug-ins, show the layers of one, or draw it."""
    if context.invoked_subcommand is not None:
        return
    from apollo.plugins import Group, names
    from apollo.workloads.catalogue import listing, plugin_listing

    added = console.each_that_works(names(Group.NETWORKS), plugin_listing)
    variants = [*listing(), *(variant for network in added for variant in network)]
    if json:
        console.print_json(workloads_view.variants_json(variants))
    else:
        workloads_view.print_variants(variants)


@app.command()
@guarded
def show(
    network: Network,
    batch: Batch = 1,
    shape: Shapes = None,
    partial: Partial = False,
    sparsity: Sparsity = None,
    prune: Annotated[Prune, typer.Option(help="By layer, or one threshold.")] = Prune.LAYER,
    block: Annotated[str, typer.Option(help="Pruned together: outputs x inputs.")] = "1x1",
    layers: Annotated[Kinds, typer.Option(help="Which layers are pruned.")] = Kinds.ALL,
    ends: Annotated[
        bool, typer.Option("--ends", help="The first full convolution and the final layers, too.")
    ] = False,
    json: Json = False,
) -> None:
    """Layers, multiply-accumulates and parameters of a network; what pruning makes of them."""
    model = open_network(network, batch, shape, partial)
    if sparsity is None:
        _refuse_unless_default(prune, block, layers, ends)
        found = None
    else:
        found = _pruned(model, sparsity, prune, block, layers, ends)
    if json:
        shown = workloads_view.graph_json(model.graph, found)
        console.print_json(shown | left_out_json(model))
        return
    tell_left_out(model)
    if found is None:
        workloads_view.print_graph(model.graph)
    else:
        workloads_view.print_sparsity(model.graph, found)


@app.command()
@guarded
def picture(
    network: Network,
    file: Annotated[Path, typer.Option("-o", "--file", help="SVG file to write.")],
    colour: Annotated[Colour, typer.Option(help="What the colours say.")] = Colour.MACS,
    values: Annotated[
        Path | None, typer.Option(help="CSV file: colours by its second column, of operators.")
    ] = None,
    sparsity: Sparsity = None,
    batch: Batch = 1,
    shape: Shapes = None,
    partial: Partial = False,
    json: Json = False,
) -> None:
    """Draw a network: its operators, coloured by a count, the density or a column of a file."""
    from apollo.arch.whole_file import whole_file
    from apollo.workloads.picture import draw

    if sparsity is not None and (colour is not Colour.DENSITY or values is not None):
        raise ValueError("--sparsity must come with --colour density.")
    model = open_network(network, batch, shape, partial)
    if not json:
        tell_left_out(model)
    drawn = draw(model.graph, _colouring(model, colour, values, sparsity))
    with whole_file(file) as part:
        part.write_text(drawn, encoding="utf-8")
    count = len(model.graph.operators)
    facts = {"file": str(file), "operators": count} | left_out_json(model)
    console.tell(f"{count} operators drawn to '{file}'.", facts, json)


def _colouring(
    model: "Model", colour: Colour, values: Path | None, sparsity: float | None
) -> "Colouring":
    from apollo.workloads.picture import by_count, by_density, from_csv

    if values is not None:
        return from_csv(values, model.graph)
    if colour is not Colour.DENSITY:
        return by_count(model.graph, colour.value)
    if sparsity is None:
        from apollo.workloads.sparsity import statistics, with_values

        return by_density(statistics(with_values(model)[0]))
    found = _pruned(model, sparsity, Prune.LAYER, "1x1", Kinds.ALL, ends=False)
    return by_density(found.rows)


def _refuse_unless_default(prune: Prune, block: str, layers: Kinds, ends: bool) -> None:
    if (prune, block, layers, ends) != (Prune.LAYER, "1x1", Kinds.ALL, False):
        raise ValueError("--prune, --block, --layers and --ends must come with --sparsity.")


def _pruned(
    model: "Model",
    sparsity: float,
    prune: Prune,
    block: str,
    layers: Kinds,
    ends: bool,
) -> "Figures":
    """The network with weights of its own or random ones, pruned, in figures."""
    from apollo.workloads import sparsity as sparse

    shape, wanted = sparse.Block.parse(block), sparse.Layers(layers.value)
    valued, is_random = sparse.with_values(model)
    share = sparse.Share(prune.value)
    pruned = sparse.prune(valued, sparsity, layers=wanted, share=share, block=shape, ends=ends)
    names = sparse.pruned_names(model.graph, wanted, ends)
    return workloads_view.Sparsity(sparse.statistics(pruned), names, is_random)

"""`apollo workloads`: the networks that run, their layers, their sparsity and their picture."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apollo import console, workloads_view
from apollo.console import guarded

if TYPE_CHECKING:
    from apollo.workloads.graph import Graph
    from apollo.workloads.picture import Colouring
    from apollo.workloads_view import Sparsity

app = typer.Typer(help="The networks that run.")

Network = Annotated[
    str, typer.Argument(help="Built-in name, gemm:MxKxN, conv:…, or the path of an .onnx file.")
]
Batch = Annotated[int, typer.Option(help="Images an inference.")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of tables.")]
Wanted = Annotated[float | None, typer.Option(help="Share of the weights to prune, as 0.8.")]


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
    """List the built-in networks, show the layers of one, or draw it."""
    if context.invoked_subcommand is not None:
        return
    from apollo.workloads.catalogue import listing

    if json:
        console.print_json(workloads_view.variants_json(listing()))
    else:
        workloads_view.print_variants(listing())


@app.command()
@guarded
def show(
    network: Network,
    batch: Batch = 1,
    sparsity: Wanted = None,
    prune: Annotated[Prune, typer.Option(help="By layer, or one threshold.")] = Prune.LAYER,
    block: Annotated[str, typer.Option(help="Pruned together: outputs x inputs.")] = "1x1",
    layers: Annotated[Kinds, typer.Option(help="Which layers are pruned.")] = Kinds.ALL,
    ends: Annotated[
        bool, typer.Option("--ends", help="The first full convolution and the final layers, too.")
    ] = False,
    json: Json = False,
) -> None:
    """Layers, multiply-accumulates and parameters of a network; what pruning makes of them."""
    import apollo

    graph = apollo.load(network, batch)
    if sparsity is None:
        _refuse_unless_default(prune, block, layers, ends)
        found = None
    else:
        found = _pruned(network, graph, sparsity, prune, block, layers, ends)
    if json:
        console.print_json(workloads_view.graph_json(graph, found))
    elif found is None:
        workloads_view.print_graph(graph)
    else:
        workloads_view.print_sparsity(graph, found)


@app.command()
@guarded
def picture(
    network: Network,
    file: Annotated[Path, typer.Option("-o", "--file", help="SVG file to write.")],
    colour: Annotated[Colour, typer.Option(help="What the colours say.")] = Colour.MACS,
    values: Annotated[
        Path | None, typer.Option(help="CSV file: colours by its second column, of operators.")
    ] = None,
    sparsity: Wanted = None,
    batch: Batch = 1,
) -> None:
    """Draw a network: its operators, coloured by a count, the density or a column of a file."""
    import apollo
    from apollo.workloads.picture import draw

    if sparsity is not None and (colour is not Colour.DENSITY or values is not None):
        raise ValueError("--sparsity must come with --colour density.")
    graph = apollo.load(network, batch)
    file.write_text(
        draw(graph, _colouring(network, graph, colour, values, sparsity)), encoding="utf-8"
    )
    typer.echo(f"{len(graph.operators)} operators drawn to '{file}'.")


def _colouring(
    network: str, graph: "Graph", colour: Colour, values: Path | None, sparsity: float | None
) -> "Colouring":
    from apollo.workloads.picture import by_count, by_density, from_csv

    if values is not None:
        return from_csv(values, graph)
    if colour is not Colour.DENSITY:
        return by_count(graph, colour.value)
    if sparsity is None:
        from apollo.workloads.sparsity import model_of, statistics

        return by_density(statistics(model_of(network, graph)[0]))
    found = _pruned(network, graph, sparsity, Prune.LAYER, "1x1", Kinds.ALL, ends=False)
    return by_density(found.rows)


def _refuse_unless_default(prune: Prune, block: str, layers: Kinds, ends: bool) -> None:
    if (prune, block, layers, ends) != (Prune.LAYER, "1x1", Kinds.ALL, False):
        raise ValueError("--prune, --block, --layers and --ends must come with --sparsity.")


def _pruned(
    network: str,
    graph: "Graph",
    sparsity: float,
    prune: Prune,
    block: str,
    layers: Kinds,
    ends: bool,
) -> "Sparsity":
    """The network with weights of its own or random ones, pruned, in figures."""
    from apollo.workloads import sparsity as sparse

    shape, wanted = sparse.Block.parse(block), sparse.Layers(layers.value)
    model, is_random = sparse.model_of(network, graph)
    share = sparse.Share(prune.value)
    pruned = sparse.prune(model, sparsity, layers=wanted, share=share, block=shape, ends=ends)
    names = sparse.pruned_names(graph, wanted, ends)
    return workloads_view.Sparsity(sparse.statistics(pruned), names, is_random)

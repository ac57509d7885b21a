"""`apollo workloads`: the networks that run, their layers, their sparsity and their picture."""

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apollo import console, workloads_view
from apollo.console import guarded

if TYPE_CHECKING:
    from apollo.workloads.graph import Graph
    from apollo.workloads.model import Model
    from apollo.workloads.picture import Colouring
    from apollo.workloads.sparsity import SparsityRow

app = typer.Typer(help="The networks that run.")

Network = Annotated[
    str, typer.Argument(help="Built-in name, gemm:MxKxN, conv:…, or the path of an .onnx file.")
]
Batch = Annotated[int, typer.Option(help="Images an inference.")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of tables.")]
Wanted = Annotated[float | None, typer.Option(help="Share of the weights to prune, as 0.8.")]
Blocks = Annotated[str, typer.Option(help="Pruned together: output channels x inputs, as 1x4.")]
Ends = Annotated[
    bool, typer.Option(help="Prune also the first full convolution and the final layers.")
]


class Prune(str, Enum):
    """How layers share the sparsity."""

    layer = "layer"
    whole = "global"


class Kinds(str, Enum):
    """Which layers are pruned."""

    pointwise = "pointwise"
    matrices = "matrices"
    all = "all"


class Colour(str, Enum):
    """What the colours of a picture say."""

    macs = "macs"
    parameters = "parameters"
    activations = "activations"
    density = "density"


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
    prune: Annotated[Prune, typer.Option(help="By layer, or one threshold.")] = Prune.layer,
    block: Blocks = "1x1",
    layers: Annotated[Kinds, typer.Option(help="Which layers are pruned.")] = Kinds.all,
    ends: Ends = False,
    json: Json = False,
) -> None:
    """Layers, multiply-accumulates and parameters of a network; what pruning makes of them."""
    import apollo

    graph = apollo.load(network, batch)
    found = None if sparsity is None else _pruned(graph, sparsity, prune, block, layers, ends)
    if json:
        console.print_json(workloads_view.graph_json(graph, found))
    else:
        workloads_view.print_graph(graph, found)


@app.command()
@guarded
def picture(
    network: Network,
    file: Annotated[Path, typer.Option("-o", "--file", help="SVG file to write.")],
    colour: Annotated[Colour, typer.Option(help="What the colours say.")] = Colour.macs,
    values: Annotated[
        Path | None,
        typer.Option(help="CSV file of layers and numbers, to colour by its second column."),
    ] = None,
    batch: Batch = 1,
    sparsity: Wanted = None,
    prune: Annotated[Prune, typer.Option(help="By layer, or one threshold.")] = Prune.layer,
    block: Blocks = "1x1",
    layers: Annotated[Kinds, typer.Option(help="Which layers are pruned.")] = Kinds.all,
    ends: Ends = False,
) -> None:
    """Draw a network: its operators, coloured by a count, the density or a column of a file."""
    import apollo
    from apollo.workloads.picture import draw

    graph = apollo.load(network, batch)
    wanted = 0.0 if sparsity is None and colour is Colour.density else sparsity
    rows = None
    if wanted is not None:
        rows = _pruned(graph, wanted, prune, block, layers, ends).rows
    file.write_text(draw(graph, _colouring(graph, colour, values, rows)), encoding="utf-8")
    typer.echo(f"{len(graph.operators)} operators drawn to '{file}'.")


def _colouring(
    graph: "Graph", colour: Colour, values: Path | None, rows: "Sequence[SparsityRow] | None"
) -> "Colouring":
    from apollo.workloads.picture import by_count, by_density, from_csv

    if values is not None:
        return from_csv(values, graph)
    if colour is Colour.density and rows is not None:
        return by_density(rows)
    return by_count(graph, colour.value)

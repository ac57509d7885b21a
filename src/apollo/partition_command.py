"""`apollo place partition`: graphs with measured times, cut for a pipeline or for latency."""

from typing import TYPE_CHECKING, Annotated

import typer

from apollo import completion, console
from apollo.bounds import check_number, check_seed
from apollo.console import guarded
from apollo.options import Json

if TYPE_CHECKING:
    from apollo.search.placement.partition.table import PartitionRow

GraphName = Annotated[
    str,
    typer.Argument(
        help="throughput/gnmt_inference, latency/…, or the path of a .json file.",
        autocompletion=completion.partition_graphs,
    ),
]


@guarded
def partition(
    graph: GraphName,
    optimizer: Annotated[
        str,
        typer.Option(
            help="rl, evolutionary, p3bo, … with commas between.",
            autocompletion=completion.listed(completion.placers),
        ),
    ] = "rl",
    objective: Annotated[
        str | None, typer.Option(help="max_load or latency; else as the graph's folder says.")
    ] = None,
    simulations: Annotated[int, typer.Option(help="Placements that each may try.")] = 5000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same placements.")] = 0,
    json: Json = False,
) -> None:
    """Cut a third-party graph: the methods of its paper, and optimizers beside them."""
    check_number("--simulations", simulations)
    check_seed(seed)
    from apollo.search.placement.partition.beside import optimizer_rows
    from apollo.search.placement.partition.table import partition_table

    rows = [
        *optimizer_rows(graph, objective, optimizer.split(","), simulations, seed),
        *partition_table([graph], None, seed, objective),
    ]
    if json:
        console.print_json([{**row._asdict(), "objective": row.objective.value} for row in rows])
        return
    bound = next((row.bound_ms for row in rows if row.bound_ms is not None), None)
    title = f"{graph}, {rows[0].objective.value}"
    title += "" if bound is None else f": no placement is below {bound:,.2f} ms"
    columns = ("method ", "cost (ms)", "published", "note ")
    console.print_table(title, columns, map(_row, rows))


def _row(row: "PartitionRow") -> tuple[str, ...]:
    cost = "-" if row.cost_ms is None else f"{row.cost_ms:,.2f}"
    published = "" if row.published_ms is None else f"{row.published_ms:,.1f}"
    note = row.note or (f"lacks {row.lacking_bytes:,} bytes" if row.lacking_bytes else "")
    return row.method, cost, published, note

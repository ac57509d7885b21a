"""`apollo verify`: Apollo beside published figures (docs/verification.md)."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apollo import completion, console
from apollo.console import ExitCode, guarded
from apollo.options import Json

if TYPE_CHECKING:
    from apollo.search.verify.figures import Figure, Part


@guarded
def verify(
    parts: Annotated[
        list[str] | None,
        typer.Argument(
            help="systolic, tpu-v1, sparse, edgetpu, rnnt, compiler; all if none is named.",
            autocompletion=completion.verified_parts,
        ),
    ] = None,
    networks: Annotated[
        str | None,
        typer.Option(
            help="Networks for the part compiler, separated by commas; else all.",
            autocompletion=completion.listed(completion.networks),
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder for tables and figures of the parts that have any.")
    ] = None,
    json: Json = False,
) -> None:
    """Hold Apollo against published figures, closed forms, bounds; exit 4 if one is missed."""
    from apollo.search.verify.parts import parts_of

    chosen = parts_of(parts or [], networks)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)  # before minutes of work, if it cannot be
    results = [part() for part in chosen]
    if json:
        console.print_json([part_json(part) for part in results])
    else:
        for part in results:
            print_part(part)
    for part in results:
        if output is not None and part.write is not None:
            for path in part.write(output):
                typer.echo(f"'{path}' is written.", err=True)
    if missed := sum(len(part.misses) for part in results):
        figures = "figure misses" if missed == 1 else "figures miss"
        console.fail(f"{missed} {figures} the aim.", ExitCode.VERIFICATION_FAILED)


def part_json(part: "Part") -> dict[str, Any]:
    """A part with all its figures."""
    return {
        "part": part.name,
        "title": part.title,
        "holds": not part.misses,
        "notes": list(part.notes),
        "figures": [_figure_json(figure) for figure in part.figures],
        "tables": [
            {
                "title": table.title,
                "rows": [
                    dict(zip((name.strip() for name in table.columns), row, strict=True))
                    for row in table.rows
                ],
            }
            for table in part.tables
        ],
    }


def _figure_json(figure: "Figure") -> dict[str, Any]:
    return {
        "subject": figure.subject,
        "figure": figure.name,
        "reference": figure.reference,
        "ours": figure.ours,
        "difference": figure.difference,
        "relative": figure.is_relative,
        "tolerance": figure.tolerance,
        "holds": figure.holds,
        "explanation": figure.explanation,
    }


def print_part(part: "Part") -> None:
    """The table, what it means, and what was missed."""
    console.print_table(part.title, part.columns, part.rows)
    for table in part.tables:
        console.print_table(table.title, table.columns, table.rows)
    for note in part.notes:
        typer.echo(note)
    aimed = [figure for figure in part.figures if figure.tolerance is not None]
    typer.echo(f"{len(aimed) - len(part.misses)} of {len(aimed)} aims are met.")
    for figure in part.misses:
        typer.echo(f"* {figure.sentence()}")
    typer.echo("")

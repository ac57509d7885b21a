"""`apollo report`: one page about studies, to read and to send."""

from pathlib import Path
from typing import Annotated

import typer

from apollo import console
from apollo.console import guarded
from apollo.options import RESULTS, Json, Output, Storage, StudyNames


@guarded
def report(
    studies: StudyNames,
    file: Annotated[
        Path | None,
        typer.Option("-o", "--file", help="File to write; report.html in the study's folder."),
    ] = None,
    trial: Annotated[
        int | None, typer.Option(help="Shown in detail at first; the best if not.")
    ] = None,
    output: Output = RESULTS,
    storage: Storage = None,
    json: Json = False,
) -> None:
    """Write a page with the figures and tables of studies, one file that needs no network."""
    from apollo.search.reports import report_studies

    written = report_studies(studies, output, file, trial, storage)
    size = written.path.stat().st_size
    for note in written.notes:
        typer.echo(f"apollo: {note}", err=True)
    if json:
        facts = {"studies": studies, "file": str(written.path), "bytes": size}
        console.print_json(facts | {"notes": list(written.notes)})
    else:
        names = ", ".join(studies)
        typer.echo(f"Report of {names} written to '{written.path}' ({size / 1e6:.1f} MB).")

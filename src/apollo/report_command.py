"""`apollo report`: one page about studies, to read and to send."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apollo.console import guarded

if TYPE_CHECKING:
    from apollo.search.report.source import Source

RESULTS = Path("results")


@guarded
def report(
    studies: Annotated[list[str], typer.Argument(help="Names of studies.")],
    file: Annotated[
        Path | None,
        typer.Option("-o", "--file", help="File to write; report.html of the study's folder."),
    ] = None,
    design: Annotated[
        int | None, typer.Option(help="Trial that is shown in detail at first; the best if not.")
    ] = None,
    storage: Annotated[
        str | None, typer.Option(help="Database: a path or postgresql://…; the folder's if not.")
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder of studies.")] = RESULTS,
) -> None:
    """Write a page with the figures and tables of studies, one file that needs no network."""
    from apollo.search.report.page import write_report

    if len(set(studies)) < len(studies):
        raise ValueError(f"A report must name each study once, not {', '.join(studies)}.")
    chosen = [None if number else design for number in range(len(studies))]
    sources = [
        _source(study, output, storage, trial) for study, trial in zip(studies, chosen, strict=True)
    ]
    path = file or _usual_path(output, studies, storage)
    write_report(sources, path, design)
    size = path.stat().st_size / 1e6
    typer.echo(f"Report of {', '.join(studies)} written to '{path}' ({size:.1f} MB).")


def _source(study: str, output: Path, storage: str | None, design: int | None) -> "Source":
    """A study with the details that its report shows; those that lack are computed and stored."""
    from apollo.search.details.complete import complete
    from apollo.search.report.source import Source
    from apollo.search.studies import open_study, row_of

    with open_study(output, study, storage) as store:
        row = row_of(store, study)
        also = [] if design is None else [_point(Source.read(store, row), design)]
        typer.echo(f"Reading {study} …", err=True)
        note = complete(store, study, also)
        return Source.read(store, row, note)


def _point(source: "Source", number: int) -> int:
    """The point of a trial that can be shown in detail."""
    if not 0 <= number < len(source.trials):
        raise ValueError(
            f"--design must be a trial of '{source.name}', 0 to {len(source.trials) - 1}, "
            f"not {number}."
        )
    trial = source.trials[number]
    if trial.resource == "machine":
        raise ValueError(f"Trial {number} of '{source.name}' is no machine: {trial.reason}")
    return trial.index


def _usual_path(output: Path, studies: list[str], storage: str | None) -> Path:
    """In the folder of a single study, else in that of studies."""
    if len(studies) == 1 and storage is None and (output / studies[0]).is_dir():
        return output / studies[0] / "report.html"
    return Path(f"{'-'.join(studies)}-report.html")

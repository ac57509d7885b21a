"""`apollo reproduce`: the published studies, from one command each (docs/reproduction.md)."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from apollo import completion, console
from apollo.bounds import MOST_JOBS, check_number
from apollo.console import ExitCode, guarded
from apollo.options import RESULTS, Jobs, Json, Output

if TYPE_CHECKING:
    from apollo.search.reproduce.estimate import Estimate
    from apollo.search.reproduce.plan import Plan

APOLLO = "apollo"
PUBLISHED = Path("results/published")


@guarded
def reproduce(
    system: Annotated[
        str,
        typer.Argument(
            help="apollo, sparse, tpu or placement.", autocompletion=completion.published_systems
        ),
    ],
    part: Annotated[
        list[str] | None,
        typer.Option(help="Of apollo: a part to run, repeatable; all if none is named."),
    ] = None,
    without: Annotated[
        list[str] | None, typer.Option(help="A part that is left out; repeatable.")
    ] = None,
    jobs: Jobs = 2,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would run, and how long.")
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="On small networks with few trials, to see it work.")
    ] = False,
    document: Annotated[
        Path | None, typer.Option(help="Page whose marked part gets the claims.")
    ] = None,
    published: Annotated[Path, typer.Option(help="Folder of tables and figures.")] = PUBLISHED,
    output: Output = RESULTS,
    json: Json = False,
) -> None:
    """Reproduce a published study: rows, figures, and its statements beside ours; resumes."""
    if system != APOLLO:
        if part or without or dry_run or document is not None:
            raise ValueError("--part, --without, --dry-run and --document are of apollo only.")
        _reproduce_other(system, published / system, output, quick=quick, json=json)
        return
    check_number("--jobs", jobs, most=MOST_JOBS)
    from apollo.search.reproduce.document import around
    from apollo.search.reproduce.plan import published_plan, quick_plan
    from apollo.search.reproduce.study import part_names

    if document is not None:
        around(document)
    plan = quick_plan() if quick else published_plan()
    parts = part_names(plan, part or [], without or [])
    folder = output / ("reproduce-quick" if quick else "reproduce")
    estimates = [each for each in _estimates(plan, folder) if each.part in parts]
    if dry_run:
        _show_plan(estimates, jobs, json)
        return
    (published / APOLLO).mkdir(parents=True, exist_ok=True)  # before hours of work, if it cannot be
    _run(plan, folder, estimates, jobs)
    _publish(plan, folder, published / APOLLO, document, json)


def _estimates(plan: "Plan", folder: Path) -> "list[Estimate]":
    from apollo.search.reproduce.estimate import estimates_of, milliseconds_of

    return estimates_of(plan, folder, milliseconds_of(plan))


def _show_plan(estimates: "list[Estimate]", jobs: int, json: bool) -> None:
    minutes = {each.part: each.seconds / jobs / 60 for each in estimates}
    if json:
        console.print_json([vars(each) | {"minutes": minutes[each.part]} for each in estimates])
        return
    columns = ("part ", "runs", "done", "minutes to go")
    rows = [
        (each.part, f"{each.runs}", f"{each.done}", f"{minutes[each.part]:.1f}")
        for each in estimates
    ]
    console.print_table(f"What is left, on {jobs} processes", columns, rows)
    typer.echo(f"About {sum(minutes.values()):.0f} minutes in all.")


def _run(plan: "Plan", folder: Path, estimates: "list[Estimate]", jobs: int) -> None:
    from apollo.search.reproduce.study import reproduce as run

    left = sum(each.seconds for each in estimates) / jobs
    began = time.monotonic()

    def follow(part: str, done: int, count: int, name: str) -> None:
        minutes = (time.monotonic() - began) / 60
        text = f"{part} {done} of {count}: {name}; {minutes:.1f} of about {left / 60:.0f} minutes"
        typer.echo(text, err=True)

    try:
        run(plan, folder, [each.part for each in estimates], jobs, follow)
    except KeyboardInterrupt:
        console.fail(
            "Interrupted; finished runs are kept and others go on: the same command resumes.",
            ExitCode.INTERRUPTED,
        )


def _publish(plan: "Plan", folder: Path, target: Path, document: Path | None, json: bool) -> None:
    from apollo.search.reproduce.document import fill
    from apollo.search.reproduce.publish import CLAIMS, publish

    found = publish(plan, folder, target)
    typer.echo(f"{len(found.files)} files are written to '{target}'.", err=True)
    if document is not None:
        fill(document, (target / CLAIMS).read_text(encoding="utf-8"))
    if json:
        console.print_json(
            [
                {"statement": claim.statement, "published": claim.published, **vars(finding)}
                for claim, finding in found.findings
            ]
        )
        return
    rows = [(claim.statement, str(finding.verdict)) for claim, finding in found.findings]
    console.print_table("Published statements", ("statement ", "verdict "), rows)


def _reproduce_other(system: str, target: Path, output: Path, *, quick: bool, json: bool) -> None:
    from apollo.search.reproduce.others import Work, reproduce_other

    work = Work(target, output, quick, lambda text: typer.echo(text, err=True))
    rows, files = reproduce_other(system, work)
    typer.echo(f"{len(files)} files are written to '{target}'.", err=True)
    if json:
        console.print_json(rows)
        return
    columns = tuple(f"{name} " for name in rows[0])
    texts = [tuple(_text(value) for value in row.values()) for row in rows]
    console.print_table(f"{system}: published beside ours", columns, texts)


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)

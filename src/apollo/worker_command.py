"""`apollo worker`: a process that evaluates for a study elsewhere."""

from typing import Annotated

import typer

from apollo import completion, console
from apollo.bounds import check_number
from apollo.console import guarded
from apollo.options import Json


@guarded
def worker(
    storage: Annotated[str, typer.Option(help="Where the study is: a path or postgresql://…")],
    study: Annotated[
        str, typer.Option(help="Name of the study.", autocompletion=completion.studies)
    ],
    idle: Annotated[
        float | None, typer.Option(help="Seconds without a point after which to end.")
    ] = None,
    json: Json = False,
) -> None:
    """Evaluate points of a study that `apollo explore --share` runs, on any machine."""
    if idle is not None:
        check_number("--idle", idle, least=0)
    from apollo.search.store import Store
    from apollo.search.worker import work

    with Store(storage) as store:
        done = work(store, study, idle_s=idle)
    if json:
        console.print_json({"study": study, "points": done})
    else:
        typer.echo(f"{done} points evaluated.", err=True)

"""`apollo vizier-service`: our optimizers for clients of google-vizier."""

from pathlib import Path
from typing import Annotated

import typer

from apollo import console
from apollo.bounds import MOST_PORT, check_number
from apollo.console import guarded
from apollo.options import Json


@guarded
def vizier_service(
    database: Annotated[Path, typer.Option(help="File of the service's studies.")] = Path(
        "results/vizier.db"
    ),
    port: Annotated[int | None, typer.Option(help="A free one if none is named.")] = None,
    json: Json = False,
) -> None:
    """Serve Vizier studies on this machine; theirs may name `apollo:evolutionary` and others."""
    if port is not None:
        check_number("--port", port, most=MOST_PORT)
    from apollo.search.vizier_service import serve

    serve(database, port, lambda address: console.tell_address(address, json))

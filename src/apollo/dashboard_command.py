"""`apollo dashboard`: a study in the browser, while it runs."""

from typing import Annotated

import typer

from apollo import console
from apollo.console import guarded
from apollo.options import RESULTS, Json, Output, Storage, StudyName


@guarded
def dashboard(
    study: StudyName,
    port: Annotated[int, typer.Option(help="Of this machine; 0 is any that is free.")] = 8080,
    output: Output = RESULTS,
    storage: Storage = None,
    json: Json = False,
) -> None:
    """Show a study in the browser and follow it while it runs, until Ctrl-C."""
    from apollo.search.dashboard.server import serve
    from apollo.search.studies import open_study

    with open_study(output, study, storage) as store:
        serve(store, study, port, lambda address: console.tell_address(address, json))

"""Options that many commands have, so that they are the same in all of them."""

from pathlib import Path
from typing import Annotated

import typer

from apollo import completion

Design = Annotated[
    str,
    typer.Option(help="Preset, or the path of a .toml file.", autocompletion=completion.designs),
]
Baseline = Annotated[
    str, typer.Option(help="Design with reward 1.", autocompletion=completion.designs)
]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of text.")]
Storage = Annotated[
    str | None, typer.Option(help="Database: a path or postgresql://…; the folder's if not.")
]
Jobs = Annotated[int, typer.Option("-j", "--jobs", help="Processes that evaluate.")]
ClusterName = Annotated[
    str,
    typer.Option(
        "--cluster", help="Shipped cluster, or a .toml file.", autocompletion=completion.clusters
    ),
]
Output = Annotated[Path, typer.Option(help="Folder of studies.")]
StudyName = Annotated[
    str, typer.Argument(help="Name of the study.", autocompletion=completion.studies)
]
StudyNames = Annotated[
    list[str], typer.Argument(help="Names of studies.", autocompletion=completion.studies)
]
Resumed = Annotated[
    str | None,
    typer.Option(help="Name; an existing one resumes.", autocompletion=completion.studies),
]

RESULTS = Path("results")

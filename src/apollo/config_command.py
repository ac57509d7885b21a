"""`apollo config`: the settings that hold here, where each is from, and which files are read."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from apollo import completion, console
from apollo.console import guarded
from apollo.options import Json

if TYPE_CHECKING:
    from apollo.settings import Setting

app = typer.Typer(help="Settings: defaults of options, and where they are from.")

GROUP, CACHE_DIR = "config", "APOLLO_CACHE_DIR"


@app.command("show")
@guarded
def config_show(json: Json = False) -> None:
    """Show every setting and where its value is from."""
    from apollo.settings import load_settings

    settings = load_settings()
    if json:
        console.print_json([vars(setting) for setting in settings])
        return
    console.print_table(
        "Settings",
        ("setting ", "value ", "from "),
        (
            (each.name, "-" if each.value is None else str(each.value), each.origin)
            for each in settings
        ),
    )


@app.command("path")
@guarded
def config_path(json: Json = False) -> None:
    """Show the files that settings are read from, the first of them first."""
    from apollo.settings import FILE, PROJECT, user_file

    files = [Path.cwd() / FILE, Path.cwd() / PROJECT, user_file()]
    if json:
        console.print_json([{"path": str(file), "exists": file.is_file()} for file in files])
        return
    for file in files:
        typer.echo(f"{file}{'' if file.is_file() else ' (not there)'}")


@app.command("set")
@guarded
def config_set(
    name: Annotated[
        str, typer.Argument(help="Name of the setting.", autocompletion=completion.settings)
    ],
    value: Annotated[str, typer.Argument(help="Its value.")],
    user: Annotated[
        bool, typer.Option("--user", help="In the user's file, not that of this folder.")
    ] = False,
    json: Json = False,
) -> None:
    """Write a setting to `apollo.toml` of this folder, or to the user's."""
    from apollo.settings import ENVIRONMENT, FILE, load_settings, user_file
    from apollo.settings_file import write_setting

    file = user_file() if user else FILE
    written = write_setting(file, name, value)
    facts = {"name": name, "value": written, "file": str(file)}
    console.tell(f"{name} is {written} in '{file}'.", facts, json)
    origin = next(each.origin for each in load_settings() if each.name == name)
    if origin != str(file):
        where = f"APOLLO_{name.upper()}" if origin == ENVIRONMENT else f"'{origin}'"
        typer.echo(f"apollo: Here {name} comes from {where}, which is before that file.", err=True)


def apply_settings(context: typer.Context) -> None:
    """Make the settings the defaults of the options that have their names.

    Raises `ValueError`, one sentence, for a wrong setting.
    """
    from apollo.settings import DEFAULT, ENVIRONMENT, Settings, load_settings

    if context.invoked_subcommand == GROUP:  # which says what is wrong, and where to mend it
        return
    changed = [each for each in load_settings() if each.origin != DEFAULT]
    usual = {name: field.default for name, field in Settings.model_fields.items()}
    context.default_map = defaults_of(context.command, changed, usual)
    for setting in changed:
        if setting.name == "cache_dir" and setting.origin != ENVIRONMENT:
            os.environ[CACHE_DIR] = str(setting.value)  # which workers see, too


def defaults_of(
    command: Any, settings: "Iterable[Setting]", usual: Mapping[str, object]
) -> dict[str, Any]:
    """The defaults of a command and of those below it, by name.

    An option is meant by a setting if it has its name and the same default, or must be given:
    `--output` is the folder of studies in some commands and a file to write in others.
    """
    names = {setting.name: setting.value for setting in settings}
    found: dict[str, Any] = {
        each.name: names[each.name]
        for each in command.params
        if each.name in names and (each.required or each.default == usual[each.name])
    }
    for name, below in getattr(command, "commands", {}).items():
        found[name] = defaults_of(below, settings, usual)
    return found

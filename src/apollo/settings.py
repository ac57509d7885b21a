"""Settings: what options of commands are where they are not given; docs/cli.md.

A value comes from the first that has it: the environment, `apollo.toml` of the folder, the table
`[tool.apollo]` of its `pyproject.toml`, the user's file, and what Apollo has of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from apollo.arch.text import suggestion
from apollo.arch.toml_file import read_table

PREFIX = "APOLLO_"
FILE, PROJECT = Path("apollo.toml"), Path("pyproject.toml")
ENVIRONMENT, DEFAULT = "environment", "default"

_MUST_BE = {
    "output": "a path",
    "storage": "a path or a URL of a database",
    "jobs": "an integer of at least 1",
    "design": "a preset or the path of a .toml file",
    "baseline": "a preset or the path of a .toml file",
    "seed": "an integer of at least 0",
    "cache_dir": "a path",
}


class Settings(BaseSettings):
    """Every setting. Options of the same names, of any command, have their values as defaults."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid")

    output: Path = Path("results")  # folder of studies
    storage: str | None = None  # database of studies
    jobs: int = Field(default=1, ge=1)  # processes that evaluate
    design: str = "edge_tpu_v1"
    baseline: str = "edge_tpu_v3"
    seed: int = Field(default=0, ge=0)
    cache_dir: Path | None = None  # of compiled kernels; None is the user's cache folder

    @field_validator("jobs", "seed", mode="before")
    @classmethod
    def _no_truth(cls, value: object) -> object:
        if isinstance(value, bool):
            raise ValueError("true is no number")
        return value

    @field_validator("output", "storage", "design", "baseline", "cache_dir", mode="before")
    @classmethod
    def _no_blank(cls, value: object) -> object:
        if value == "":
            raise ValueError("nothing is named")
        return value

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment before files, the folder's before the user's."""
        return tuple(source for _, source in sources(settings_cls))


@dataclass(frozen=True)
class Setting:
    """A value, and where it is from: `environment`, `default`, or a file."""

    name: str
    value: str | int | None
    origin: str


def user_file() -> Path:
    """The user's own file, whether it is there or not."""
    return platformdirs.user_config_path("apollo") / FILE.name


def sources(kind: type[BaseSettings]) -> Iterator[tuple[str, PydanticBaseSettingsSource]]:
    """Where values may be from, the first of all first, each with its name.

    Raises `ValueError`, one sentence, for a file that is not readable.
    """
    yield ENVIRONMENT, EnvSettingsSource(kind)
    for file, table in tables():
        yield str(file), InitSettingsSource(kind, init_kwargs=table)


def tables() -> Iterator[tuple[Path, dict[str, Any]]]:
    """The files that are there with their settings.

    Raises `ValueError`, one sentence, for a file that is not readable.
    """
    if FILE.is_file():
        yield FILE, read_table(FILE, "settings")
    if PROJECT.is_file():
        tool = read_table(PROJECT, "project").get("tool")
        table = tool.get("apollo", {}) if isinstance(tool, dict) else {}
        if not isinstance(table, dict):
            raise ValueError(f"tool.apollo in '{PROJECT}' must be a table, not {table!r}.")
        yield PROJECT, table
    if user_file().is_file():
        yield user_file(), read_table(user_file(), "settings")


def load_settings() -> list[Setting]:
    """Every setting with its value here and now, and where that is from.

    Raises `ValueError`, one sentence, for a setting that there is not, or of a wrong type.
    """
    origins = dict.fromkeys(Settings.model_fields, DEFAULT)
    for origin, source in reversed([*sources(Settings)]):
        origins |= dict.fromkeys(source(), origin)
    try:
        settings = Settings()
    except ValidationError as error:
        raise ValueError(_sentence(error, origins)) from None
    return [
        Setting(name, str(value) if isinstance(value, Path) else value, origins[name])
        for name, value in settings
    ]


def checked(name: str, text: str) -> str | int:
    """The value of a setting that a text means.

    Raises `ValueError`, one sentence, for a setting that there is not, or a wrong value.
    """
    if name not in _MUST_BE:
        raise ValueError(f"'{name}' {_no_setting(name)}")
    try:
        value = getattr(_validated(Settings.model_construct(), name, text), name)
    except ValidationError:
        raise ValueError(f"{name} must be {_MUST_BE[name]}, not {text!r}.") from None
    return value if isinstance(value, int) else text


_validated = Settings.__pydantic_validator__.validate_assignment


def _no_setting(name: str) -> str:
    return f"is not a setting (known: {', '.join(_MUST_BE)}).{suggestion(name, _MUST_BE)}"


def _sentence(error: ValidationError, origins: dict[str, str]) -> str:
    first = error.errors()[0]
    name, given = str(first["loc"][0]), first["input"]
    origin = origins[name]
    if name not in _MUST_BE:
        return f"'{name}' in '{origin}' {_no_setting(name)}"
    where = f"{PREFIX}{name.upper()}" if origin == ENVIRONMENT else f"{name} in '{origin}'"
    return f"{where} must be {_MUST_BE[name]}, not {given!r}."

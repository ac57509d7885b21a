"""A setting written to a file of settings, beside what its reader has written there."""

import json
import re
import tomllib
from pathlib import Path

from apollo.arch.toml_file import read_table
from apollo.arch.whole_file import whole_file
from apollo.settings import checked


def write_setting(file: Path, name: str, text: str) -> str | int:
    """Give a setting a value in a file, which is made if it is not there; the value.

    Comments and other settings stay as they are. Raises `ValueError`, one sentence, for a setting
    that there is not, a wrong value, and a file that is not readable.
    """
    value = checked(name, text)
    before = read_table(file, "settings") if file.exists() else {}
    written = file.read_text(encoding="utf-8") if before else ""
    after = _edited(written, name, value)
    if _read(after) != before | {name: value}:
        raise ValueError(f"'{file}' must be changed by hand: `{_line(name, value)}`.")
    file.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(file) as part:
        part.write_text(after, encoding="utf-8")
    return value


def _line(name: str, value: str | int) -> str:
    return f"{name} = {json.dumps(value, ensure_ascii=False)}"


def _edited(text: str, name: str, value: str | int) -> str:
    """The line of the setting, or one behind the others and before any table."""
    lines = text.splitlines()
    places = [k for k, line in enumerate(lines) if re.match(rf'\s*"?{name}"?\s*=', line)]
    if places:
        lines[places[0]] = _line(name, value)
    else:
        table = next((k for k, line in enumerate(lines) if line.startswith("[")), len(lines))
        lines.insert(table, _line(name, value))
    return "\n".join(lines) + "\n"


def _read(text: str) -> dict[str, object] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None

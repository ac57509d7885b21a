"""Tables in TOML files that users write: designs, spaces, technologies."""

import tomllib
from pathlib import Path
from typing import Any


def read_table(path: str | Path, kind: str) -> dict[str, Any]:
    """The table in a file of that kind, such as a design.

    Raises `ValueError`, one sentence, when there is no such file or it is not readable.
    """
    if Path(path).is_dir():
        raise ValueError(f"The {kind} file '{path}' must not be a folder.")
    if not Path(path).is_file():
        raise ValueError(f"There is no {kind} file '{path}'.")
    what = f"{kind.capitalize()} file '{path}' is not readable TOML"
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ValueError(f"{what}: {error}.") from None
    except RecursionError:
        raise ValueError(f"{what}: too deep.") from None
    except ValueError:  # Python reads no integer of so many digits
        raise ValueError(f"{what}: a number is too long.") from None

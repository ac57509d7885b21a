"""Files that are there whole or not at all, whatever ends the writing."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A path to write to that becomes `path` at the end; what was there before stays until then.

    A device or a pipe is written as it is. Raises `ValueError`, one sentence that names the file,
    when the disk is full or it cannot be written for another reason.
    """
    wanted = Path(path)
    is_special = wanted.exists() and not wanted.is_file()
    part = wanted if is_special else wanted.with_name(f".{wanted.name}.{os.getpid()}")
    try:
        if wanted.is_dir():
            raise ValueError(f"The file '{path}' must not be a folder.")
        if not wanted.parent.is_dir():
            raise ValueError(f"There is no folder '{wanted.parent}' to write '{path}' into.")
        yield part
        part.replace(wanted)
    except OSError as error:
        why = error.strerror or str(error)
        raise ValueError(f"The file '{path}' cannot be written: {why}.") from None
    finally:
        if part != wanted:
            with suppress(OSError):  # what is in the way of the file has been said
                part.unlink()

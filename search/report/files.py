"""Files that are there whole or not at all, whatever ends the writing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from apollo.arch import whole_file as files


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """A path to write to that becomes `path` at the end, as `apollo.arch.whole_file` says.

    Raises `ValueError`, one sentence that names the file, when the disk is full or it cannot be
    written for another reason.
    """
    wanted = Path(path)
    try:
        if wanted.is_dir():
            raise ValueError(f"The file '{path}' must not be a folder.")
        if not wanted.parent.is_dir():
            raise ValueError(f"There is no folder '{wanted.parent}' to write '{path}' into.")
        with files.whole_file(wanted) as part:
            yield part
    except OSError as error:
        why = error.strerror or str(error)
        raise ValueError(f"The file '{path}' cannot be written: {why}.") from None

"""Deleting a stored study: its rows, and its files where it is alone in its folder."""

from pathlib import Path

from apollo.search.store.removal import check_unused, remove_study
from apollo.search.studies import DATABASE, database_path, open_study

# Made from the database.
FILES = ("trials.csv", "convergence.html", "plotly.min.js", "best.toml", "report.html")


def delete_study(results: Path, study: str, storage: str | None = None) -> None:
    """Delete a study for good.

    The database stays where it holds other studies or is a `storage`; files in the folder that a
    study does not write stay too. Raises `ValueError` when there is no such study, or a process
    has its database open.
    """
    folder = database_path(results, study).parent
    with open_study(results, study, storage) as store:
        is_alone = storage is None and len(store.studies()) == 1
        if is_alone:
            folder = Path(store.name).parent
        else:
            remove_study(store, study)
    database = folder / DATABASE
    if is_alone:
        check_unused(database)
    elif database.exists():
        return  # the folder is that of others
    for path in (*(folder / name for name in FILES), database):  # last what makes it a study
        path.unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()

"""The folder of results: one folder a study, with its database, tables and figures."""

import re
from collections.abc import Sequence
from pathlib import Path

from apollo.arch.text import suggestion
from apollo.search.report.convergence import convergence_figure, write_html
from apollo.search.report.table import trial_table, write_csv
from apollo.search.store import Store, StudyRow, StudySummary
from apollo.search.store.database import SQLITE, url_of
from apollo.search.trial import Trial

DATABASE = "study.db"


def database_path(results: Path, study: str) -> Path:
    """Where the database of a study lies.

    Raises `ValueError` when the name is not fit for a folder.
    """
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*", study):
        raise ValueError(
            "A study's name must be letters, digits and any of '_.+-', the first a letter, a digit "
            f"or '_', not '{study}'."
        )
    return results / study / DATABASE


def list_studies(results: Path, storage: str | None = None) -> tuple[list[StudySummary], list[str]]:
    """Summaries of the studies under that folder, and a sentence for every unreadable one.

    Of a storage, a database by path or URL, where one is given: that must be readable.
    """
    if storage is not None:
        with _open(storage) as store:
            return store.studies(), []
    summaries: list[StudySummary] = []
    problems: list[str] = []
    for path in _databases(results):
        try:
            with Store(path) as store:
                summaries += store.studies()
        except ValueError as error:
            problems.append(str(error))
    return sorted(summaries, key=lambda summary: summary.study.name), problems


def open_study(results: Path, study: str, storage: str | None = None) -> Store:
    """The database that holds a study: the storage, its own in its folder, or any other there.

    Raises `ValueError` when there is no such study, or several databases have one.
    """
    if storage is not None:
        return _holding(_open(storage), study)
    path = database_path(results, study)
    if path.is_file():
        return _holding(Store(path), study)
    names = {path: _names(path) for path in _databases(results)}
    found = [path for path in names if study in names[path]]
    if len(found) > 1:
        several = " and ".join(f"'{path}'" for path in found)
        raise ValueError(f"Study '{study}' is in {several}: --storage must say which is meant.")
    if not found:
        known = [name for path in names for name in names[path]]
        raise ValueError(f"There is no study '{study}' in '{results}'.{suggestion(study, known)}")
    return Store(found[0])


def read_study(
    results: Path, study: str, storage: str | None = None
) -> tuple[StudyRow, list[Trial]]:
    """A stored study and its trials, by number.

    Raises `ValueError` as `open_study` does.
    """
    with open_study(results, study, storage) as store:
        return row_of(store, study), store.trials(study)


def row_of(store: Store, study: str) -> StudyRow:
    """The row of a study.

    Raises `ValueError` when the store has none of that name.
    """
    row = store.study(study)
    if row is None:
        known = suggestion(study, [summary.study.name for summary in store.studies()])
        raise ValueError(f"The database '{store.name}' holds no study '{study}'.{known}")
    return row


def _databases(results: Path) -> list[Path]:
    return sorted(path for path in results.glob(f"*/{DATABASE}") if path.is_file())


def _names(path: Path) -> list[str]:
    """The studies of a database; those of one that cannot be read are not known."""
    try:
        with Store(path) as store:
            return [summary.study.name for summary in store.studies()]
    except ValueError:
        return []


def _open(storage: str) -> Store:
    """A database that is there: reading makes none."""
    url = url_of(storage)
    if url.get_backend_name() == SQLITE and not Path(str(url.database)).exists():
        raise ValueError(f"There is no database '{url.database}'.")
    return Store(storage)


def _holding(store: Store, study: str) -> Store:
    try:
        row_of(store, study)
    except BaseException:
        store.close()
        raise
    return store


def export_study(study: StudyRow, trials: Sequence[Trial], folder: Path) -> list[Path]:
    """Write trials.csv and convergence.html (with plotly.min.js) to a folder; the files' paths."""
    folder.mkdir(parents=True, exist_ok=True)
    table, figure = folder / "trials.csv", folder / "convergence.html"
    write_csv(trial_table(trials, study), table)
    write_html(convergence_figure(trials, f"{study.name} ({study.optimizer})"), figure)
    return [table, figure]

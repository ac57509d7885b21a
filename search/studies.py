"""The folder of results: one folder a study, with its database, tables and figures."""

import re
from collections.abc import Sequence
from pathlib import Path

from apollo.arch.text import suggestion
from apollo.search.report.convergence import convergence_figure, write_html
from apollo.search.report.table import write_csv
from apollo.search.store import Store, StudyRow, StudySummary
from apollo.search.trial import Trial

DATABASE = "study.db"


def database_path(results: Path, study: str) -> Path:
    """Where the database of a study lies.

    Raises `ValueError` when the name is not fit for a folder.
    """
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*", study):
        raise ValueError(
            f"A study's name must be letters, digits and any of '_.+-', not '{study}'."
        )
    return results / study / DATABASE


def list_studies(results: Path) -> tuple[list[StudySummary], list[str]]:
    """Summaries of the studies under that folder, and a sentence for every unreadable one."""
    summaries: list[StudySummary] = []
    problems: list[str] = []
    for path in sorted(results.glob(f"*/{DATABASE}")):
        try:
            with Store(path) as store:
                summaries += store.studies()
        except ValueError as error:
            problems.append(str(error))
    return sorted(summaries, key=lambda summary: summary.study.name), problems


def read_study(results: Path, study: str) -> tuple[StudyRow, list[Trial]]:
    """A stored study and its trials, by number.

    Raises `ValueError` when there is no such study.
    """
    path = database_path(results, study)
    if path.is_file():
        with Store(path) as store:
            row = store.study(study)
            if row is not None:
                return row, store.trials(study)
        raise ValueError(f"The database '{path}' holds no study '{study}'.")
    files = (found for found in results.glob(f"*/{DATABASE}") if found.is_file())
    known = [found.parent.name for found in files]
    raise ValueError(f"There is no study '{study}' in '{results}'.{suggestion(study, known)}")


def export_study(study: StudyRow, trials: Sequence[Trial], folder: Path) -> list[Path]:
    """Write trials.csv and convergence.html (with plotly.min.js) to a folder; the files' paths."""
    folder.mkdir(parents=True, exist_ok=True)
    table, figure = folder / "trials.csv", folder / "convergence.html"
    write_csv(trials, table)
    write_html(convergence_figure(trials, f"{study.name} ({study.optimizer})"), figure)
    return [table, figure]

"""Reports of stored studies: what lacks is computed and stored, then the page is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from apollo.search.details.complete import complete
from apollo.search.evaluate import NO_MACHINE
from apollo.search.report.page import write_report
from apollo.search.report.source import Source
from apollo.search.store import Store
from apollo.search.store.brief import brief_trials
from apollo.search.studies import open_study, row_of

FILE = "report.html"


@dataclass(frozen=True)
class Report:
    """A page that was written."""

    path: Path
    notes: tuple[str, ...]  # sentences on what lacks, and why


def report_studies(
    studies: Sequence[str],
    results: Path,
    file: Path | None = None,
    trial: int | None = None,
    storage: str | None = None,
) -> Report:
    """Write one page about studies, of `results` or of `storage`; `FILE` in a study's folder.

    `trial` is that of the first study which is shown in detail at first, the best if not.
    Raises `ValueError`, one sentence, when there is no such study or trial, a study is named
    twice, or the file cannot be written.
    """
    if not studies or len(set(studies)) < len(studies):
        raise ValueError(f"A report must name each study once, not {', '.join(studies) or 'none'}.")
    sources = [
        _source(study, results, storage, None if number else trial)
        for number, study in enumerate(studies)
    ]
    path = file or _usual_path(results, studies, storage)
    write_report(sources, path, trial)
    return Report(path, tuple(source.note for source in sources if source.note))


def _source(study: str, results: Path, storage: str | None, trial: int | None) -> Source:
    with open_study(results, study, storage) as store:
        row = row_of(store, study)
        also = [] if trial is None else [_point(store, study, trial)]
        return Source.read(store, row, complete(store, study, also))


def _point(store: Store, study: str, number: int) -> int:
    """The point of a trial that can be shown in detail."""
    log = brief_trials(store, study)
    if not 0 <= number < len(log):
        raise ValueError(f"The trial must be one of '{study}', 0 to {len(log) - 1}, not {number}.")
    if log[number].resource == NO_MACHINE:
        raise ValueError(f"Trial {number} of '{study}' is no machine: {log[number].reason}")
    return log[number].index


def _usual_path(results: Path, studies: Sequence[str], storage: str | None) -> Path:
    """In the folder of a single study that has one, else here."""
    folder = results / studies[0]
    if len(studies) == 1 and storage is None and folder.is_dir():
        return folder / FILE
    return Path(f"{'-'.join(studies)}-{FILE}")

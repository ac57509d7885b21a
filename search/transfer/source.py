"""A stored study as a source: what it asked, and the trials that answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from apollo.search.problem import Problem
from apollo.search.store import Store, StudyRow
from apollo.search.studies import read_study, row_of
from apollo.search.trial import Trial


@dataclass(frozen=True)
class Source:
    """A study of designs that was stored."""

    name: str
    problem: Problem
    contents: Mapping[str, str]  # keys of the networks and the baseline, by name
    version: str  # of the simulator
    trials: tuple[Trial, ...]

    @classmethod
    def of(cls, row: StudyRow, trials: Sequence[Trial]) -> Self:
        """The source that a stored study is.

        Raises `ValueError`, one sentence, when it is no study of designs for networks.
        """
        try:
            problem, contents = Problem.of_options(row.options), row.options["content"]
        except KeyError as missing:
            raise ValueError(
                f"Study '{row.name}' must be an exploration to start from; it has no {missing}."
            ) from None
        return cls(row.name, problem, contents, row.version, tuple(trials))


def read_sources(names: Sequence[str], results: Path) -> list[Source]:
    """The studies of these names in a folder of results.

    A path (`.db`) or URL of a database means all studies in it, `DATABASE#STUDY` one of them.
    Raises `ValueError`, one sentence, for what is no study and for one without trials.
    """
    sources = [source for name in names for source in _read(name, results)]
    for source in sources:
        if not source.trials:
            raise ValueError(f"Study '{source.name}' must have trials to start from.")
    return sources


def is_stored(location: str | Path) -> bool:
    """Whether there may be a database: opening a file that is not there would make one."""
    return "://" in str(location) or Path(location).is_file()


def _read(name: str, results: Path) -> list[Source]:
    location, _, study = name.partition("#")
    if "://" not in location and not location.endswith(".db"):
        return [Source.of(*read_study(results, name))]
    if not is_stored(location):
        raise ValueError(f"There is no database '{location}'.")
    with Store(location) as store:
        rows = [summary.study for summary in store.studies() if study in ("", summary.study.name)]
        if not rows:
            row_of(store, study)  # says which there are
        return [Source.of(row, store.trials(row.name)) for row in rows]

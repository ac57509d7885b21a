"""Two stored studies: their definitions, how far they came, and their best designs."""

from collections.abc import Sequence

from apollo.search.compare.difference import Cell, Section, facts
from apollo.search.store import StudyRow
from apollo.search.trial import Trial, best_of

Stored = tuple[StudyRow, Sequence[Trial]]


def compare_studies(first: Stored, second: Stored) -> list[Section]:
    """What was asked, what came of it, and the best design of each."""
    return [
        facts("definition", _definition(first[0]), _definition(second[0])),
        facts("progress", _progress(first[1]), _progress(second[1])),
        facts("best design", _best(first[1]), _best(second[1])),
        facts("metrics of the best design", _metrics(first[1]), _metrics(second[1])),
    ]


def _definition(row: StudyRow) -> dict[str, Cell]:
    values = {"name": row.name} | row.flat()
    return {
        name: value if isinstance(value, int | float | str) else str(value)
        for name, value in values.items()
        if value is not None
    }


def _progress(trials: Sequence[Trial]) -> dict[str, Cell]:
    feasible = [trial for trial in trials if trial.feasible]
    best = best_of(trials)
    return {
        "trials": len(trials),
        "feasible": len(feasible),
        "different designs": len({trial.index for trial in trials}),
        "best reward": best[0].reward if best else None,
        "trial of the best": best[0].number if best else None,
        "seconds": sum(trial.seconds for trial in trials),
    }


def _best(trials: Sequence[Trial]) -> dict[str, Cell]:
    best = best_of(trials)
    return dict(best[0].parameters) if best else {}


def _metrics(trials: Sequence[Trial]) -> dict[str, Cell]:
    best = best_of(trials)
    return dict(best[0].metrics) if best else {}

"""Rows of the tables as values of ours, and back.

A row that is none of ours raises an error of Python; `reading` makes a sentence of it.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement

from apollo.search.store.schema import StudyTable, TrialTable
from apollo.search.store.study_row import StudyRow
from apollo.search.trial import Outcome, Trial


def study_of(row: StudyTable) -> StudyRow:
    """A study as it is stored."""
    for value in (row.name, row.optimizer, row.version, row.created):
        _check_type(value, str)
    options = json.loads(row.options)
    _check_type(options, dict)
    return StudyRow(row.name, row.optimizer, row.seed, options, row.version, row.created)


def trial_of(row: Any) -> Trial:
    """A trial of a row that has the columns of `TrialTable`."""
    _check_type(row.parameters, dict)
    return _trial(row, row.parameters, row.metrics)


def brief_of(row: Any) -> Trial:
    """The same of a row without parameters and metrics."""
    return _trial(row, {}, {})


def check_numbers(trials: Sequence[Trial]) -> None:
    """Raise `ValueError` when a log has gaps: numbers count from 0."""
    if any(trial.number != position for position, trial in enumerate(trials)):
        raise ValueError("A trial is missing.")


def check_names(trials: Sequence[Trial]) -> None:
    """Raise `ValueError` unless all have the same parameters, and all feasible the same metrics."""
    parameters = [trial.parameters.keys() for trial in trials]
    metrics = [trial.metrics.keys() for trial in trials if trial.feasible]
    for names in (parameters, metrics):
        if any(each != names[0] for each in names):
            raise ValueError("A trial has names of its own.")


def _trial(row: Any, parameters: dict[str, int], metrics: dict[str, float]) -> Trial:
    for value in (row.resource, row.reason, row.proposer):
        _check_type(value, str | None)
    objectives = tuple(row.objectives)
    outcome = Outcome(row.feasible, row.reward, metrics, row.resource, row.reason, objectives)
    return Trial(row.number, row.point, outcome, parameters, row.seconds, row.proposer)


def _check_type(value: Any, kind: Any) -> None:
    """A file of SQLite holds any type in any column, and a flipped bit makes bytes of a text."""
    if not isinstance(value, kind):
        raise TypeError(f"A cell must be {kind}, not {value!r}.")


def trial_values(study_id: int, trial: Trial) -> dict[str, Any]:
    """The columns of a trial."""
    return {
        "study_id": study_id,
        "number": trial.number,
        "point": trial.index,
        "parameters": dict(trial.parameters),
        "feasible": trial.feasible,
        "reward": trial.reward,
        "objectives": trial.outcome.objectives,
        "metrics": dict(trial.metrics),
        "resource": trial.resource,
        "reason": trial.reason,
        "seconds": trial.seconds,
        "proposer": trial.proposer,
    }


TRIAL: tuple[ColumnElement[Any], ...] = tuple(TrialTable.__table__.columns)
BRIEF = tuple(column for column in TRIAL if column.key not in ("parameters", "metrics"))

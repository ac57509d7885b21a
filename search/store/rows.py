"""Rows of the tables as values of ours, and back."""

import json
from typing import Any

from sqlalchemy import ColumnElement

from apollo.search.store.schema import StudyTable, TrialTable
from apollo.search.store.study_row import StudyRow
from apollo.search.trial import Outcome, Trial


def study_of(row: StudyTable) -> StudyRow:
    """A study as it is stored."""
    options = json.loads(row.options)
    return StudyRow(row.name, row.optimizer, row.seed, options, row.version, row.created)


def trial_of(row: Any) -> Trial:
    """A trial of a row that has the columns of `TrialTable`."""
    objectives = tuple(row.objectives)
    outcome = Outcome(row.feasible, row.reward, row.metrics, row.resource, row.reason, objectives)
    return Trial(row.number, row.point, outcome, row.parameters, row.seconds, row.proposer)


def brief_of(row: Any) -> Trial:
    """The same of a row without parameters and metrics."""
    objectives = tuple(row.objectives)
    outcome = Outcome(row.feasible, row.reward, {}, row.resource, row.reason, objectives)
    return Trial(row.number, row.point, outcome, {}, row.seconds, row.proposer)


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

"""The trials of a study as a table: one row a trial, for notebooks and spreadsheets."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apollo.search.trial import Trial

if TYPE_CHECKING:
    import pandas as pd


def trial_table(trials: Sequence[Trial]) -> "pd.DataFrame":
    """A row a trial, in the order given.

    Columns: trial, point, the parameters by name, feasible, reward, the metrics by name, resource,
    reason, seconds, proposer. A metric that a trial lacks, the cause of a feasible one, and the
    proposer where an optimizer is not made of several, are empty.
    """
    import pandas as pd  # slow to import, and `apollo --help` does not need it

    columns = [
        *("trial", "point"),
        *_names(trial.parameters for trial in trials),
        *("feasible", "reward"),
        *sorted(_names(trial.metrics for trial in trials)),
        *("resource", "reason", "seconds", "proposer"),
    ]
    return pd.DataFrame([_row(trial) for trial in trials], columns=columns)


def write_csv(trials: Sequence[Trial], path: str | Path) -> None:
    """Write the table as CSV; numbers read back to the same bits."""
    trial_table(trials).to_csv(path, index=False)


def _row(trial: Trial) -> dict[str, Any]:
    return {
        "trial": trial.number,
        "point": trial.index,
        **trial.parameters,
        "feasible": trial.feasible,
        "reward": trial.reward,
        **trial.metrics,
        "resource": trial.resource,
        "reason": trial.reason,
        "seconds": trial.seconds,
        "proposer": trial.proposer,
    }


def _names(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Every name once, in the order in which names appear."""
    return list(dict.fromkeys(name for mapping in mappings for name in mapping))

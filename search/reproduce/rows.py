"""The rows of a run, one file a run: what is there is finished and never run again."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from apollo.search.goals import AREA
from apollo.search.objective import SPEEDUP
from apollo.search.report.table import write_parquet
from apollo.search.reproduce.plan import Run
from apollo.search.trial import Trial

if TYPE_CHECKING:
    import pandas as pd

ROWS = "rows"
TYPES = {
    "trial": "int32",
    "point": "int64",
    "feasible": "bool",
    "reward": "float64",
    "speedup": "float64",
    "area_mm2": "float64",
    "resource": "string",
}


def rows_path(folder: Path, run: Run) -> Path:
    """Where the rows of a run are."""
    return folder / ROWS / f"{run.name}-{run.trials}trials.parquet"


def is_finished(folder: Path, run: Run) -> bool:
    """Whether the run has its rows."""
    return rows_path(folder, run).is_file()


def trial_rows(trials: Sequence[Trial]) -> "pd.DataFrame":
    """A row a trial: number, point, whether feasible, reward, speed-up, area, what did not fit.

    An infeasible trial has no speed-up, one that is no machine no area.
    """
    import pandas as pd

    values = [
        (
            *(trial.number, trial.index, trial.feasible, trial.reward),
            *(trial.metrics.get(SPEEDUP), trial.metrics.get(AREA), trial.resource),
        )
        for trial in trials
    ]
    return pd.DataFrame(values, columns=list(TYPES)).astype(TYPES)


def save_rows(folder: Path, run: Run, trials: Sequence[Trial]) -> None:
    """Write the rows of a finished run."""
    path = rows_path(folder, run)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_parquet(trial_rows(trials), path)


def load_rows(folder: Path, run: Run) -> "pd.DataFrame":
    """The rows of a finished run."""
    import pandas as pd

    return pd.read_parquet(rows_path(folder, run))

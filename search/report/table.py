"""The trials of a study as a table: one row a trial, for notebooks and spreadsheets."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apollo.search.report.files import whole_file
from apollo.search.store import StudyRow
from apollo.search.trial import Trial

if TYPE_CHECKING:
    import pandas as pd

_TEXTS = ("resource", "reason", "proposer")


def trial_table(trials: Sequence[Trial], study: StudyRow | None = None) -> "pd.DataFrame":
    """A row a trial, in the order given.

    Columns: trial, point, the parameters by name, feasible, reward, `objective.NAME` where the
    study has several, the metrics by name, resource, reason, seconds, proposer. A metric that a
    trial lacks, the cause of a feasible one, and the proposer where an optimizer is not made of
    several, are empty. The study's definition is in `attrs`.
    """
    import pandas as pd  # slow to import, and `apollo --help` does not need it

    asked = [] if study is None else study.options.get("objectives", [])
    objectives = [f"objective.{name}" for name in asked] if len(asked) > 1 else []
    columns = [
        *("trial", "point"),
        *_names(trial.parameters for trial in trials),
        *("feasible", "reward"),
        *objectives,
        *sorted(_names(trial.metrics for trial in trials)),
        *("resource", "reason", "seconds", "proposer"),
    ]
    rows = [_row(trial, objectives) for trial in trials]
    table = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(_TEXTS, "string"))
    if study is not None:
        facts = {"study": study.name, "created": study.created, **study.flat()}
        table.attrs.update(facts.items())
    return table


def write_csv(table: "pd.DataFrame", path: str | Path) -> None:
    """Write a table as CSV; numbers read back to the same bits."""
    with whole_file(path) as part:
        table.to_csv(part, index=False)


def write_parquet(table: "pd.DataFrame", path: str | Path) -> None:
    """Write a table as Parquet; `pandas.read_parquet` reads types and `attrs` back too."""
    with whole_file(path) as part:
        table.to_parquet(part, index=False)


def format_of(path: Path) -> Callable[["pd.DataFrame", Path], None]:
    """What writes a table to a file of that name.

    Raises `ValueError`, one sentence, when the name ends with no known format.
    """
    formats = {".csv": write_csv, ".parquet": write_parquet}
    write = formats.get(path.suffix.lower())
    if write is None:
        raise ValueError(f"The file's name must end with {' or '.join(formats)}, not '{path}'.")
    return write


def _row(trial: Trial, objectives: Sequence[str]) -> dict[str, Any]:
    values = trial.outcome.objectives if objectives else ()
    return {
        "trial": trial.number,
        "point": trial.index,
        **trial.parameters,
        "feasible": trial.feasible,
        "reward": trial.reward,
        **dict(zip(objectives, values, strict=True) if values else ()),
        **trial.metrics,
        "resource": trial.resource,
        "reason": trial.reason,
        "seconds": trial.seconds,
        "proposer": trial.proposer,
    }


def _names(mappings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Every name once, in the order in which names appear."""
    return list(dict.fromkeys(name for mapping in mappings for name in mapping))

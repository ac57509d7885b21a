"""Runs as rows: what each found, how early, how diverse; and the course of all runs of a task."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from apollo.search.reproduce.optimum import Quest, load_optimum
from apollo.search.reproduce.plan import Plan, Run
from apollo.search.reproduce.rows import is_finished, load_rows
from apollo.search.transfer.diverse import DISTANCE, take_unlike

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

MAXIMAL = 0.95  # of the best reward of a run, from which on designs are maxima
_MOST_MAXIMA = 100
CHECKPOINTS = 64
QUANTILES = (0.0, 0.25, 0.5, 0.75, 1.0)


def finished_runs(plan: Plan, folder: Path) -> list[Run]:
    """The runs that have rows."""
    return [run for run in plan.all_runs if is_finished(folder, run)]


def run_rows(plan: Plan, folder: Path) -> "pd.DataFrame":
    """A row a finished run.

    `first_feasible` is a number of trials; `late_feasible` the share in the last quarter; `maxima`
    the designs of at least 95 % of the best reward that differ in three parameters; `optimum` the
    reward of the enumerated optimum, where there is one, and `regret` what lacks to it, as a share.
    """
    import pandas as pd

    return pd.DataFrame([_row(plan, folder, run) for run in finished_runs(plan, folder)])


def _row(plan: Plan, folder: Path, run: Run) -> dict[str, Any]:
    rows = load_rows(folder, run)
    feasible = rows.feasible.to_numpy()
    best = rows.iloc[int(rows.reward.argmax())] if feasible.any() else None
    row: dict[str, Any] = {
        "part": run.part,
        "networks": run.networks,
        "objective": run.objective,
        "budget_mm2": run.budget_mm2,
        "optimizer": run.optimizer,
        "seed": run.seed,
        "trials": len(rows),
        "source": None if run.source is None else run.source.name,
        "reward": 0.0 if best is None else float(best.reward),
        "speedup": None if best is None else float(best.speedup),
        "area_mm2": None if best is None else float(best.area_mm2),
        "point": None if best is None else int(best.point),
        "best_at": None if best is None else int(best.trial),
        "feasible": float(feasible.mean()),
        "late_feasible": float(feasible[-max(1, len(rows) // 4) :].mean()),
        "first_feasible": int(feasible.argmax()) + 1 if feasible.any() else None,
        "maxima": len(maxima_of(plan, rows)),
    }
    row |= {"optimum": None, "regret": None}
    if run.budget_mm2 is not None:
        optimum = load_optimum(folder, Quest(run.networks, run.objective, run.budget_mm2))
        if optimum is not None:
            row |= {"optimum": optimum.reward, "regret": 1 - row["reward"] / optimum.reward}
    design = {} if best is None else plan.space.values_at(int(best.point))
    return row | design


def maxima_of(plan: Plan, rows: "pd.DataFrame") -> "pd.DataFrame":
    """Rows of the maximal designs of a run that differ in three parameters, the best first."""
    kept: pd.DataFrame = rows[rows.feasible & (rows.reward >= MAXIMAL * rows.reward.max())]
    kept = kept.drop_duplicates("point").sort_values(["reward", "trial"], ascending=[False, True])
    if kept.empty:
        return kept
    taken: list[int] = []
    points = np.array([plan.space.digits_of(point) for point in kept.point.tolist()])
    take_unlike(points, DISTANCE, _MOST_MAXIMA, taken)
    chosen: pd.DataFrame = kept.iloc[taken]
    return chosen


def course_rows(plan: Plan, folder: Path) -> "pd.DataFrame":
    """Quantiles over the seeds at checkpoints, for every task, optimizer and source.

    `best_q` is the best reward so far, `feasible_q` the share of feasible trials since the
    checkpoint before.
    """
    import pandas as pd

    groups: dict[tuple[Any, ...], list[Run]] = {}
    for run in finished_runs(plan, folder):
        source = None if run.source is None else run.source.networks
        groups.setdefault((*run.task, run.optimizer, source), []).append(run)
    columns = ("networks", "objective", "budget_mm2", "optimizer", "source")
    rows = [
        dict(zip(columns, group, strict=True)) | row
        for group, runs in groups.items()
        for row in _course([load_rows(folder, run) for run in runs])
    ]
    return pd.DataFrame(rows)


def _course(logs: "Sequence[pd.DataFrame]") -> list[dict[str, Any]]:
    trials = min(len(log) for log in logs)
    stops = np.unique(np.linspace(trials / CHECKPOINTS, trials, CHECKPOINTS).astype(int))
    stops = stops[stops > 0]
    best = np.array([np.maximum.accumulate(log.reward.to_numpy())[stops - 1] for log in logs])
    counts = np.array([np.cumsum(log.feasible.to_numpy())[stops - 1] for log in logs])
    widths = np.diff(stops, prepend=0)
    shares = np.diff(counts, axis=1, prepend=0) / widths
    rows = []
    for place, stop in enumerate(stops.tolist()):
        row: dict[str, Any] = {"trial": stop, "runs": len(logs)}
        for name, values in (("best", best), ("feasible", shares)):
            quantiles = np.quantile(values[:, place], QUANTILES)
            names = (f"{name}_{100 * q:.0f}" for q in QUANTILES)
            row |= dict(zip(names, map(float, quantiles), strict=True))
        rows.append(row)
    return rows

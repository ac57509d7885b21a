"""What the objectives ask: where the unconstrained optimum lies, and whether the budgets bind.

The rows of `terms.py` say how both move with the uncertain terms of the area.
"""

from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apollo.search.objective import DEFAULT_GOAL, SPEEDUP
from apollo.search.reproduce.enumerate import load_enumeration
from apollo.search.reproduce.plan import SINGLE, UNBOUND, Plan
from apollo.search.reproduce.rows import load_rows
from apollo.search.reproduce.summary import finished_runs
from apollo.search.reproduce.terms import candidates_of, moved
from apollo.search.robust import SAMPLES
from apollo.search.task import Task

if TYPE_CHECKING:
    import pandas as pd

SAME = 0.999  # of the best: designs as good as it


def unbound_rows(plan: Plan, folder: Path) -> "pd.DataFrame":
    """For both objectives the best design found without a budget, and which budgets bind.

    The area is that of the smallest design within 0.1 % of the best: a speed-up that nothing
    limits is reached by designs of many sizes.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    runs = [run for run in finished_runs(plan, folder) if run.part == UNBOUND]
    for objective in dict.fromkeys(run.objective for run in runs):
        logs = [load_rows(folder, run) for run in runs if run.objective == objective]
        found = pd.concat(logs)
        best = found[found.reward >= SAME * found.reward.max()].nsmallest(1, "area_mm2").iloc[0]
        area_mm2 = float(best.area_mm2)
        row = {"networks": SINGLE, "objective": objective, "runs": len(logs)}
        row |= {"reward": float(best.reward), "area_mm2": area_mm2, "point": int(best.point)}
        row |= {f"binds_{budget:g}mm2": area_mm2 > budget for budget in plan.budgets_mm2}
        rows.append(row | plan.space.values_at(int(best.point)))
    return pd.DataFrame(rows)


def term_rows(plan: Plan, folder: Path, draws: int = SAMPLES) -> "pd.DataFrame":
    """The best designs under other constants, of everything measured on the single network."""
    import pandas as pd

    runs = [run for run in finished_runs(plan, folder) if run.networks == SINGLE]
    parts = [load_rows(folder, run)[["point", "area_mm2", "speedup"]] for run in runs]
    with suppress(FileNotFoundError):  # the part was not run
        parts.append(load_enumeration(plan, SINGLE, folder))
    if not parts:
        return pd.DataFrame()
    candidates = candidates_of(pd.concat(parts, ignore_index=True))
    task = Task.of(plan.problem(SINGLE, SPEEDUP, None))
    goals = {DEFAULT_GOAL: (None, *plan.budgets_mm2), SPEEDUP: plan.budgets_mm2}
    return pd.DataFrame([asdict(row) for row in moved(task, candidates, goals, draws)])

"""The best design of an enumerated space under a budget, and how certain it is.

1. The enumeration has a bound of every choice of the large parameters (`enumerate.py`).
2. In the order of their bounds, all choices of the small memories are tried on them.
3. When no bound that is left exceeds the best design found, that is the optimum.

The bound holds where larger staging memories are never slower. Round-robin on the DRAM makes rare
exceptions; those met while trying are counted.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from apollo.search.objective import SPEEDUP
from apollo.search.report.files import whole_file
from apollo.search.reproduce.enumerate import (
    area_at,
    load_enumeration,
    positions_of,
    speedup_of,
)
from apollo.search.reproduce.plan import Plan
from apollo.search.task import Task

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "optima"
MOST_TRIED = 40  # large designs of which all small choices are tried


@dataclass(frozen=True)
class Quest:
    """An optimum that is asked for."""

    networks: str  # name of a set
    objective: str
    budget_mm2: float

    @property
    def name(self) -> str:
        """Of its file."""
        return f"{self.networks}-{self.objective}-{self.budget_mm2:g}mm2"


@dataclass(frozen=True)
class Optimum:
    """The best design found by enumeration.

    Attributes:
        designs: choices of the large parameters within the budget.
        tried: of them, those of which every choice of the small memories was tried.
        bound: no design has more, where larger memories are never slower.
        exceptions: designs tried that were faster than their bound says.

    """

    networks: str
    objective: str
    budget_mm2: float
    designs: int
    tried: int
    reward: float
    point: int
    area_mm2: float
    bound: float
    exceptions: int

    @property
    def is_certain(self) -> bool:
        """Whether nothing that is left may be better."""
        return self.bound <= self.reward


def quests_of(plan: Plan) -> list[Quest]:
    """The optima that stand beside the runs on the enumerated sets."""
    tasks = dict.fromkeys(run.task for run in plan.all_runs)
    return [Quest(n, goal, b) for n, goal, b in tasks if n in plan.enumerated and b is not None]


def optimum_path(folder: Path, quest: Quest) -> Path:
    """Where an optimum is."""
    return folder / FOLDER / f"{quest.name}.json"


def find_optimum(plan: Plan, folder: Path, quest: Quest) -> None:
    """Find it, unless it is there."""
    path = optimum_path(folder, quest)
    if path.is_file():
        return
    task = Task.of(plan.problem(quest.networks, quest.objective, quest.budget_mm2))
    found = best_within(task, quest, load_enumeration(plan, quest.networks, folder))
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as part:
        part.write_text(json.dumps(asdict(found), indent=1) + "\n", encoding="utf-8")


def load_optimum(folder: Path, quest: Quest) -> Optimum | None:
    """The optimum; None when it was not looked for."""
    path = optimum_path(folder, quest)
    return Optimum(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def best_within(
    task: Task, quest: Quest, enumeration: "pd.DataFrame", most: int = MOST_TRIED
) -> Optimum:
    """The best design within the budget, of an enumeration with its bounds."""
    rows = enumeration[enumeration.area_mm2 <= quest.budget_mm2]
    points, areas, speedups = (rows[name].to_numpy() for name in ("point", "area_mm2", "speedup"))
    bounds = np.array(
        [
            _reward(task, quest, *pair)
            for pair in zip(speedups.tolist(), areas.tolist(), strict=True)
        ]
    )
    order = (-bounds).argsort(kind="stable")
    reward, point, area_mm2, exceptions, tried = 0.0, 0, 0.0, 0, 0
    for place in order[:most]:
        if bounds[place] <= reward:
            break
        tried += 1
        for index, area, speedup in _with_all_small(task, int(points[place]), quest.budget_mm2):
            exceptions += int(speedup > speedups[place])
            found = _reward(task, quest, speedup, area)
            if found > reward:
                reward, point, area_mm2 = found, index, area
    left = float(bounds[order[tried]]) if tried < len(order) else 0.0
    name = (quest.networks, quest.objective, quest.budget_mm2, len(rows), tried)
    return Optimum(*name, reward, point, area_mm2, max(left, reward), exceptions)


def _reward(task: Task, quest: Quest, speedup: float, area_mm2: float) -> float:
    """What the objective makes of speed-up and area."""
    if quest.objective == SPEEDUP:
        return speedup
    return speedup * task.objective.baseline_area_mm2 / area_mm2


def _with_all_small(
    task: Task, index: int, budget_mm2: float
) -> Iterator[tuple[int, float, float]]:
    """Point, area and speed-up of every choice of the small memories within the budget."""
    space = task.problem.space
    places = positions_of(task)
    digits = list(space.digits_of(index))
    for choice in product(*(reversed(range(space.radices[place])) for place in places)):
        for place, digit in zip(places, choice, strict=True):
            digits[place] = digit
        point = space.index_of(digits)
        area_mm2 = area_at(space, point)
        if area_mm2 <= budget_mm2:
            yield point, area_mm2, speedup_of(task, point)

"""The best design of an enumerated space under a budget, and how certain it is: best first.

1. The enumeration has a bound of every choice of the large parameters (`enumerate.py`).
2. The one with the greatest bound is split into all choices of the small memories within the
   budget, each with the bound of its own area.
3. The bound of a choice falls to what it has with each small memory alone that small and the
   others largest; when it is still the greatest, the choice is measured.
4. When no bound that is left exceeds the best design measured, that is the optimum.

Larger memories are hardly ever slower: round-robin on the DRAM makes differences of some tenths of
a percent. So bounds have `SLACK` added, and designs that exceed even that are counted.
"""

import heapq
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from apollo.search.objective import SPEEDUP
from apollo.search.report.files import whole_file
from apollo.search.reproduce.enumerate import area_at, load_enumeration, positions_of, speedup_of
from apollo.search.reproduce.plan import Plan
from apollo.search.task import Task

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "optima"
MOST_MEASURED = 6000
SLACK = 0.005


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
        measured: designs with other small memories that were measured.
        bound: no design has more, where larger memories are slower by at most the slack.
        exceptions: designs measured that were faster than their bound.

    """

    networks: str
    objective: str
    budget_mm2: float
    designs: int
    measured: int
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
    task: Task, quest: Quest, enumeration: "pd.DataFrame", most: int = MOST_MEASURED
) -> Optimum:
    """The best design within the budget, of an enumeration with its bounds."""
    return _Search(task, quest, enumeration).run(most)


_Choice = tuple[int, ...]  # digits of the small memories; none before the large design is split
_Node = tuple[float, int, _Choice]  # bound (negative), point with the largest memories, choice


class _Search:
    """What may still be better, by its bound, and the best design so far."""

    def __init__(self, task: Task, quest: Quest, enumeration: "pd.DataFrame") -> None:
        self.task, self.quest = task, quest
        self.places = positions_of(task)
        rows = enumeration[enumeration.area_mm2 <= quest.budget_mm2]
        columns = (rows[name].tolist() for name in ("point", "area_mm2", "speedup"))
        large = list(zip(*columns, strict=True))
        self.speedups = {point: speedup for point, _, speedup in large}  # with large memories
        self.heap: list[_Node] = [
            (-self.bound(speedup, area_mm2), point, ()) for point, area_mm2, speedup in large
        ]
        heapq.heapify(self.heap)
        self.measure = cache(lambda point: speedup_of(task, point))
        self.best = (0.0, 0, 0.0)  # reward, point, area
        self.exceptions = 0

    def reward(self, speedup: float, area_mm2: float) -> float:
        """What the objective makes of speed-up and area."""
        if self.quest.objective == SPEEDUP:
            return speedup
        return speedup * self.task.objective.baseline_area_mm2 / area_mm2

    def bound(self, speedup: float, area_mm2: float) -> float:
        """The most that smaller memories may make of it."""
        return self.reward(speedup * (1 + SLACK), area_mm2)

    def run(self, most: int) -> Optimum:
        """Measure what may be the best until nothing else may, or so many are."""
        measured = self.measure.cache_info
        while self.heap and -self.heap[0][0] > self.best[0] and measured().misses < most:
            self._step(heapq.heappop(self.heap))
        left = -self.heap[0][0] if self.heap else 0.0
        return Optimum(
            **asdict(self.quest),
            designs=len(self.speedups),
            measured=measured().misses,
            reward=self.best[0],
            point=self.best[1],
            area_mm2=self.best[2],
            bound=max(left, self.best[0]),
            exceptions=self.exceptions,
        )

    def _step(self, node: _Node) -> None:
        bound, large, choice = -node[0], node[1], node[2]
        if not choice:
            for each, area_mm2 in self._choices(large):
                value = self.bound(self.speedups[large], area_mm2)
                heapq.heappush(self.heap, (-value, large, each))
            return
        point = self._with(large, choice)
        area_mm2 = area_at(self.task.problem.space, point)
        most = min(self.speedups[large], *map(self.measure, self._alone(large, choice)))
        value = self.bound(most, area_mm2)
        if value < bound:
            heapq.heappush(self.heap, (-value, large, choice))
            return
        speedup = self.measure(point)
        found = self.reward(speedup, area_mm2)
        self.exceptions += int(found > value)
        if found > self.best[0]:
            self.best = (found, point, area_mm2)

    def _choices(self, large: int) -> Iterator[tuple[_Choice, float]]:
        """The choices of the small memories within the budget, with the area of each."""
        radices = self.task.problem.space.radices
        for choice in product(*(range(radices[place]) for place in self.places)):
            area_mm2 = area_at(self.task.problem.space, self._with(large, choice))
            if area_mm2 <= self.quest.budget_mm2:
                yield choice, area_mm2

    def _alone(self, large: int, choice: _Choice) -> list[int]:
        """Points with one small memory as chosen and the others largest."""
        digits = self.task.problem.space.digits_of(large)
        largest = [digits[place] for place in self.places]
        return [
            self._with(large, [*largest[:number], digit, *largest[number + 1 :]])
            for number, digit in enumerate(choice)
        ]

    def _with(self, large: int, choice: Sequence[int]) -> int:
        digits = list(self.task.problem.space.digits_of(large))
        for place, digit in zip(self.places, choice, strict=True):
            digits[place] = digit
        return self.task.problem.space.index_of(digits)

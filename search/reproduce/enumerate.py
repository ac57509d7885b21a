"""Every choice of the large parameters under an area, in chunks that are files.

A design is measured with the largest small memories, and has the area of the smallest: so its
reward is what no choice of the small ones exceeds, as far as larger memories are never slower
(`optimum.py` tries all choices for the designs that decide). Area never falls when a parameter
grows, so choices beyond the first that is too large are not looked at.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from apollo.arch.area import area_of
from apollo.arch.space import Space
from apollo.search.objective import SPEEDUP
from apollo.search.report.table import write_parquet
from apollo.search.reproduce.plan import Plan
from apollo.search.task import Task

if TYPE_CHECKING:
    import pandas as pd

SMALL = ("activation_memory_bytes", "instruction_memory_bytes", "parameter_memory_bytes")
FOLDER = "enumeration"
TYPES = {"point": "int64", "area_mm2": "float64", "speedup": "float64"}


@dataclass(frozen=True)
class Chunk:
    """The designs that begin with these digits."""

    networks: str  # name of a set
    head: tuple[int, ...]

    @property
    def name(self) -> str:
        """Of its file."""
        return "_".join([self.networks, *(f"{digit:02d}" for digit in self.head)])


def chunks_of(plan: Plan, networks: str) -> list[Chunk]:
    """All chunks of a set: the choices of the first three parameters that have a design."""
    heads = product(*map(range, plan.space.radices[:3]))
    rest = (0,) * (len(plan.space.radices) - 3)
    smallest = ((head, plan.space.index_of([*head, *rest])) for head in heads)
    most_mm2 = max(plan.budgets_mm2)
    return [
        Chunk(networks, head) for head, index in smallest if area_at(plan.space, index) <= most_mm2
    ]


def chunk_path(folder: Path, chunk: Chunk) -> Path:
    """Where the rows of a chunk are."""
    return folder / FOLDER / f"{chunk.name}.parquet"


def enumerate_chunk(plan: Plan, folder: Path, chunk: Chunk) -> None:
    """Measure the designs of a chunk, unless it has its rows."""
    import pandas as pd

    path = chunk_path(folder, chunk)
    if path.is_file():
        return
    task = Task.of(plan.problem(chunk.networks, SPEEDUP, None))
    rows = [
        (with_small(task, index, -1), area_mm2, bound_of(task, index))
        for index, area_mm2 in large_designs(task, chunk.head, max(plan.budgets_mm2))
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_parquet(pd.DataFrame(rows, columns=list(TYPES)).astype(TYPES), path)


def load_enumeration(plan: Plan, networks: str, folder: Path) -> "pd.DataFrame":
    """Point, least area and greatest speed-up of every large design; 0 where none runs."""
    import pandas as pd

    parts = [pd.read_parquet(chunk_path(folder, chunk)) for chunk in chunks_of(plan, networks)]
    return pd.concat(parts, ignore_index=True)


def large_designs(task: Task, head: Sequence[int], most_mm2: float) -> Iterator[tuple[int, float]]:
    """Index with the smallest small memories and area of every design within the area."""
    radices = task.problem.space.radices
    small = positions_of(task)

    def grown(digits: tuple[int, ...]) -> Iterator[tuple[int, float]]:
        place = len(digits)
        rest = (0,) * (len(radices) - place)
        index = task.problem.space.index_of([*digits, *rest])
        area_mm2 = area_at(task.problem.space, index)
        if area_mm2 > most_mm2:
            return
        if not rest:
            yield index, area_mm2
            return
        for digit in range(1 if place in small else radices[place]):
            found = list(grown((*digits, digit)))
            if not found:
                return
            yield from found

    return grown(tuple(head))


def positions_of(task: Task) -> tuple[int, ...]:
    """Which digits of a point are of small memories."""
    names = [parameter.name for parameter in task.problem.space.parameters]
    return tuple(names.index(name) for name in SMALL)


def with_small(task: Task, index: int, digit: int) -> int:
    """The point with that digit for every small memory; -1 is the last."""
    space = task.problem.space
    digits = list(space.digits_of(index))
    for place in positions_of(task):
        digits[place] = digit % space.radices[place]
    return space.index_of(digits)


def area_at(space: Space, index: int) -> float:
    """The area of a point."""
    return area_of(space.accelerator_at(index)).total_mm2


def bound_of(task: Task, index: int) -> float:
    """The speed-up with the largest small memories; 0 where it does not run."""
    return speedup_of(task, with_small(task, index, -1))


def speedup_of(task: Task, index: int) -> float:
    """The speed-up of a point over the baseline, whatever its area; 0 where it does not run."""
    from apollo.search.evaluate import Job

    measure = task.measure()
    found = measure(Job(index, task.objective.networks))
    return float(task.objective.outcome(1.0, found).metrics.get(SPEEDUP, 0.0))

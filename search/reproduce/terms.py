"""How the best design moves with the uncertain terms of the area.

Cycles do not depend on the constants, so designs that were measured have their areas computed anew
and are ranked again: with the fixed part from nearly nothing to ten times ours, with and (all but)
without the DRAM interface, and with all groups of constants drawn within what they are certain to
(`search/robust.py` does the same to the winners of a study, with energy).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from apollo.arch.area import area_of
from apollo.arch.constants import DEFAULT, Technology
from apollo.search.objective import SPEEDUP
from apollo.search.robust import SAMPLES, drawn
from apollo.search.task import Task

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

FIXED_MM2 = (0.01, 0.15, 0.3, 0.6, 1.0, 2.0, 3.0)
INTERFACE_FACTORS = (0.01, 0.5, 1.0, 2.0)
_BIN_MM2, _KEPT = 0.1, 20  # of designs of about the same area the fastest


@dataclass(frozen=True)
class Moved:
    """The best design under other constants."""

    term: str
    value: float
    objective: str
    budget_mm2: float | None
    point: int
    area_mm2: float  # under these constants
    reward: float


def candidates_of(measured: "pd.DataFrame") -> "pd.DataFrame":
    """Of points with area and speed-up, the fastest of about each area."""
    runs = measured[measured.speedup > 0].drop_duplicates("point")
    near = (runs.area_mm2 / _BIN_MM2).round().astype(int)
    order = ["near", "speedup", "point"]
    ranked = runs.assign(near=near).sort_values(order, ascending=[True, False, True])
    return ranked.groupby("near", sort=True).head(_KEPT).drop(columns="near")


def variations(draws: int = SAMPLES, seed: int = 0) -> Iterator[tuple[str, float, Technology]]:
    """A term, its value, and all constants with it."""
    for value in FIXED_MM2:
        yield "fixed_mm2", value, replace(DEFAULT, fixed_mm2=value)
    name = "dram_interface_mm2_per_gb_per_s"
    for factor in INTERFACE_FACTORS:
        yield name, factor, replace(DEFAULT, **{name: factor * getattr(DEFAULT, name)})
    generator = np.random.default_rng(seed)
    for number in range(draws):
        yield "draw", float(number), drawn(DEFAULT, generator)


def moved(
    task: Task,
    candidates: "pd.DataFrame",
    goals: Mapping[str, Sequence[float | None]],
    draws: int = SAMPLES,
) -> list[Moved]:
    """The best of the candidates for every objective, budget and variation.

    None is no budget. Where nothing is within a budget there is no row.
    """
    points, speedups = candidates.point.tolist(), candidates.speedup.to_numpy()
    designs = [task.problem.space.accelerator_at(point) for point in points]
    rows = []
    for term, value, technology in variations(draws):
        areas = np.array([area_of(design, technology).total_mm2 for design in designs])
        baseline_mm2 = area_of(task.baseline, technology).total_mm2
        for objective, budgets in goals.items():
            scale = 1.0 if objective == SPEEDUP else baseline_mm2 / areas
            for budget_mm2 in budgets:
                best = _best(speedups * scale, areas, budget_mm2)
                if best is not None:
                    reward = float((speedups * scale)[best])
                    asked = (term, value, objective, budget_mm2)
                    rows.append(Moved(*asked, points[best], float(areas[best]), reward))
    return rows


def _best(rewards: Floats, areas: Floats, budget_mm2: float | None) -> int | None:
    """The position of the greatest reward within the budget, the smallest of equals."""
    within = areas <= (math.inf if budget_mm2 is None else budget_mm2)
    if not within.any():
        return None
    most = rewards[within].max()
    places = np.flatnonzero(within & (rewards >= most * (1 - 1e-12)))
    return int(places[areas[places].argmin()])

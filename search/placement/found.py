"""What every way to place a graph is given, and what it finds."""

import math
import time
from dataclasses import dataclass, field

import numpy as np

from apollo.search.placement.problem import Costs, Ints, PlacementProblem


@dataclass(frozen=True)
class Budget:
    """How much may be tried. Raises `ValueError` when it is nothing."""

    simulations: int  # placements, at most
    seconds: float = math.inf  # at most

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.simulations < 1:
            raise ValueError(f"There must be at least 1 simulation, not {self.simulations}.")
        if not self.seconds > 0:
            raise ValueError(f"There must be more than 0 seconds, not {self.seconds}.")


@dataclass(frozen=True)
class Found:
    """The best placement of a run."""

    placement: Ints  # [G]
    cost: float  # infinite where nothing fits the memories
    simulations: int  # placements that were tried for it
    curve: tuple[tuple[int, float], ...] = ()  # (simulations, best cost) at every improvement


@dataclass
class Tries:
    """Counts what is simulated, and keeps the best of it: the only way to a cost within a budget.

    A placement that lacks memory is better than one that lacks more, worse than any that fits.
    """

    problem: PlacementProblem
    budget: Budget
    simulations: int = 0
    curve: list[tuple[int, float]] = field(default_factory=list)
    _best: Ints | None = None
    _rank: tuple[float, float] = (math.inf, math.inf)  # bytes that are lacking, cost
    _began: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> int:
        """How many placements may still be tried; 0 when the time is over."""
        if time.monotonic() - self._began >= self.budget.seconds:
            return 0
        return self.budget.simulations - self.simulations

    def costs(self, placements: Ints) -> Costs:
        """Cost of placements [P, G], `P` not above `left` (the time does not cut a batch)."""
        costs = self.problem.costs(placements)
        order = np.lexsort((costs.cost, costs.overflow_bytes))
        best = int(order[0]) if len(order) else -1
        rank = (float(costs.overflow_bytes[best]), float(costs.cost[best])) if best >= 0 else None
        if rank is not None and rank < self._rank:
            self._best, self._rank = placements[best].copy(), rank
            if rank[0] == 0:
                self.curve.append((self.simulations + best + 1, rank[1]))
        self.simulations += len(placements)
        return costs

    def found(self) -> Found:
        """The best of all. Raises `ValueError` when nothing was tried."""
        if self._best is None:
            raise ValueError("Nothing was tried.")
        cost = self._rank[1] if self._rank[0] == 0 else math.inf
        return Found(self._best, cost, self.simulations, tuple(self.curve))

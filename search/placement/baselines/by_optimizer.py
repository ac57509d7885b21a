"""Any optimizer of designs (docs/optimizers.md) as one of placements.

A point has a digit for every group, its number among the devices that may run the group; the reward
is that of the best single device over the cost. The placements on one device are told first.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from apollo.search.optimizers.base import Optimizer
from apollo.search.optimizers.table import make_optimizer
from apollo.search.placement.baselines.single import single_placements
from apollo.search.placement.found import Budget, Found, Tries
from apollo.search.placement.instance import Instance
from apollo.search.placement.problem import Costs, Ints, PlacementProblem
from apollo.search.trial import Outcome, Trial

_BATCH = 64
# P3BO's members: its usual ones of evolution, and others that keep less or change more at once.
_MEMBERS = (
    "evolutionary mutation=0.02; evolutionary mutation=0.1; "
    "evolutionary crossover=0.2 mutation=0.05; evolutionary tournament=12 elite=60 mutation=0.01"
)
_SETTINGS = {"p3bo": {"members": _MEMBERS}, "adaptive_p3bo": {"members": _MEMBERS}}
_LACKING = Outcome(False, 0.0, {}, "memory", "A device lacks memory for the placement.")


class Digits:
    """Placements as points: the number of a device among those that may run a group."""

    def __init__(self, problem: PlacementProblem) -> None:
        """Lay the tables out."""
        allowed = problem.groups.allowed
        self.radices: list[int] = allowed.sum(axis=1).tolist()
        self._digit = allowed.cumsum(axis=1) - 1  # [G, D]
        self._device = np.argsort(~allowed, axis=1, kind="stable")  # [G, D] allowed ones first
        self._group = np.arange(len(allowed))

    def points(self, placements: Ints) -> Ints:
        """Of placements, both [P, G]."""
        points: Ints = self._digit[self._group, placements]
        return points

    def placements(self, points: Ints) -> Ints:
        """Of points, both [P, G]."""
        placements: Ints = self._device[self._group, points]
        return placements


def by_optimizer(
    name: str, problem: PlacementProblem, instance: Instance | None, budget: Budget, seed: int
) -> Found:
    """The best that an optimizer finds. Raises `ValueError` where there is none of that name."""
    tries, digits = Tries(problem, budget), Digits(problem)
    settings: dict[str, Any] = dict(_SETTINGS.get(name, {}))
    if name.startswith("nevergrad:"):
        settings["budget"] = budget.simulations
    optimizer = make_optimizer(name, settings, digits.radices)
    generator = np.random.default_rng(seed)
    first = single_placements(problem)[: tries.left]
    costs = tries.costs(first)
    scale = float(np.min(costs.cost))
    told = _tell(optimizer, digits.points(first), costs, scale, 0, ())
    while tries.left > 0:
        proposals = optimizer.propose(min(_BATCH, tries.left), generator)
        costs = tries.costs(digits.placements(proposals.points))
        told = _tell(optimizer, proposals.points, costs, scale, told, proposals.proposers)
    return tries.found()


def _tell(
    optimizer: Optimizer,
    points: Ints,
    costs: Costs,
    scale: float,
    number: int,
    proposers: Sequence[str | None],
) -> int:
    """Tell an optimizer what points cost; the number of the next trial."""
    names = proposers or [None] * len(points)
    indices = optimizer.indices_of(points).tolist()
    rows = zip(indices, costs.ranked.tolist(), names, strict=True)
    trials = [
        Trial(number + place, index, _outcome(cost, scale), proposer=name)
        for place, (index, cost, name) in enumerate(rows)
    ]
    optimizer.tell(trials)
    return number + len(trials)


def _outcome(cost: float, scale: float) -> Outcome:
    return _LACKING if cost == np.inf else Outcome(True, scale / cost)

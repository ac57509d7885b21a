"""Local search: the moves of one group and swaps of two that help, and restarts.

H. R. Lourenço, O. C. Martin, T. Stützle, "Iterated local search" (2003):

1. Start at the best placement on one device.
2. Neighbours are drawn at random, half moves and half swaps, `BATCH` at a time; the best of a batch
   is taken if it is better. After `patience` batches without one, all moves are tried in order.
3. Where no move helps, restart: at the best of all with a tenth of the groups drawn anew, and every
   third time at a random placement.

Placements that lack memory are ordered by how much they lack.
"""

from collections.abc import Iterator

import numpy as np

from apollo.search.placement.baselines.devices import random_placements
from apollo.search.placement.baselines.single import single_placements
from apollo.search.placement.found import Budget, Found, Tries
from apollo.search.placement.instance import Instance
from apollo.search.placement.problem import Costs, Ints, PlacementProblem

BATCH = 32
_SHAKEN = 0.1  # of the groups, at a restart
_ANEW = 3  # every so many restarts from a random placement

Rank = tuple[float, float]  # bytes that are lacking, cost


def local_search(
    problem: PlacementProblem, instance: Instance | None, budget: Budget, seed: int
) -> Found:
    """From the best single device, until the budget is spent or there is nothing to move."""
    return local_search_from(problem, single_placements(problem), budget, seed)


def local_search_from(problem: PlacementProblem, starts: Ints, budget: Budget, seed: int) -> Found:
    """The same from the best of some placements [P, G], which are simulated within the budget."""
    climb = _Climb(Tries(problem, budget), np.random.default_rng(seed))
    climb.to_best_of(starts)
    restarts = 0
    while climb.tries.left > 0 and (problem.groups.allowed.sum(axis=1) > 1).any():
        climb.by_draws()
        climb.by_all_moves()
        restarts += 1
        climb.restart(is_anew=restarts % _ANEW == 0)
    return climb.tries.found()


class _Climb:
    """Where the search is, and how it goes on."""

    def __init__(self, tries: Tries, generator: np.random.Generator) -> None:
        self.tries, self.generator = tries, generator
        self.problem = tries.problem
        self.allowed = self.problem.groups.allowed
        self.free = np.flatnonzero(self.allowed.sum(axis=1) > 1)  # groups that can move
        self.at: Ints = np.empty(0, np.int64)
        self.rank: Rank = (np.inf, np.inf)

    def to_best_of(self, placements: Ints) -> bool:
        """Try them within the budget; go to the best if it is better than where the search is."""
        placements = placements[: self.tries.left]
        if len(placements) == 0:
            return False
        costs = self.tries.costs(placements)
        best = _best(costs)
        rank = (float(costs.overflow_bytes[best]), float(costs.cost[best]))
        if rank >= self.rank:
            return False
        self.at, self.rank = placements[best].copy(), rank
        return True

    def by_draws(self) -> None:
        """Random neighbours, while some of the last batches helped."""
        patience = 1 + len(self.free) // BATCH
        failures = 0
        while failures < patience and self.tries.left > 0:
            failures = 0 if self.to_best_of(self._neighbours()) else failures + 1

    def by_all_moves(self) -> None:
        """All moves in a random order, over and over until none helps."""
        is_better = True
        while is_better and self.tries.left > 0:
            is_better = False
            for batch in self._moves():
                is_better |= self.to_best_of(batch)

    def restart(self, *, is_anew: bool) -> None:
        """Leave the local optimum for a placement near the best, or for any."""
        placement = random_placements(self.problem, 1, self.generator)[0]
        if not is_anew:
            kept = self.generator.random(len(placement)) >= _SHAKEN
            placement = np.where(kept, self.tries.found().placement, placement)
        self.rank = (np.inf, np.inf)
        self.to_best_of(placement[None, :])

    def _neighbours(self) -> Ints:
        """[BATCH, G] Moves, and swaps where both groups may run on the other's device."""
        first, second = self.generator.choice(self.free, (2, BATCH))
        rows = np.arange(BATCH)
        one, two = self.at[first], self.at[second]
        keys = np.where(
            self.allowed[first], self.generator.random((BATCH, len(self.allowed[0]))), -1
        )
        keys[rows, one] = -1  # a move goes elsewhere
        swaps = (rows % 2 == 0) & (one != two)
        swaps &= self.allowed[first, two] & self.allowed[second, one]
        neighbours = np.tile(self.at, (BATCH, 1))
        neighbours[rows, first] = np.where(swaps, two, keys.argmax(axis=1))
        neighbours[rows[swaps], second[swaps]] = one[swaps]
        return neighbours

    def _moves(self) -> Iterator[Ints]:
        """Every move of where the search is when it is reached, in batches."""
        group, device = np.nonzero(self.allowed)
        order = self.generator.permutation(len(group))
        for first in range(0, len(order), BATCH):
            some = order[first : first + BATCH]
            some = some[self.at[group[some]] != device[some]]
            batch = np.tile(self.at, (len(some), 1))
            batch[np.arange(len(some)), group[some]] = device[some]
            yield batch


def _best(costs: Costs) -> int:
    return int(np.lexsort((costs.cost, costs.overflow_bytes))[0])

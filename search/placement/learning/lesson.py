"""A problem while a policy learns it: what was found, and what rewards are usual."""

from dataclasses import dataclass, field
from typing import Self

import numpy as np

from apollo.search.placement.baselines.contiguous import contiguous_placements
from apollo.search.placement.found import Budget, Tries
from apollo.search.placement.learning.inputs import Inputs, inputs_of
from apollo.search.placement.learning.reward import on_one_device, reference_cost, rewards
from apollo.search.placement.problem import Costs, Floats, Ints, PlacementProblem

_FARTHEST = 4.0  # deviations that an advantage may be from 0
_LEAST = 1e-9


def first_placements(problem: PlacementProblem) -> Ints:
    """[P, G] What is tried before anything is learned: each device alone, and contiguous parts."""
    return np.concatenate([on_one_device(problem), contiguous_placements(problem)])


@dataclass(frozen=True)
class Kept:
    """A placement and what it costs."""

    placement: Ints  # [G]
    overflow_bytes: int
    cost: float

    @property
    def rank(self) -> tuple[int, float]:
        """The less, the better: those that fit before those that do not."""
        return self.overflow_bytes, self.cost

    @classmethod
    def best_of(cls, placements: Ints, costs: Costs) -> Self:
        """The best of placements [P, G]."""
        best = int(np.lexsort((costs.cost, costs.overflow_bytes))[0])
        overflow = int(costs.overflow_bytes[best])
        return cls(placements[best].copy(), overflow, float(costs.cost[best]))


@dataclass
class Lesson:
    """What is known of a problem."""

    tries: Tries
    inputs: Inputs
    reference: float  # cost that a reward of -1 stands for
    first: Kept  # the best placement on one device or in contiguous parts: a visit begins with it
    followed: Kept  # the best one of this visit, which placements are drawn knowing
    baselines: dict[int, float] = field(default_factory=dict)  # moving averages of rewards, by kind
    scale: float = 0.0  # of advantages: the largest deviation of rewards, falling

    @classmethod
    def of(cls, problem: PlacementProblem, budget: Budget) -> Self:
        """A problem of which only placements on one device and contiguous parts are known."""
        tries = Tries(problem, budget)
        alone = problem.groups.compute_ns.shape[1]  # those on one device come first
        placements = first_placements(problem)[: budget.simulations]
        costs = tries.costs(placements)
        best = Kept.best_of(placements, costs)
        of_alone = Costs(costs.cost[:alone], costs.overflow_bytes[:alone])
        return cls(tries, inputs_of(problem), reference_cost(of_alone), best, best)

    @property
    def problem(self) -> PlacementProblem:
        """What is placed."""
        return self.tries.problem

    def kept(self, placement: Ints) -> Kept:
        """A placement [G] and its cost, which does not count."""
        return Kept.best_of(placement[None, :], self.problem.costs(placement[None, :]))

    def begin(self) -> None:
        """Begin a visit: nothing is found yet, and no reward is usual."""
        self.followed = self.first
        self.baselines, self.scale = {}, 0.0

    def simulate(self, placements: Ints) -> tuple[Costs, Floats]:
        """Costs and rewards of placements [P, G]; the best one is followed."""
        costs = self.tries.costs(placements)
        found = Kept.best_of(placements, costs)
        self.followed = min(self.followed, found, key=lambda kept: kept.rank)
        return costs, rewards(costs, self.reference, int(self.problem.memory_bytes.sum()))

    def advantages(self, reward: Floats, kind: Ints, decay: float) -> Floats:
        """[P] How much better than usual for their kind rewards are, in deviations.

        What is usual moves.
        """
        better = np.empty(len(reward))
        for each in np.unique(kind).tolist():
            mean = float(reward[kind == each].mean())
            before = self.baselines.get(each, mean)
            self.baselines[each] = decay * before + (1 - decay) * mean
            better[kind == each] = reward[kind == each] - self.baselines[each]
        # Were the deviation this batch's alone, a policy that is sure of itself would learn noise.
        self.scale = max(float(better.std()), decay * self.scale)
        return np.clip(better / (self.scale + _LEAST), -_FARTHEST, _FARTHEST)

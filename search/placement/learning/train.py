"""Training: placements are drawn and simulated, and make the policy better; again and again.

A family of problems is visited one after the other, in an order that is drawn anew each time round.
A visit begins with the best single device as the placement to follow, so that a policy learns to
place a problem of which it knows nothing, and then to go on from what it found.

One problem alone is learned until nothing better was found for a while. Then the policy it began
with begins again, with what is left of the budget; the best placement of all is kept.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from apollo.search.placement.found import Budget
from apollo.search.placement.learning.draw import Drawn, draw
from apollo.search.placement.learning.exploration import kinds, spread
from apollo.search.placement.learning.lesson import Lesson
from apollo.search.placement.learning.policy import Policy
from apollo.search.placement.learning.update import Rates, untaught
from apollo.search.placement.problem import Floats, PlacementProblem

_LAST_RATE = 0.1  # of Adam at the end, as a share of the first


@dataclass(frozen=True)
class Row:
    """A point of a learning curve: an update, of placements of one problem."""

    update: int
    problem: str
    simulations: int  # so far, of all problems
    best_cost: float  # of this problem so far; infinite where none fits
    mean_reward: float  # of this update's placements
    feasible: float  # share of them
    entropy: float | None  # nats a decision; None where the policy was not updated


class Training:
    """A policy and the problems that it learns, at some point of the training."""

    def __init__(
        self, problems: Sequence[PlacementProblem], policy: Policy, budget: Budget, seed: int
    ) -> None:
        """Begin; the budget is for all problems together.

        Raises `ValueError`, one sentence, where there is no problem.
        """
        if not problems:
            raise ValueError("There must be a problem to learn.")
        self.settings, self.budget, self.seed = policy.settings, budget, seed
        self.first = policy
        self.learned = untaught(policy.parameters, policy.settings.descent)
        self.lessons = [Lesson.of(problem, budget) for problem in problems]
        self.update = 0
        self.seconds = 0.0  # of training, with what was resumed
        self.rows: list[Row] = []
        self.stale = 0  # placements since something better was found
        self.begun = 0.0  # share of the budget that was gone at the last beginning

    @property
    def simulations(self) -> int:
        """How many placements were simulated, of all problems."""
        return sum(lesson.tries.simulations for lesson in self.lessons)

    @property
    def policy(self) -> Policy:
        """The policy as it is now."""
        return Policy(self.settings, self.learned.parameters)

    @property
    def spent(self) -> float:
        """Share of the budget that is gone."""
        return max(self.simulations / self.budget.simulations, self.seconds / self.budget.seconds)

    def run(self, after: Callable[["Training"], None] | None = None) -> None:
        """Go on until the budget is spent; `after` is called at the end of every update."""
        while self.spent < 1:
            began = time.monotonic()
            self._step()
            self.seconds += time.monotonic() - began
            if after is not None:
                after(self)

    def _step(self) -> None:
        """One update on one problem."""
        lesson, settings = self.lessons[self._visited()], self.settings
        self._begin(lesson)
        known = lesson.followed.rank
        rates = self._rates(lesson)
        key = jax.random.fold_in(jax.random.key(self.seed), self.update)
        drawn = draw(self.policy, lesson, key, rates.exploration)
        placements = drawn.placements[: self.budget.simulations - self.simulations]
        costs, reward = lesson.simulate(placements)
        entropy = None
        if len(placements) == settings.samples:  # the last ones of a budget may be fewer
            entropy = self._learn(lesson, drawn, reward, rates)
        self.stale = 0 if lesson.followed.rank < known else self.stale + len(placements)
        best = lesson.tries.found().cost
        mean, feasible = float(reward.mean()), float((costs.overflow_bytes == 0).mean())
        name = lesson.problem.name
        self.rows.append(Row(self.update, name, self.simulations, best, mean, feasible, entropy))
        self.update += 1

    def _begin(self, lesson: Lesson) -> None:
        """Begin a visit when it is time, or begin anew."""
        if len(self.lessons) > 1:
            if self.update % self.settings.visit == 0:
                lesson.begin()
        elif self.stale >= self.settings.patience * len(lesson.problem.groups.names):
            lesson.begin()
            self.learned = untaught(self.first.parameters, self.settings.descent)
            self.stale, self.begun = 0, self.spent

    def _learn(self, lesson: Lesson, drawn: Drawn, reward: Floats, rates: Rates) -> float:
        kind, decay = kinds(rates.exploration), self.settings.baseline_decay
        advantage = jnp.float32(lesson.advantages(reward, kind, decay))
        self.learned, entropy = drawn.improve(self.learned, advantage, rates, self.settings)
        return float(entropy)

    def _rates(self, lesson: Lesson) -> Rates:
        settings = self.settings
        spent = min(1.0, (self.spent - self.begun) / max(1 - self.begun, 1e-9))
        return Rates(
            step=jnp.float32(settings.rate * (1 - (1 - _LAST_RATE) * spent)),
            entropy=jnp.float32(settings.entropy * (1 - spent)),
            exploration=spread(settings, len(lesson.problem.groups.names), self.update),
        )

    def _visited(self) -> int:
        """The problem of this update."""
        rounds, place = divmod(self.update // self.settings.visit, len(self.lessons))
        order = np.random.default_rng([self.seed, rounds]).permutation(len(self.lessons))
        return int(order[place])

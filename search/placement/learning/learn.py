"""Place a problem: by a policy that learns it from nothing, or by one that has learned others."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import jax

from apollo.search.placement.found import Budget, Found
from apollo.search.placement.learning.draw import draw
from apollo.search.placement.learning.exploration import LIKELIEST, Exploration, spread
from apollo.search.placement.learning.imitation import teach
from apollo.search.placement.learning.lesson import Lesson
from apollo.search.placement.learning.policy import Policy
from apollo.search.placement.learning.settings import LearningSettings
from apollo.search.placement.learning.train import Training
from apollo.search.placement.problem import PlacementProblem

# Of the placements of a batch, where nothing is learned.
_KEEP, _BLIND = 0.75, 0.0625
_TAUGHT_RATE = 0.2  # of the settings' rate, for a policy that has imitated


def learn(
    problem: PlacementProblem,
    budget: Budget,
    seed: int = 0,
    settings: LearningSettings | None = None,
) -> Found:
    """The best placement that a new policy meets while it learns the problem."""
    return fine_tune(problem, Policy.new(settings or LearningSettings(), seed), budget, seed)


def fine_tune(problem: PlacementProblem, policy: Policy, budget: Budget, seed: int = 0) -> Found:
    """The best placement that a policy meets while it learns the problem too."""
    training = Training([problem], policy, budget, seed)
    training.run()
    return training.lessons[0].tries.found()


def family_training(
    problems: Sequence[PlacementProblem],
    budget: Budget,
    seed: int = 0,
    settings: LearningSettings | None = None,
    pause: Callable[[], None] = lambda: None,
) -> Training:
    """The training of a policy on a family of problems, ready to run.

    Half of the budget is local search's, whose placements the policy imitates; from there it learns
    by reinforcement, in smaller steps than from nothing. `pause` is called every now and then: it
    may raise to end it. Raises `ValueError` without a problem.
    """
    new = Policy.new(settings or LearningSettings(), seed)
    if not problems or budget.simulations < 2:
        return Training(problems, new, budget, seed)
    half = Budget(budget.simulations // 2, budget.seconds / 2)
    taught = teach(new, problems, half, seed, pause)
    rate = new.settings.rate * (_TAUGHT_RATE if taught.simulations else 1)
    policy = Policy(replace(new.settings, rate=rate), taught.policy.parameters)
    left = Budget(budget.simulations - taught.simulations, half.seconds)
    return Training(problems, policy, left, seed)


def train(
    problems: Sequence[PlacementProblem],
    budget: Budget,
    seed: int = 0,
    settings: LearningSettings | None = None,
) -> Policy:
    """A policy that has learned a family of problems."""
    training = family_training(problems, budget, seed, settings)
    training.run()
    return training.policy


def place(problem: PlacementProblem, policy: Policy, budget: Budget, seed: int = 0) -> Found:
    """Place a problem with a policy as it is: the likeliest placement, and others drawn from it.

    They are drawn in batches, of which each follows the best placement before it, as in training;
    the first of each batch is the likeliest one. Nothing is learned, so that the batches behind
    the first need not find out what the policy would do by itself: most of them keep.
    """
    lesson, key = Lesson.of(problem, budget), jax.random.key(seed)
    settings, batch = policy.settings, 0
    while (left := lesson.tries.left) > 0:
        key, drawn_by = jax.random.split(key)
        exploration = _as_it_is(settings, len(problem.groups.names), batch)
        lesson.simulate(draw(policy, lesson, drawn_by, exploration).placements[:left])
        settings, batch = replace(settings, keep=_KEEP, blind=_BLIND), batch + 1
    return lesson.tries.found()


def _as_it_is(settings: LearningSettings, groups: int, batch: int) -> Exploration:
    """How a batch is drawn, the likeliest placement first."""
    drawn = spread(settings, groups, batch)
    return drawn._replace(
        even=drawn.even.at[0].set(0.0),
        sharpness=drawn.sharpness.at[0].set(LIKELIEST),
        keep=drawn.keep.at[0].set(0.0),
    )

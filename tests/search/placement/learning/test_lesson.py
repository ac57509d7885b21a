"""What is known of a problem while it is learned."""

import numpy as np
import pytest
from toys import random_problem

from apollo.search.placement.baselines.contiguous import contiguous_placements
from apollo.search.placement.found import Budget
from apollo.search.placement.learning.lesson import Lesson
from apollo.search.placement.learning.reward import rewards
from apollo.search.placement.problem import Costs


def test_a_reward_by_hand():
    costs = Costs(np.array([4.0, 1.0, 1.0, 1.0]), np.array([0, 0, 10, 50]))
    found = rewards(costs, reference=1.0, memory_bytes=100)
    assert found.tolist() == pytest.approx([-2, -1, -1 - 2.2, -1 - 3])


def test_advantages_are_by_kind_and_move():
    lesson = Lesson.of(random_problem(0, 12, 2), Budget(10))
    kind = np.array([0, 0, 1, 1])
    first = lesson.advantages(np.array([-4.0, -2.0, -2.0, 0.0]), kind, decay=0.5)
    assert first.tolist() == pytest.approx([-1, 1, -1, 1])  # around -3 and -1, deviation 1
    # Means are now -2 and -1, so -2.5 and -1 are usual; the deviation is the last one, halved.
    second = lesson.advantages(np.array([-2.0, -2.0, -1.0, -1.0]), kind, decay=0.5)
    assert second.tolist() == pytest.approx([1, 1, 0, 0])
    third = lesson.advantages(np.full(4, -100.0), kind, decay=0.5)
    assert (np.abs(third) <= 4).all()


def test_a_visit_begins_with_the_best_single_device_or_split():
    problem = random_problem(0, 12, 2)
    lesson = Lesson.of(problem, Budget(100))
    alone = np.repeat(np.arange(2)[:, None], 12, axis=1)
    splits = contiguous_placements(problem)
    assert len(splits) > 0
    best = problem.costs(np.concatenate([alone, splits])).cost.min()
    assert lesson.tries.simulations == 2 + len(splits)
    assert lesson.reference == problem.costs(alone).cost.min()
    assert lesson.followed.cost == best
    lesson.simulate(np.random.default_rng(0).integers(0, 2, (80, 12)))
    assert lesson.followed.cost < best
    assert lesson.tries.simulations == 82 + len(splits)
    lesson.begin()
    assert lesson.followed.cost == best
    assert lesson.tries.found().cost < best

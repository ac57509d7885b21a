import numpy as np
import pytest
from landscape import trial

from apollo.search.optimizers.nsga2 import NSGA2, crowding_distances
from apollo.search.optimizers.table import make_optimizer
from apollo.search.pareto import front_of, hypervolume, ranks_of
from apollo.search.trial import Outcome, Trial

RADICES = (20,) + (8,) * 9


def two_sided(number: int, point: int) -> Trial:
    """Two aims that pull the first digit apart; what the others should be depends on it."""
    digits, index = [], point
    for radix in reversed(RADICES):
        index, digit = divmod(index, radix)
        digits.append(digit)
    *others, first = digits
    lost = sum(abs(other - first * 8 // 20) for other in others) / 9
    objectives = (1.0 + first / (1 + lost), 1.0 + (19 - first) / (1 + lost))
    return Trial(number, point, Outcome(True, max(objectives), objectives=objectives))


def search(name: str, seed: int, trials: int = 2048) -> list[Trial]:
    optimizer, log = make_optimizer(name, radices=RADICES), []
    while len(log) < trials:
        points = optimizer.ask(32, np.random.default_rng([seed, len(log)]))
        told = [two_sided(len(log) + k, int(i)) for k, i in enumerate(optimizer.indices_of(points))]
        optimizer.tell(told)
        log += told
    return log


def volume(log: list[Trial]) -> float:
    return hypervolume(np.array([t.objectives for t in front_of(log)]), (1.0, 1.0))


def test_the_front_is_wider_than_random_searchs_and_than_that_of_one_reward():
    volumes = {
        name: np.median([volume(search(name, seed)) for seed in range(5)])
        for name in ("random", "evolutionary", "nsga2")
    }
    assert volumes["nsga2"] > 1.2 * volumes["evolutionary"]
    assert volumes["nsga2"] > 1.5 * volumes["random"]
    assert volumes["nsga2"] < 19 * 18 / 2  # the whole staircase


def test_crowding_by_hand():
    front = np.array([[0.0, 10.0], [1.0, 8.0], [4.0, 2.0], [5.0, 0.0]])
    assert crowding_distances(front).tolist() == [
        np.inf, 4 / 5 + 8 / 10, 4 / 5 + 8 / 10, np.inf,
    ]  # fmt: skip
    assert crowding_distances(np.array([[1.0, 1.0]])).tolist() == [np.inf]


def test_the_population_is_ordered_by_front_then_room():
    optimizer = NSGA2({"population": 4, "elite": 4, "tournament": 2, "founders": 1}, (10,))
    values = [(1, 9), (2, 8), (8, 2), (9, 1), (1, 1), (5, 4)]
    log = [
        Trial(k, k, Outcome(True, 1.0, objectives=tuple(map(float, each))))
        for k, each in enumerate(values)
    ]
    optimizer.tell(log)
    # The first front is all but the fifth; 0 and 3 are its ends, 5 has most room of the rest.
    assert optimizer.population().ravel().tolist() == [0, 3, 5, 1]


def test_with_one_objective_it_is_ranked_by_it():
    optimizer = NSGA2({"population": 4, "elite": 4, "founders": 1})
    optimizer.tell([trial(k, index) for k, index in enumerate(range(3, 4000, 7))])
    rewards = dict(zip(optimizer._told.tolist(), optimizer._rewards.tolist(), strict=True))
    best = sorted((r for r in rewards.values() if r > 0), reverse=True)[:4]
    assert [rewards[i] for i in optimizer.population().tolist()] == best


@pytest.mark.parametrize("count", [1, 30])
def test_ranks_are_those_of_the_definition(count):
    generator = np.random.default_rng(count)
    points = generator.integers(0, 6, (count, 3)).astype(float)
    ranks = ranks_of(points)

    def dominates(a, b):
        return bool((a >= b).all() and (a > b).any())

    for k, point in enumerate(points):
        before = [ranks[j] for j, other in enumerate(points) if dominates(other, point)]
        assert ranks[k] == max(before, default=-1) + 1


def test_hypervolume_by_hand():
    front = np.array([[3.0, 1.0], [2.0, 2.0]])
    assert hypervolume(front, (0.0, 0.0)) == pytest.approx(3 + 2)
    assert hypervolume(np.empty((0, 2)), (0.0, 0.0)) == 0.0

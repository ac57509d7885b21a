import statistics

import numpy as np
import pytest
from landscape import evaluate, trial

from apollo.search.optimizers.table import make_optimizer
from apollo.search.optimizers.vizier.history import select_history
from apollo.search.trial import Outcome, Trial

INFEASIBLE = Outcome(False, 0.0, {}, "area", "The area is too large.")
QUICK = {"initial": 32, "history": 32}


def known_trials(count: int) -> list[Trial]:
    """A log in which one trial in four is feasible."""
    generator, log = np.random.default_rng(0), []
    while len(log) < count:
        found = trial(len(log), int(generator.integers(452_760_000)))
        if found.feasible or sum(t.feasible for t in log) * 4 > len(log):
            log.append(found)
    return log


def test_a_batch_is_of_points_that_are_new_and_differ():
    optimizer, log = make_optimizer("bayesian", QUICK), known_trials(64)
    optimizer.tell(log)
    indices = optimizer.indices_of(optimizer.ask(64, np.random.default_rng(1))).tolist()
    assert len(set(indices)) == 64
    assert not set(indices) & {t.index for t in log}


def test_a_batch_is_spread_out_and_its_first_points_are_the_same_in_a_smaller_one():
    optimizer = make_optimizer("bayesian", QUICK)
    optimizer.tell(known_trials(64))
    batch = optimizer.ask(32, np.random.default_rng(1))
    assert optimizer.ask(8, np.random.default_rng(1)).tolist() == batch[:8].tolist()
    distances = (batch[:, None] != batch[None]).sum(axis=2)
    assert distances.max() >= 4  # digits


def test_the_whole_of_a_small_space_is_asked_before_a_point_repeats():
    optimizer = make_optimizer("bayesian", {"initial": 8, "history": 8}, radices=(4, 1, 5))
    seen: list[int] = []
    for number in range(5):
        indices = optimizer.indices_of(optimizer.ask(4, np.random.default_rng(number))).tolist()
        optimizer.tell(
            [Trial(len(seen) + k, i, Outcome(True, 1.0 + i)) for k, i in enumerate(indices)]
        )
        seen += indices
    assert sorted(seen[4:]) == sorted(set(seen[4:]))


def test_asks_quasi_random_points_first_and_while_nothing_is_feasible():
    optimizer = make_optimizer("bayesian", QUICK)
    optimizer.tell([Trial(k, 1000 * k, INFEASIBLE) for k in range(96)])
    sequence = make_optimizer("vizier:quasi_random")
    sequence.tell([Trial(k, 1000 * k, INFEASIBLE) for k in range(96)])
    asked = [each.ask(16, np.random.default_rng(2)).tolist() for each in (optimizer, sequence)]
    assert asked[0] == asked[1]


def test_the_history_is_the_best_the_newest_and_a_sample():
    rewards = [9.0, 0.0, 8.0, 7.0, 6.0] + [0.0] * 15 + [1.0] * 4 + [0.0] * 8
    log = [
        Trial(k, k, Outcome(True, reward) if reward else INFEASIBLE)
        for k, reward in enumerate(rewards)
    ]
    chosen = [t.number for t in select_history(log, 8, np.random.default_rng(0))]
    assert {0, 2, 3, 4, 30, 31} <= set(chosen)
    assert chosen == sorted(chosen)
    assert len(chosen) == 8
    others = [select_history(log, 8, np.random.default_rng(seed)) for seed in range(5)]
    assert len({tuple(t.number for t in each) for each in others}) > 1


def test_the_history_holds_each_point_once():
    log = [Trial(k, k % 5, Outcome(True, 1.0)) for k in range(20)]
    assert [t.number for t in select_history(log, 8, np.random.default_rng(0))] != []
    assert len({t.index for t in select_history(log, 8, np.random.default_rng(0))}) == 4


def best_reward(name: str, seed: int, trials: int) -> float:
    optimizer, best = make_optimizer(name), 0.0
    for start in range(0, trials, 32):
        points = optimizer.ask(32, np.random.default_rng([seed, start]))
        indices = optimizer.indices_of(points).tolist()
        told = [Trial(start + k, index, evaluate(index)) for k, index in enumerate(indices)]
        optimizer.tell(told)
        best = max(best, *(t.reward for t in told))
    return best


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bayesian", "vizier:gp_bandit", "vizier:eagle"])
def test_beats_random_search_median_of_nine_seeds(name):
    found = statistics.median(best_reward(name, seed, 768) for seed in range(9))
    drawn = statistics.median(best_reward("random", seed, 768) for seed in range(9))
    assert found > 1.1 * drawn


@pytest.mark.slow
def test_batches_of_the_bound_and_pure_exploration():
    optimizer, log = make_optimizer("vizier:gp_ucb_pe", QUICK), known_trials(32)
    optimizer.tell(log)
    batch = optimizer.ask(4, np.random.default_rng(1))
    again = make_optimizer("vizier:gp_ucb_pe", QUICK)
    for each in log:
        again.tell([each])
    assert again.ask(4, np.random.default_rng(1)).tolist() == batch.tolist()
    assert len({tuple(point) for point in batch.tolist()}) == 4

import re
import statistics
import time

import numpy as np
import pytest
from landscape import evaluate

from apollo.search.optimizers.evolutionary import Evolutionary
from apollo.search.optimizers.table import make_optimizer
from apollo.search.trial import Outcome, Trial

INFEASIBLE = Outcome(False, 0.0, {}, "area", "The area is too large.")


def best_reward(name: str, seed: int, trials: int = 1536, batch: int = 32) -> float:
    optimizer, best = make_optimizer(name), 0.0
    for start in range(0, trials, batch):
        points = optimizer.ask(batch, np.random.default_rng([seed, start]))
        told = [
            Trial(start + k, index, evaluate(index))
            for k, index in enumerate(optimizer.indices_of(points).tolist())
        ]
        optimizer.tell(told)
        best = max(best, *(trial.reward for trial in told))
    return best


def test_beats_random_search_median_of_nine_seeds():
    evolved = statistics.median(best_reward("evolutionary", seed) for seed in range(9))
    drawn = statistics.median(best_reward("random", seed) for seed in range(9))
    assert evolved > 1.2 * drawn


def tell(optimizer: Evolutionary, rewards: list[float]) -> None:
    """Points 0, 1, ... with these rewards; 0 is infeasible."""
    optimizer.tell(
        [
            Trial(index, index, Outcome(True, reward) if reward else INFEASIBLE)
            for index, reward in enumerate(rewards)
        ]
    )


def test_population_is_the_elite_and_the_most_recent_feasible_points_best_first():
    optimizer = Evolutionary({"population": 4, "elite": 2, "founders": 1, "tournament": 1})
    tell(optimizer, [9.0, 1.0, 0.0, 8.0, 2.0, 0.0, 3.0, 2.5, 0.0])
    assert optimizer.population().tolist() == [0, 3, 6, 7]


def test_population_without_elite_is_the_most_recent_feasible_points():
    optimizer = Evolutionary({"population": 2, "elite": 0, "founders": 1, "tournament": 1})
    tell(optimizer, [9.0, 1.0, 0.0, 8.0])
    assert optimizer.population().tolist() == [3, 1]


def test_population_counts_a_repeated_point_once():
    optimizer = Evolutionary({"population": 2, "elite": 2, "founders": 1, "tournament": 1})
    tell(optimizer, [9.0, 1.0])
    tell(optimizer, [9.0])
    assert optimizer.population().tolist() == [0, 1]


def test_draws_at_random_until_founded():
    optimizer = Evolutionary({"founders": 3, "initial": 100})
    drawn = Evolutionary().ask(32, np.random.default_rng(7)).tolist()
    tell(optimizer, [1.0, 2.0, 0.0])
    assert optimizer.ask(32, np.random.default_rng(7)).tolist() == drawn
    tell(optimizer, [1.0, 2.0, 0.0, 3.0])
    assert optimizer.ask(32, np.random.default_rng(7)).tolist() != drawn


def test_founds_with_what_there_is_after_the_initial_trials():
    optimizer = Evolutionary({"founders": 3, "initial": 4, "mutation": 0.1})
    tell(optimizer, [1.0, 0.0, 0.0, 0.0])
    children = optimizer.ask(32, np.random.default_rng(7))
    assert (children == 0).mean() > 0.5  # near point 0, all of whose digits are 0


def test_without_crossover_and_mutation_children_are_copies_of_winners():
    settings = {"crossover": 0.0, "mutation": 0.0, "founders": 1}
    optimizer = Evolutionary(settings)
    tell(optimizer, [1.0, 2.0, 3.0])
    children = optimizer.indices_of(optimizer.ask(32, np.random.default_rng(0)))
    assert set(children.tolist()) <= {0, 1, 2}


def test_with_certain_mutation_every_digit_changes():
    optimizer = Evolutionary({"mutation": 1.0, "founders": 1})
    tell(optimizer, [1.0])
    assert (optimizer.ask(32, np.random.default_rng(0)) != 0).all()


def test_asks_for_new_points_while_there_are_any_near():
    optimizer = Evolutionary({"founders": 1})
    tell(optimizer, [float(reward) for reward in range(1, 300)])
    children = optimizer.indices_of(optimizer.ask(64, np.random.default_rng(0))).tolist()
    assert len(set(children)) == 64
    assert min(children) >= 299


def test_own_time_of_2000_trials_is_well_below_a_second():
    optimizer, started = Evolutionary(), time.perf_counter()
    for start in range(0, 2016, 32):
        points = optimizer.ask(32, np.random.default_rng([0, start]))
        indices = optimizer.indices_of(points).tolist()
        outcomes = [Outcome(True, float(index)) if index % 5 else INFEASIBLE for index in indices]
        optimizer.tell([Trial(start + k, indices[k], outcomes[k]) for k in range(32)])
    assert time.perf_counter() - started < 1.0


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"tournament": 80}, "Tournament must be in 1..64 (population), not 80."),
        ({"tournament": 0}, "Tournament must be in 1..64 (population), not 0."),
        ({"population": 1}, "Population must be at least 2, not 1."),
        ({"population": 2.5}, "Population must be an integer, not 2.5."),
        ({"population": 16}, "Elite must be in 0..16 (population), not 32."),
        ({"founders": 0}, "Founders must be in 1..64 (population), not 0."),
        ({"elite": -1}, "Elite must be in 0..64 (population), not -1."),
        ({"initial": -1}, "Initial must be at least 0, not -1."),
        ({"crossover": 1.5}, "Crossover must be in 0..1, not 1.5."),
        ({"mutation": float("nan")}, "Mutation must be in 0..1, not nan."),
        ({"mutation": "a"}, "Mutation must be in 0..1, not 'a'."),
    ],
)
def test_settings_out_of_range_are_refused_in_a_sentence(settings, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        Evolutionary(settings)

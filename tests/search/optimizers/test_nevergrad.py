import statistics

import numpy as np
import pytest
from landscape import evaluate, trial
from nevergrad.optimization import registry

from apollo.search.optimizers.nevergrad import UNFIT, nevergrad_optimizer
from apollo.search.optimizers.table import make_optimizer
from apollo.search.trial import Outcome, Trial

NAME = "nevergrad:PortfolioDiscreteOnePlusOne"
INFEASIBLE = Outcome(False, 0.0, {}, "area", "The area is too large.")


def best_reward(name: str, seed: int, trials: int = 768, batch: int = 32) -> float:
    optimizer, best = make_optimizer(name), 0.0
    for start in range(0, trials, batch):
        points = optimizer.ask(batch, np.random.default_rng([seed, start]))
        indices = optimizer.indices_of(points).tolist()
        told = [Trial(start + k, index, evaluate(index)) for k, index in enumerate(indices)]
        optimizer.tell(told)
        best = max(best, *(trial.reward for trial in told))
    return best


def test_beats_random_search_median_of_nine_seeds():
    found = statistics.median(best_reward(NAME, seed) for seed in range(9))
    drawn = statistics.median(best_reward("random", seed) for seed in range(9))
    assert found > 1.2 * drawn


def test_draws_at_random_until_founded_then_starts_at_the_best_feasible_point():
    optimizer = make_optimizer("nevergrad:OnePlusOne", {"founders": 2})
    drawn = make_optimizer("random").ask(8, np.random.default_rng(7)).tolist()
    far = [Trial(0, 5, INFEASIBLE), Trial(1, 400_000_000, Outcome(True, 1.0))]
    optimizer.tell(far)
    optimizer.ask(8, np.random.default_rng(1))
    optimizer.tell([Trial(2, 100_000_000, Outcome(True, 2.0))])
    assert optimizer.ask(8, np.random.default_rng(7)).tolist() != drawn
    best = optimizer.points_of(np.array([100_000_000]))
    distance = np.abs(optimizer.ask(16, np.random.default_rng(7)) - best).mean()
    assert distance < np.abs(np.array(drawn) - best).mean()


def test_starts_with_what_there_is_after_the_initial_trials():
    optimizer = make_optimizer("nevergrad:DE", {"founders": 9, "initial": 3})
    log = [Trial(0, 1, Outcome(True, 1.0)), Trial(1, 2, INFEASIBLE), Trial(2, 3, INFEASIBLE)]
    assert optimizer.founding(log[:2]) is None
    assert optimizer.founding(log) == 3
    assert optimizer.founding(log[1:] * 9) is None  # nothing feasible


def test_leaves_the_global_generator_of_numpy_alone():
    np.random.seed(3)  # noqa: NPY002
    expected = np.random.rand()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    best_reward("nevergrad:LognormalDiscreteOnePlusOne", seed=0, trials=256)
    assert np.random.rand() == expected  # noqa: NPY002


@pytest.mark.slow
def test_every_optimizer_that_is_not_refused_runs_and_is_deterministic():
    generator = np.random.default_rng(0)
    known = []
    while sum(t.feasible for t in known) < 12:
        known.append(trial(len(known), int(generator.integers(452_760_000))))
    served = []
    for name in sorted(registry):
        try:
            kind = nevergrad_optimizer(name)
        except ValueError:
            continue
        served.append(name)
        first, second = kind(), kind()
        for number in range(8):
            asked = [o.ask(32, np.random.default_rng(number)).tolist() for o in (first, second)]
            assert asked[0] == asked[1], name
            told = known if number == 0 else [
                trial(number * 32 + k, index)
                for k, index in enumerate(first.indices_of(np.array(asked[0])).tolist())
            ]  # fmt: skip
            first.tell(told)
            second.tell(told)
    assert len(served) > 350
    assert set(UNFIT) <= set(registry)

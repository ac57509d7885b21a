"""What every optimizer of the table must do."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from landscape import evaluate, trial

from apollo.arch.space import RADICES, SPACE, digits_of, index_of
from apollo.search.optimizers.base import Ints, Optimizer
from apollo.search.optimizers.table import OPTIMIZERS, make_optimizer
from apollo.search.trial import Outcome, Trial

BATCH = 32
INFEASIBLE = Outcome(False, 0.0, {}, "area", "The area is too large.")


# Settings and most batches of those that take long; two batches by a process are quasi-random.
NEVERGRAD = [
    f"nevergrad:{name}"
    for name in (
        "TwoPointsDE",
        "DiscreteOnePlusOne",
        "PortfolioDiscreteOnePlusOne",
        "CMA",
        "PSO",
        "LognormalDiscreteOnePlusOne",  # draws from NumPy's global generator
    )
]
SETTINGS = {
    "bayesian": {"initial": 64, "history": 32},
    "vizier:gp_bandit": {"initial": 64, "history": 32},
    **{name: {"founders": 1, "initial": 64} for name in NEVERGRAD},
}
BATCHES = {
    "bayesian": 4,
    "mbo": 10,
    "p3bo": 10,
    "adaptive_p3bo": 14,  # the population changes after 8 of them
    "vizier:gp_bandit": 4,
    "vizier:eagle": 6,
    "vizier:nsga2": 12,
    **dict.fromkeys(NEVERGRAD, 10),
}
# Sequences learn nothing, and a swarm flies on for a while.
LEARN_LATE = {"random", "nevergrad:PSO", "vizier:grid", "vizier:quasi_random"}
NAMES = [
    *OPTIMIZERS,
    *NEVERGRAD,
    "vizier:eagle",
    "vizier:nsga2",
    "vizier:quasi_random",
    pytest.param("vizier:grid", marks=pytest.mark.slow),
    pytest.param("vizier:gp_bandit", marks=pytest.mark.slow),
]


@pytest.fixture(params=NAMES)
def name(request) -> str:
    return request.param


def made(name: str, **arguments) -> Optimizer:
    return make_optimizer(name, SETTINGS.get(name), **arguments)


def explored(name: str, seed: int, batches: int) -> tuple[Optimizer, list[Trial], list[Ints]]:
    optimizer, log, asked = made(name), [], []
    for _ in range(min(batches, BATCHES.get(name, batches))):
        proposals = optimizer.propose(BATCH, np.random.default_rng([seed, len(log)]))
        asked.append(proposals.points)
        indices = optimizer.indices_of(asked[-1]).tolist()
        told = [
            replace(
                trial(number, index),
                parameters=SPACE.values_at(index),
                proposer=proposer,
            )
            for number, (index, proposer) in enumerate(
                zip(indices, proposals.proposers, strict=True), len(log)
            )
        ]
        optimizer.tell(told)
        log += told
    return optimizer, log, asked


def ask(optimizer: Optimizer, seed: int = 0, count: int = BATCH) -> list[list[int]]:
    return optimizer.ask(count, np.random.default_rng(seed)).tolist()


def test_points_stay_in_the_space(name):
    _, _, asked = explored(name, seed=1, batches=30)
    points = np.concatenate(asked)
    assert points.shape == (len(asked) * BATCH, len(RADICES))
    assert points.dtype == np.int64
    assert (points >= 0).all()
    assert (points < RADICES).all()


def test_points_stay_in_a_tiny_space(name):
    optimizer = made(name, radices=(2, 1, 3))
    for number in range(50):
        indices = optimizer.indices_of(optimizer.ask(4, np.random.default_rng(number))).tolist()
        assert all(0 <= index < 6 for index in indices)
        outcome = Outcome(True, 1.0)
        optimizer.tell([Trial(4 * number + k, i, outcome) for k, i in enumerate(indices)])


def test_same_seed_same_points_and_another_seed_others(name):
    _, log, _ = explored(name, seed=1, batches=30)
    _, same, _ = explored(name, seed=1, batches=30)
    _, other, _ = explored(name, seed=2, batches=30)
    assert log == same
    assert [t.index for t in log] != [t.index for t in other]


def test_ask_changes_nothing(name):
    optimizer, _, _ = explored(name, seed=1, batches=20)
    untouched = copy.deepcopy(optimizer)
    first = ask(optimizer, seed=5)
    ask(optimizer, seed=6, count=100)
    assert ask(optimizer, seed=5) == first == ask(untouched, seed=5)


def test_ask_gives_as_many_points_as_wanted(name):
    optimizer, _, _ = explored(name, seed=1, batches=20)
    for count in (1, 2, 100):
        assert len(ask(optimizer, count=count)) == count


def test_survives_infeasible_trials_only(name):
    optimizer = made(name)
    for start in range(0, BATCH * BATCHES.get(name, 32), BATCH):
        indices = optimizer.indices_of(optimizer.ask(BATCH, np.random.default_rng(start))).tolist()
        optimizer.tell([Trial(start + k, index, INFEASIBLE) for k, index in enumerate(indices)])
    assert len(ask(optimizer)) == BATCH


def test_state_is_rebuilt_from_the_log_in_any_chunks(name):
    optimizer, log, _ = explored(name, seed=3, batches=24)
    for chunk in (1, 7, BATCH, len(log)):
        rebuilt = made(name)
        for start in range(0, len(log), chunk):
            rebuilt.tell(log[start : start + chunk])
        assert ask(rebuilt) == ask(optimizer)


def test_learns_from_points_that_others_proposed(name):
    if name in LEARN_LATE:
        return
    _, foreign, _ = explored("random", seed=4, batches=32)
    optimizer = made(name)
    optimizer.tell(foreign)

    def mean_reward(points: list[list[int]]) -> float:
        return float(np.mean([evaluate(index_of(point)).reward for point in points]))

    assert mean_reward(ask(optimizer)) > 2 * mean_reward(ask(made(name)))


def test_indices_and_points_agree_with_the_space(name):
    optimizer = made(name)
    points = optimizer.ask(64, np.random.default_rng(0))
    indices = optimizer.indices_of(points)
    assert indices.tolist() == [index_of(point) for point in points.tolist()]
    assert optimizer.points_of(indices).tolist() == [list(digits_of(i)) for i in indices.tolist()]

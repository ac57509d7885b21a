import re
import statistics

import numpy as np
import pytest
from landscape import trial
from test_evolutionary import best_reward

from apollo.search.optimizers.mbo.acquisition import diverse
from apollo.search.optimizers.mbo.mbo import ModelBased
from apollo.search.trial import Outcome, Trial


def test_beats_random_search_median_of_nine_seeds():
    modelled = statistics.median(best_reward("mbo", seed, trials=256) for seed in range(9))
    drawn = statistics.median(best_reward("random", seed, trials=256) for seed in range(9))
    assert modelled > 1.5 * drawn


def test_asks_for_points_that_were_never_told_and_all_different():
    optimizer = ModelBased()
    log = [trial(k, int(i)) for k, i in enumerate(np.random.default_rng(0).integers(0, 10**8, 800))]
    optimizer.tell(log)
    indices = optimizer.indices_of(optimizer.ask(64, np.random.default_rng(0))).tolist()
    assert len(set(indices)) == 64
    assert not {t.index for t in log} & set(indices)


def test_cross_validation_is_of_the_trials_up_to_a_doubling():
    def validated(feasible: int) -> list[float]:
        optimizer = ModelBased()
        optimizer.tell([Trial(k, 97 * k, Outcome(True, 1.0 + k % 13)) for k in range(feasible)])
        return [each.score for each in optimizer.chosen()]

    assert validated(32) == validated(50) == validated(63)
    assert validated(63) != validated(64)


def test_a_batch_spreads_where_what_is_told_tells_of_the_neighbours():
    mean, spread = np.array([1.0, 1.0, 0.9]), np.zeros(3)
    covariance = np.array([[1.0, 0.999, 0.0], [0.999, 1.0, 0.0], [0.0, 0.0, 1.0]])
    bold = diverse(np.array([1.0, 1.0]), mean, spread, covariance, np.exp)
    careful = diverse(np.array([0.0, 0.0]), mean, spread, covariance, np.exp)
    assert (bold, careful) == ([0, 2], [0, 1])


def test_sharing_changes_no_point():
    log = [trial(k, int(i)) for k, i in enumerate(np.random.default_rng(0).integers(0, 10**8, 600))]
    alone, shared, other = ModelBased(), ModelBased(), ModelBased({"exploration": 3.0})
    shared.share(other)
    for optimizer in (alone, shared, other):
        optimizer.tell(log)
        optimizer.ask(8, np.random.default_rng(1))
    asked = [o.ask(32, np.random.default_rng(2)).tolist() for o in (alone, shared)]
    assert asked[0] == asked[1]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"founders": 1}, "Founders must be at least 2, not 1."),
        ({"history": 8}, "History must be at least 16, not 8."),
        ({"threshold": 1.5}, "Threshold must be in 0..1, not 1.5."),
        ({"exploration": -1}, "Exploration must be at least 0, not -1."),
        ({"mutation": "a"}, "Mutation must be in 0..1, not 'a'."),
    ],
)
def test_settings_out_of_range_are_refused_in_a_sentence(settings, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        ModelBased(settings)

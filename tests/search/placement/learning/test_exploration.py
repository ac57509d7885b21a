"""How decisions are drawn from what a policy says."""

import jax.numpy as jnp
import numpy as np
import pytest

from apollo.search.placement.learning.exploration import (
    LIKELIEST,
    Exploration,
    explored,
    kinds,
    shown,
    spread,
)
from apollo.search.placement.learning.observation import FEATURES, FOLLOWED
from apollo.search.placement.learning.settings import LearningSettings


def drawn_by(even=0.0, sharpness=1.0, keep=0.0, sees=1.0, opens=0, closes=0):
    columns = (even, sharpness, keep, sees, opens, closes)
    return Exploration(*(jnp.float32([each]) for each in columns))


def probabilities(logits, followed, allowed, group=5, **how):
    observation = np.zeros((1, len(logits), FEATURES), np.float32)
    observation[0, followed, FOLLOWED] = 1
    exploration = drawn_by(**how)
    logs = explored(
        jnp.float32([logits]),
        shown(observation, exploration),
        jnp.array([allowed]),
        exploration,
        jnp.array([group]),
    )
    return np.exp(np.asarray(logs))[0]


def test_decisions_by_hand():
    """Logits of odds 1 to 2 to 1; the last device is masked in the second half."""
    logits, all_of = [0.0, np.log(2), 0.0], [True] * 3
    cases = [
        ({}, [0.25, 0.5, 0.25]),
        ({"even": 0.3}, [0.275, 0.45, 0.275]),
        ({"sharpness": 2.0}, [1 / 6, 4 / 6, 1 / 6]),
        ({"sharpness": LIKELIEST}, [0, 1, 0]),
        ({"keep": 0.8}, [0.05, 0.1, 0.85]),
        ({"keep": 0.8, "even": 1.0}, [1 / 15, 1 / 15, 13 / 15]),
        ({"keep": 0.8, "sees": 0.0}, [0.25, 0.5, 0.25]),
        ({"keep": 1.0}, [0, 0, 1]),
        ({"keep": 1.0, "opens": 5, "closes": 6}, [0.25, 0.5, 0.25]),
        ({"keep": 1.0, "opens": 3, "closes": 5}, [0, 0, 1]),
        ({"keep": 1.0, "opens": 6, "closes": 9}, [0, 0, 1]),
    ]
    for how, expected in cases:
        found = probabilities(logits, 2, all_of, **how)
        np.testing.assert_allclose(found, expected, atol=1e-6)
    masked = [0.0, np.log(2), -1e9]
    found = probabilities(masked, 2, [True, True, False], keep=0.8, even=0.5)
    np.testing.assert_allclose(found, [(1 / 3 + 0.5) / 2, (2 / 3 + 0.5) / 2, 0], atol=1e-6)


def test_the_blind_see_all_but_the_placement_that_is_followed():
    observation = np.ones((1, 2, FEATURES), np.float32)
    assert (shown(observation, drawn_by()) == 1).all()
    seen = np.asarray(shown(observation, drawn_by(sees=0.0)))
    hidden = [FOLLOWED, FOLLOWED + 1]
    assert (seen[..., hidden] == 0).all()
    assert np.delete(seen, hidden, axis=-1).all()


@pytest.mark.parametrize("samples", [2, 7, 16, 64])
def test_an_update_has_placements_of_every_kind(samples):
    settings = LearningSettings(samples=samples)
    exploration = spread(settings, groups=40, update=3)
    even, sharpness, keep, sees, opens, closes = (np.asarray(each) for each in exploration)
    assert ((even >= 0) & (even <= 0.5)).all()
    assert ((keep >= 0) & (keep <= 1)).all()
    assert sharpness.min() == 1
    assert sharpness.max() == settings.sharpness
    assert not (keep[sees == 0] > 0).any()
    kind = kinds(exploration)
    assert ((kind == 0) == (sees == 0)).all()
    assert ((kind == 1) == (keep > 0)).all()
    assert ((closes > opens) == (keep == 1)).all()
    if samples > 2:
        assert set(kind.tolist()) == {0, 1, 2}
    if samples > 7:
        assert ((keep > 0) & (keep < 1)).any()
        assert (keep == 1).any()


@pytest.mark.parametrize("groups", [1, 2, 3, 40])
def test_stretches_are_within_the_groups_and_reach_all_of_them(groups):
    settings, free = LearningSettings(), np.zeros(groups, np.int64)
    for update in range(60):
        exploration = spread(settings, groups, update)
        opens, closes = (np.asarray(each, np.int64) for each in exploration[-2:])
        assert ((opens >= 0) & (opens <= closes) & (closes <= groups)).all()
        for begin, end in zip(opens, closes, strict=True):
            free[begin:end] += 1
    assert (free > 0).all()

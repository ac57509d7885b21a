"""How decisions are drawn from what a policy says.

A decision is drawn, for logits l, over what the mask leaves, from

    p = keep · f + (1 - keep) · ((1 - even) · softmax(sharpness · l) + even · 1 / devices)     (1)

where f is 1 at the group's device in the placement that is followed; where the mask excludes that
one, keep is 0. The placements of a batch differ in all three: some are the policy's, some keep most
of what is known to be good, some try what the policy would not. Of those that keep, half keep
everything but a stretch of groups that follow each other: what belongs together moves together, or
not at all. And some are blind: to them nothing is shown of the placement that is followed, so that
a policy does not forget to place by itself.
Letters: `P` placements, `G` groups, `D` devices, `F` features.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from apollo.search.placement.learning.observation import FOLLOWED
from apollo.search.placement.learning.settings import LearningSettings

LIKELIEST = 1e4  # a sharpness that takes the likeliest device
_LEAST = 1e-12  # probability
_SPREAD = 4.0  # the most and the least of even decisions, as a factor
_EVEN_KEPT = 0.25  # probability of an even decision, among those that do not keep
_MOST_EVEN = 0.5  # probability


class Exploration(NamedTuple):
    """How placements are drawn (1)."""

    even: jax.Array  # [P] probability of an even decision
    sharpness: jax.Array  # [P] 1 draws from the policy itself
    keep: jax.Array  # [P] probability of the device in the placement that is followed
    sees: jax.Array  # [P] whether that placement is shown, 0 or 1
    opens: jax.Array  # [P] the first group of a stretch in which nothing is kept
    closes: jax.Array  # [P] the first one behind it


def shown(observation: jax.Array, exploration: Exploration) -> jax.Array:
    """[P, D, F] What placements observe."""
    feature = jnp.arange(observation.shape[-1])
    is_followed = (feature >= FOLLOWED) & (feature < FOLLOWED + 2)
    return jnp.where(is_followed & (exploration.sees[:, None, None] == 0), 0, observation)


def explored(
    logits: jax.Array,  # [..., P, D]
    observation: jax.Array,  # [..., P, D, F]
    allowed: jax.Array,  # [..., P, D]
    exploration: Exploration,
    group: jax.Array,  # [..., 1] which is placed
) -> jax.Array:
    """[..., P, D] Logarithms of the probabilities of devices (1)."""
    is_free = (group >= exploration.opens) & (group < exploration.closes)
    keep = jnp.where(is_free, 0, exploration.keep)[..., None]
    even, sharpness = exploration.even[:, None], exploration.sharpness[:, None]
    share = allowed / allowed.sum(axis=-1, keepdims=True)
    other = (1 - even) * jax.nn.softmax(sharpness * logits) + even * share
    kept = keep * observation[..., FOLLOWED] * allowed
    return jnp.log(jnp.maximum(kept + (1 - kept.sum(axis=-1, keepdims=True)) * other, _LEAST))


def spread(settings: LearningSettings, groups: int, update: int) -> Exploration:
    """How the placements of an update are drawn: few even decisions to many, sharp or not.

    The first ones are blind. The last ones keep the placement that is followed: half of them but
    for 1 to `groups` / 2 decisions, by mean, half but for stretches of 2 to `groups` / 2 groups,
    which lie elsewhere at every update.
    """
    count = settings.samples
    factors = np.geomspace(1 / _SPREAD, _SPREAD, count)
    sharpness = np.geomspace(1, settings.sharpness, count)
    generator = np.random.default_rng(0)  # mixes them, always alike
    generator.shuffle(factors)
    generator.shuffle(sharpness)
    even = np.minimum(settings.explore * factors / groups, _MOST_EVEN)
    keep, opens, closes = np.zeros((3, count))
    keeping = round(settings.keep * count)
    singly, stretched = keeping - keeping // 2, keeping // 2
    if singly:
        left = np.geomspace(1, max(1.0, groups / 2), singly)
        keep[count - keeping : count - stretched] = 1 - left / groups
        even[count - keeping : count - stretched] = _EVEN_KEPT
    if stretched:
        long = np.geomspace(2, max(2.0, groups / 2), stretched).round().clip(max=groups)
        begins = np.random.default_rng(update).integers(0, groups - long + 1)
        keep[-stretched:], even[-stretched:] = 1, 1 / (1 + long)
        opens[-stretched:], closes[-stretched:] = begins, begins + long
    sees = np.arange(count) >= round(settings.blind * count)
    columns = (even, sharpness, keep, sees, opens, closes)
    return Exploration(*(jnp.float32(each) for each in columns))


def kinds(exploration: Exploration) -> npt.NDArray[np.int64]:
    """[P] Which placements have rewards that compare: 0 the blind ones, then those that keep."""
    sees, keeps = np.asarray(exploration.sees) > 0, np.asarray(exploration.keep) > 0
    return np.where(sees, np.where(keeps, 1, 2), 0)

"""A better policy from placements and how much better than usual they were.

REINFORCE (R. Williams, 1992), with the advantage A of a placement and all its decisions d:

    loss = -mean A log p(d) - entropy · mean H                                                 (1)

PPO (J. Schulman et al., "Proximal policy optimization algorithms", 2017), some epochs:

    loss = -mean min(r A, clip(r, 1 - c, 1 + c) A) - entropy · mean H,   r = p(d) / p_old(d)   (2)
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from apollo.search.placement.learning.exploration import Exploration
from apollo.search.placement.learning.inputs import Inputs
from apollo.search.placement.learning.policy import Parameters
from apollo.search.placement.learning.rollout import Rollout, log_probabilities
from apollo.search.placement.learning.settings import Algorithm, Descent


class Rates(NamedTuple):
    """What falls in the course of training, and what depends on the problem."""

    step: jax.Array  # of Adam
    entropy: jax.Array
    exploration: Exploration


class Learned(NamedTuple):
    """Parameters, and Adam's memory of gradients."""

    parameters: Parameters
    moments: optax.OptState


def untaught(parameters: Parameters, descent: Descent) -> Learned:
    """Parameters without a memory."""
    return Learned(parameters, _optimizer(descent).init(parameters))


@partial(jax.jit, static_argnames="descent")
def improve(
    learned: Learned,
    inputs: Inputs,
    rollout: Rollout,
    advantage: jax.Array,  # [P]
    rates: Rates,
    descent: Descent,
) -> tuple[Learned, jax.Array]:
    """The policy after these placements, and its mean entropy at their decisions before that."""

    def loss(parameters: Parameters) -> tuple[jax.Array, jax.Array]:
        log, entropy = log_probabilities(parameters, inputs, rollout, rates.exploration)
        gain = surrogate(log, rollout.log_probability, advantage, descent)
        weight = inputs.is_group[:, None] / (inputs.is_group.sum() * len(advantage))
        mean_entropy = (entropy * weight).sum()
        return -(gain * weight).sum() - rates.entropy * mean_entropy, mean_entropy

    return descend(learned, loss, rates.step, descent)


def surrogate(
    log: jax.Array, old_log: jax.Array, advantage: jax.Array, descent: Descent
) -> jax.Array:
    """What (1) or (2) take the mean of, for logarithms of the probabilities of decisions."""
    if descent.algorithm is Algorithm.REINFORCE:
        return log * advantage
    ratio = jnp.exp(log - old_log)
    clipped = jnp.clip(ratio, 1 - descent.clip, 1 + descent.clip)
    return jnp.minimum(ratio * advantage, clipped * advantage)


def descend(
    learned: Learned,
    loss: Callable[[Parameters], tuple[jax.Array, jax.Array]],
    rate: jax.Array,
    descent: Descent,
) -> tuple[Learned, jax.Array]:
    """Steps on a loss, one an epoch, and what the loss gives beside itself before the first."""

    def step(learned: Learned, _: None) -> tuple[Learned, jax.Array]:
        gradient, beside = jax.grad(loss, has_aux=True)(learned.parameters)
        direction, moments = _optimizer(descent).update(gradient, learned.moments)
        moved = jax.tree.map(lambda old, way: old - rate * way, learned.parameters, direction)
        return Learned(moved, moments), beside

    learned, beside = jax.lax.scan(step, learned, length=descent.epochs)
    return learned, beside[0]


def _optimizer(descent: Descent) -> optax.GradientTransformation:
    return optax.chain(
        optax.clip_by_global_norm(descent.gradient_norm), optax.scale_by_adam(b1=0.9, b2=0.999)
    )

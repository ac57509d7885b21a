"""Placements drawn from a policy, with what it observed at every decision.

A decision is drawn from (1 - explore) · policy + explore · even over what the mask leaves, so that
a policy that is sure of itself still tries what may be better. Letters: `P` placements, `G` groups,
padding included, `D` devices, `F` features.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from apollo.search.placement.learning.inputs import Inputs
from apollo.search.placement.learning.observation import (
    Incumbent,
    State,
    advance,
    mask,
    observe,
    start,
)
from apollo.search.placement.learning.policy import FORBIDDEN, Parameters, encode, head

_LEAST = 1e-12  # probability


class Rollout(NamedTuple):
    """Placements, and what led to them."""

    device: jax.Array  # [G, P]
    log_probability: jax.Array  # [G, P]
    observation: jax.Array  # [G, P, D, F]
    allowed: jax.Array  # [G, P, D]


@jax.jit
def roll(
    parameters: Parameters,
    inputs: Inputs,
    incumbent: Incumbent,
    key: jax.Array,
    explore: jax.Array,  # [P] probability of an even decision; below 0 the likeliest is taken
) -> Rollout:
    """Draw placements, all groups in their order."""
    embedding = encode(parameters, inputs)

    def step(states: State, group: jax.Array) -> tuple[State, Rollout]:
        seen = jax.vmap(lambda state: observe(inputs, state, group, incumbent))(states)
        allowed = jax.vmap(lambda state: mask(inputs, state, group))(states)
        logits = head(parameters, inputs, embedding[group], seen, allowed)
        logs = _explored(logits, allowed, jnp.maximum(explore, 0))
        noise = jax.random.gumbel(jax.random.fold_in(key, group), logs.shape)
        drawn = jnp.where(explore[:, None] < 0, logs, logs + noise)
        device = jnp.argmax(jnp.where(allowed, drawn, FORBIDDEN), axis=1).astype(jnp.int32)
        states = jax.vmap(lambda state, where: advance(inputs, state, group, where))(states, device)
        return states, Rollout(device, _at(logs, device), seen, allowed)

    states = jax.vmap(lambda _: start(inputs))(explore)
    return jax.lax.scan(step, states, jnp.arange(inputs.compute.shape[0]))[1]


def log_probabilities(
    parameters: Parameters, inputs: Inputs, rollout: Rollout, explore: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """[G, P] Of the decisions of a rollout, and the entropy at each."""
    embedding = encode(parameters, inputs)[:, None, :]
    logits = head(parameters, inputs, embedding, rollout.observation, rollout.allowed)
    logs = _explored(logits, rollout.allowed, explore)
    entropy = -jnp.where(rollout.allowed, jnp.exp(logs) * logs, 0).sum(axis=-1)
    return _at(logs, rollout.device), entropy


def _explored(logits: jax.Array, allowed: jax.Array, explore: jax.Array) -> jax.Array:
    """[..., P, D] Logarithms of the probabilities of devices."""
    even = allowed / allowed.sum(axis=-1, keepdims=True)
    share = explore[:, None]
    probability = (1 - share) * jax.nn.softmax(logits) + share * even
    return jnp.log(jnp.maximum(probability, _LEAST))


def _at(columns: jax.Array, device: jax.Array) -> jax.Array:
    return jnp.take_along_axis(columns, device[..., None], axis=-1)[..., 0]

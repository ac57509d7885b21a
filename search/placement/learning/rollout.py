"""Placements drawn from a policy, with what it observed at every decision.

Letters: `P` placements, `G` groups, padding included, `D` devices, `F` features.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from apollo.search.placement.learning.exploration import Exploration, explored, shown
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
    exploration: Exploration,
) -> Rollout:
    """Draw placements, all groups in their order."""
    embedding = encode(parameters, inputs)

    def step(states: State, group: jax.Array) -> tuple[State, Rollout]:
        seen = jax.vmap(lambda state: observe(inputs, state, group, incumbent))(states)
        seen = shown(seen, exploration)
        allowed = jax.vmap(lambda state: mask(inputs, state, group))(states)
        logits = head(parameters, inputs, embedding[group], seen, allowed)
        logs = explored(logits, seen, allowed, exploration, group)
        noise = jax.random.gumbel(jax.random.fold_in(key, group), logs.shape)
        device = jnp.argmax(jnp.where(allowed, logs + noise, FORBIDDEN), axis=1).astype(jnp.int32)
        states = jax.vmap(lambda state, where: advance(inputs, state, group, where))(states, device)
        return states, Rollout(device, _at(logs, device), seen, allowed)

    states = jax.vmap(lambda _: start(inputs))(exploration.even)
    return jax.lax.scan(step, states, jnp.arange(inputs.compute.shape[0]))[1]


def log_probabilities(
    parameters: Parameters, inputs: Inputs, rollout: Rollout, exploration: Exploration
) -> tuple[jax.Array, jax.Array]:
    """[G, P] Of the decisions of a rollout, and the entropy at each."""
    embedding = encode(parameters, inputs)[:, None, :]
    logits = head(parameters, inputs, embedding, rollout.observation, rollout.allowed)
    group = jnp.arange(len(rollout.device))[:, None]
    logs = explored(logits, rollout.observation, rollout.allowed, exploration, group)
    entropy = -jnp.where(rollout.allowed, jnp.exp(logs) * logs, 0).sum(axis=-1)
    return _at(logs, rollout.device), entropy


def _at(columns: jax.Array, device: jax.Array) -> jax.Array:
    return jnp.take_along_axis(columns, device[..., None], axis=-1)[..., 0]

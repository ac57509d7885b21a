"""What the model is fitted to, and steps of Adam on it.

    loss = mean (y - value)² over feasible rows                        (1)
         + alpha * mean max(y, FLOOR) over adversarial designs         (2)
         + beta * mean max(y, FLOOR) over infeasible rows              (3)

It is the mean over the members, which share no weight and so are trained each by itself.
"""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from apollo.search.transfer.prime.model import Examples, Parameters, predict

FLOOR = -5.0  # deviations: a prediction as low is low enough


class Data(NamedTuple):
    """What the steps of a block learn from."""

    feasible: Examples
    values: jax.Array  # [N], standardised, of the feasible ones
    infeasible: Examples
    adversarial: Examples


class Weights(NamedTuple):
    """Of the penalties, and the rate of Adam."""

    alpha: float
    beta: float
    rate: float


def loss(
    parameters: Parameters, data: Data, weights: Weights, feasible: jax.Array, infeasible: jax.Array
) -> jax.Array:
    """The loss of the module's docstring, on the rows at these positions."""
    fitted = predict(parameters, *data.feasible.at(feasible))
    adversarial = predict(parameters, *data.adversarial)
    excluded = predict(parameters, *data.infeasible.at(infeasible))
    return (
        jnp.mean((fitted - data.values[feasible]) ** 2)
        + weights.alpha * jnp.mean(jnp.maximum(adversarial, FLOOR))
        + weights.beta * jnp.mean(jnp.maximum(excluded, FLOOR))
    ) * len(fitted)


@partial(jax.jit, static_argnames="weights")
def steps(
    parameters: Parameters,
    state: optax.OptState,
    data: Data,
    weights: Weights,
    feasible: jax.Array,  # [S, N] rows of each step
    infeasible: jax.Array,  # [S, N]
) -> tuple[Parameters, optax.OptState]:
    """So many steps of Adam."""
    optimizer = optax.adam(weights.rate)

    def step(
        carried: tuple[Parameters, optax.OptState], rows: tuple[jax.Array, jax.Array]
    ) -> tuple[tuple[Parameters, optax.OptState], None]:
        gradient = jax.grad(loss)(carried[0], data, weights, *rows)
        updates, following = optimizer.update(gradient, carried[1])
        return (optax.apply_updates(carried[0], updates), following), None

    (parameters, state), _ = jax.lax.scan(step, (parameters, state), (feasible, infeasible))
    return parameters, state

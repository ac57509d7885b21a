"""Imitation: a policy becomes likelier to place as a search has placed.

Behavioural cloning (D. Pomerleau, "Efficient training of artificial neural networks for autonomous
navigation", 1991), over the groups g of a graph that a teacher has placed:

    loss = -mean log p(device of g | what is observed once those before g are where they are)   (1)

The teacher is local search, on the graphs that are to be learned. Nothing is shown of a placement
to follow: the policy shall place by itself. No feature says which number a device has, so that it
does not matter which of some devices that are alike the teacher took.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from apollo.search.placement.baselines.local_search import local_search_from
from apollo.search.placement.found import Budget
from apollo.search.placement.learning.inputs import Indices, Inputs, inputs_of
from apollo.search.placement.learning.lesson import first_placements
from apollo.search.placement.learning.observation import (
    State,
    advance,
    follow,
    mask,
    observe,
    start,
)
from apollo.search.placement.learning.policy import Parameters, Policy, encode, head
from apollo.search.placement.learning.settings import Algorithm, Descent
from apollo.search.placement.learning.update import Learned, descend, untaught
from apollo.search.placement.problem import Ints, PlacementProblem

_DESCENT = Descent(Algorithm.REINFORCE, epochs=1, clip=1.0, gradient_norm=1.0)  # the rest is unused
EPOCHS = 25  # longer, and what many graphs show is learned by heart
STEPS = 400  # at least, however few the graphs
_RATE, _LAST_RATE = 3e-3, 3e-4  # of Adam, falling linearly


class Example(NamedTuple):
    """A graph as a teacher has placed it: `G` groups, padding included."""

    inputs: Inputs
    device: Indices  # [G]
    observation: jax.Array  # [G, D, F]
    allowed: jax.Array  # [G, D]


@dataclass(frozen=True)
class Taught:
    """A policy that has imitated, and how many placements were simulated for that."""

    policy: Policy
    simulations: int


def teach(
    policy: Policy,
    problems: Sequence[PlacementProblem],
    budget: Budget,
    seed: int,
    pause: Callable[[], None] = lambda: None,
) -> Taught:
    """The policy once it has imitated local search, which has an even share of the budget each.

    `pause` is called after every search and step: it may raise to end the lesson.
    Problems of which no placement was found that fits the memories teach nothing, and a policy with
    a grouper, which places other graphs, is not taught.
    """
    share = Budget(max(1, budget.simulations // len(problems)), budget.seconds / len(problems))
    if policy.settings.slots or share.simulations * len(problems) > budget.simulations:
        return Taught(policy, 0)
    found = []
    for problem in problems:
        found.append(local_search_from(problem, first_placements(problem), share, seed))
        pause()
    examples = [
        example_of(problem, each.placement)
        for problem, each in zip(problems, found, strict=True)
        if np.isfinite(each.cost)
    ]
    epochs = max(EPOCHS, STEPS // max(1, len(examples)))
    taught = imitate(policy, examples, epochs, seed, pause)
    return Taught(taught, sum(each.simulations for each in found))


def example_of(problem: PlacementProblem, placement: Ints) -> Example:
    """A placement, and what is observed while its groups are placed in their order."""
    inputs = inputs_of(problem)
    device = np.zeros(len(inputs.is_group), np.int32)
    device[: len(placement)] = placement
    return Example(inputs, device, *_replayed(inputs, device))


def imitate(
    policy: Policy,
    examples: Sequence[Example],
    epochs: int,
    seed: int,
    pause: Callable[[], None] = lambda: None,
) -> Policy:
    """The policy after steps (1) on every example, in another order each epoch."""
    learned = untaught(policy.parameters, _DESCENT)
    generator, steps = np.random.default_rng(seed), epochs * len(examples)
    orders = [generator.permutation(len(examples)) for _ in range(epochs)]
    for number, index in enumerate(np.array(orders, np.int64).reshape(-1).tolist()):
        rate = _RATE + (_LAST_RATE - _RATE) * number / steps
        learned = _imitate(learned, examples[index], jnp.float32(rate))
        pause()
    return Policy(policy.settings, learned.parameters)


def unlikelihood(parameters: Parameters, example: Example) -> jax.Array:
    """The loss (1) in nats a decision, over those that the mask leaves."""
    groups = jnp.arange(len(example.device))
    embedding = encode(parameters, example.inputs)
    logits = head(parameters, example.inputs, embedding, example.observation, example.allowed)
    logs = jax.nn.log_softmax(logits)[groups, example.device]
    counts = example.inputs.is_group & example.allowed[groups, example.device]
    loss: jax.Array = -jnp.where(counts, logs, 0).sum() / jnp.maximum(counts.sum(), 1)
    return loss


@jax.jit
def _imitate(learned: Learned, example: Example, rate: jax.Array) -> Learned:
    def loss(parameters: Parameters) -> tuple[jax.Array, jax.Array]:
        value = unlikelihood(parameters, example)
        return value, value

    return descend(learned, loss, rate, _DESCENT)[0]


@jax.jit
def _replayed(inputs: Inputs, device: jax.Array) -> tuple[jax.Array, jax.Array]:
    """[G, D, F] and [G, D] What is observed and allowed before each group goes to its device."""
    nothing = follow(inputs, jnp.zeros(inputs.compute.shape))

    def step(state: State, group: jax.Array) -> tuple[State, tuple[jax.Array, jax.Array]]:
        seen = observe(inputs, state, group, nothing), mask(inputs, state, group)
        return advance(inputs, state, group, device[group]), seen

    groups = jnp.arange(inputs.compute.shape[0])
    seen: tuple[jax.Array, jax.Array] = jax.lax.scan(step, start(inputs), groups)[1]
    return seen

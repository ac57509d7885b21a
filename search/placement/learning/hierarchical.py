"""A grouper merges groups into slots, then the slots are placed; both learn from one reward.

After A. Mirhoseini et al., "A hierarchical model for device placement" (HDP, 2018): the grouper is
a feed-forward network that draws a slot for each group, whatever the others have. Here the placer
is the policy of this folder on the graph of slots, which differs from placement to placement.
Letters: `P` placements, `G` groups, padding included, `S` slots.
"""

from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from apollo.search.placement.learning.exploration import LIKELIEST, Exploration
from apollo.search.placement.learning.inputs import Inputs, Shape, Singles, inputs_of, power_of_two
from apollo.search.placement.learning.lesson import Lesson
from apollo.search.placement.learning.merge import in_order, merged, spread
from apollo.search.placement.learning.observation import follow
from apollo.search.placement.learning.policy import Parameters, Policy, group
from apollo.search.placement.learning.rollout import Rollout, log_probabilities, roll
from apollo.search.placement.learning.settings import Descent, LearningSettings
from apollo.search.placement.learning.update import Learned, Rates, descend, surrogate
from apollo.search.placement.problem import Ints


@dataclass(frozen=True)
class Grouped:
    """Placements whose groups were merged before."""

    placements: Ints  # [P, G] without padding
    inputs: Inputs
    slot: jax.Array  # [P, G]
    log_probability: jax.Array  # [P, G] of the slots
    coarse: Inputs  # [P, ...] of the graphs of slots
    rollout: Rollout  # [P, S, 1, ...] of them

    def improve(
        self, learned: Learned, advantage: jax.Array, rates: Rates, settings: LearningSettings
    ) -> tuple[Learned, jax.Array]:
        """As `Drawn` says; the entropy is that of the slots' devices."""
        grouped = (self.inputs, self.slot, self.log_probability)
        better: tuple[Learned, jax.Array] = _improve(
            learned, grouped, self.coarse, self.rollout, advantage, rates, settings.descent
        )
        return better


def draw_grouped(
    policy: Policy, lesson: Lesson, key: jax.Array, exploration: Exploration
) -> Grouped:
    """As `draw`, by the grouper first."""
    groups, slots = lesson.problem.groups, policy.settings.slots
    by_grouper, by_placer = jax.random.split(key)
    slot, log = _assign(policy.parameters, lesson.inputs, by_grouper, exploration)
    chosen = [in_order(row) for row in np.asarray(slot)[:, : len(groups.names)].astype(np.int64)]
    least = Shape(
        groups=power_of_two(slots, 1),
        edges=power_of_two(min(len(groups.source), slots * (slots - 1)), 1),
        neighbours=power_of_two(2 * slots, 1),
    )
    graphs = [inputs_of(replace(lesson.problem, groups=merged(groups, s)), least) for s in chosen]
    coarse = Inputs(*(np.stack(columns) for columns in zip(*graphs, strict=True)))
    there = np.stack([_shares(lesson, s, coarse.compute.shape[1:]) for s in chosen])
    rollout: Rollout = _roll(policy.parameters, coarse, there, by_placer, exploration)
    devices = np.asarray(rollout.device)[:, :, 0].astype(np.int64)
    placements = [spread(groups, s, device) for s, device in zip(chosen, devices, strict=True)]
    return Grouped(np.stack(placements), lesson.inputs, slot, log, coarse, rollout)


def _shares(lesson: Lesson, slot: Ints, shape: tuple[int, ...]) -> Singles:
    """[S, D] Share of each slot's groups that the placement to follow has on a device."""
    there = np.zeros(shape, np.float32)
    np.add.at(there, (slot, lesson.followed.placement), 1)
    share: Singles = there / np.maximum(there.sum(axis=1, keepdims=True), 1)
    return share


@jax.jit
def _assign(
    parameters: Parameters, inputs: Inputs, key: jax.Array, exploration: Exploration
) -> tuple[jax.Array, jax.Array]:
    """[P, G] Slots, and the logarithms of their probabilities; the likeliest where all is sharp."""
    logs = jax.nn.log_softmax(group(parameters, jnp.asarray(inputs.groups)))
    noise = jax.random.gumbel(key, (len(exploration.even), *logs.shape))
    is_sharp = (exploration.sharpness >= LIKELIEST)[:, None, None]
    slot = jnp.argmax(jnp.where(is_sharp, logs, logs + noise), axis=-1)
    return slot, _slot_logs(parameters, inputs, slot)


def _slot_logs(parameters: Parameters, inputs: Inputs, slot: jax.Array) -> jax.Array:
    logs = jax.nn.log_softmax(group(parameters, jnp.asarray(inputs.groups)))
    return logs[jnp.arange(len(logs))[None, :], slot]


@jax.jit
def _roll(
    parameters: Parameters,
    coarse: Inputs,
    there: jax.Array,
    key: jax.Array,
    exploration: Exploration,
) -> Rollout:
    """One placement of each graph of slots."""

    def one(inputs: Inputs, there: jax.Array, key: jax.Array, how: Exploration) -> Rollout:
        rolled: Rollout = roll(parameters, inputs, follow(inputs, there), key, _alone(how))
        return rolled

    keys = jax.random.split(key, len(exploration.even))
    return jax.vmap(one)(coarse, there, keys, exploration)


def _alone(exploration: Exploration) -> Exploration:
    """That of one placement, as of a batch of one."""
    return Exploration(*(each[None] for each in exploration))


@partial(jax.jit, static_argnames="descent")
def _improve(
    learned: Learned,
    grouped: tuple[Inputs, jax.Array, jax.Array],
    coarse: Inputs,
    rollout: Rollout,
    advantage: jax.Array,  # [P]
    rates: Rates,
    descent: Descent,
) -> tuple[Learned, jax.Array]:
    inputs, slot, old_logs = grouped

    def loss(parameters: Parameters) -> tuple[jax.Array, jax.Array]:
        log, entropy = jax.vmap(
            lambda inputs, rollout, exploration: log_probabilities(
                parameters, inputs, rollout, _alone(exploration)
            )
        )(coarse, rollout, rates.exploration)
        placer = surrogate(log, rollout.log_probability, advantage[:, None, None], descent)
        weight = (coarse.is_group / coarse.is_group.sum())[..., None]
        logs = _slot_logs(parameters, inputs, slot)
        grouper = surrogate(logs, old_logs, advantage[:, None], descent)
        share = inputs.is_group / (inputs.is_group.sum() * len(advantage))
        spread = jax.nn.log_softmax(group(parameters, jnp.asarray(inputs.groups)))
        undecided = -(jnp.exp(spread) * spread).sum(axis=-1) * inputs.is_group
        bonus = (entropy * weight).sum() + undecided.sum() / inputs.is_group.sum()
        gain = (placer * weight).sum() + (grouper * share).sum()
        return -gain - rates.entropy * bonus, (entropy * weight).sum()

    return descend(learned, loss, rates.step, descent)

"""The policy: a graph encoder, and attention over the devices that a group may go to.

Encoder, `rounds` times, after W. Hamilton et al., "Inductive representation learning on large
graphs" (GraphSAGE, 2017), with messages along and against the edges:

    m = relu(h Wm + bm);  h' = h + relu([h, max_in m, max_out m] Wu + bu)                      (1)

Head, for a group h of the graph and each device with observation x and features c:

    e = relu([x, c] We + h Wh + be)                                                            (2)
    a = softmax(e (h Wq Wk)ᵀ / sqrt H) e    over the devices                                    (3)
    z = relu(e Wz + a Wa + bz);  logit = z w                                                   (4)

No weight depends on how many groups or devices there are, so one set of parameters serves every
problem. The last weights are 0 at first: the first policy is uniform over what the mask leaves.
Letters: `G` groups, `D` devices, `F` features, `H` hidden.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from apollo.search.placement.learning.inputs import Inputs
from apollo.search.placement.learning.observation import FEATURES
from apollo.search.placement.learning.settings import LearningSettings
from apollo.search.placement.learning.shape import GROUP_FEATURES

Parameters = dict[str, jax.Array]

DEVICE_FEATURES = 4
GROUPER = 64  # hidden units, as HDP has
FORBIDDEN = -1e9  # logit of a device that a group may not go to


@dataclass(frozen=True)
class Policy:
    """Parameters, and the settings that they belong to."""

    settings: LearningSettings
    parameters: Parameters

    @classmethod
    def new(cls, settings: LearningSettings, seed: int) -> "Policy":
        """One that has learned nothing."""
        return cls(settings, initial(settings, seed))


def initial(settings: LearningSettings, seed: int) -> Parameters:
    """Parameters before training."""
    generator = np.random.default_rng(seed)
    hidden, seen = settings.hidden, FEATURES + DEVICE_FEATURES
    shapes = {"group": (GROUP_FEATURES, hidden), "head": (seen, hidden), "bend": (hidden, hidden)}
    for number in range(settings.rounds):
        shapes[f"message{number}"] = (hidden, hidden)
        shapes[f"update{number}"] = (3 * hidden, hidden)
    shapes |= dict.fromkeys(("query", "key", "own", "others"), (hidden, hidden))
    if settings.slots:
        shapes |= {"grouper": (GROUP_FEATURES, GROUPER), "slots": (GROUPER, settings.slots)}
    parameters = {}
    for name, (rows, columns) in shapes.items():
        drawn = generator.normal(0, (2 / rows) ** 0.5, (rows, columns))
        parameters[name] = jnp.asarray(drawn, jnp.float32)
        parameters[f"{name}_bias"] = jnp.zeros(columns, jnp.float32)
    parameters["last"] = jnp.zeros(hidden, jnp.float32)
    return parameters


def encode(parameters: Parameters, inputs: Inputs) -> jax.Array:
    """[G, H] Every group in its graph (1)."""
    state = jax.nn.relu(_dense(parameters, "group", jnp.asarray(inputs.groups)))
    number = 0
    while f"message{number}" in parameters:
        message = jax.nn.relu(_dense(parameters, f"message{number}", state))
        padded = jnp.concatenate([message, jnp.zeros_like(message[:1])])
        ways = [
            jnp.zeros_like(padded).at[one].max(padded[other])[:-1]
            for one, other in ((inputs.target, inputs.source), (inputs.source, inputs.target))
        ]
        together = jnp.concatenate([state, *ways], axis=1)
        state = state + jax.nn.relu(_dense(parameters, f"update{number}", together))
        number += 1
    return state


def group(parameters: Parameters, features: jax.Array) -> jax.Array:
    """[G, S] Logits of the slots of every group, where there is a grouper."""
    return _dense(parameters, "slots", jax.nn.relu(_dense(parameters, "grouper", features)))


def head(
    parameters: Parameters,
    inputs: Inputs,
    embedding: jax.Array,  # [..., H] of a group
    observation: jax.Array,  # [..., D, F]
    allowed: jax.Array,  # [..., D]
) -> jax.Array:
    """[..., D] Logits of the devices for a group (2, 3, 4)."""
    is_device = inputs.devices[:, -1] > 0
    shape = (*observation.shape[:-1], inputs.devices.shape[1])
    features = jnp.concatenate([observation, jnp.broadcast_to(inputs.devices, shape)], axis=-1)
    bent = _dense(parameters, "bend", embedding)[..., None, :]
    seen = jax.nn.relu(_dense(parameters, "head", features) + bent)
    query = _dense(parameters, "query", embedding) @ parameters["key"]
    likeness = (seen * query[..., None, :]).sum(-1) / query.shape[-1] ** 0.5
    attention = jax.nn.softmax(jnp.where(is_device, likeness, FORBIDDEN), axis=-1)
    context = (attention[..., None] * seen).sum(axis=-2, keepdims=True)
    mixed = _dense(parameters, "own", seen) + context @ parameters["others"]
    logits = jax.nn.relu(mixed) @ parameters["last"]
    return jnp.where(allowed, logits, FORBIDDEN)


def _dense(parameters: Parameters, name: str, inputs: jax.Array) -> jax.Array:
    return inputs @ parameters[name] + parameters[f"{name}_bias"]

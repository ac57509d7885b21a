"""The model: a small network of a design, one-hot, that a context bends.

    e = x W1 + b1        x [X]: digits one-hot, and each digit as a number in 0..1
    g = c Wg, s = c Ws   c [C]: the context, standardised
    h = leaky(e * (1 + g) + s);  h = leaky(h W2 + b2);  y = h w3 + b3

Several members, alike but for their first weights, are trained side by side; a prediction is
their mean. Letters: `N` rows, `D` digits, `C` numbers of a context, `M` members, `H` hidden.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
Parameters = dict[str, jax.Array]

SLOPE = 0.1  # of the leaky unit below zero
LEAST_DEVIATION = 0.25  # of a context's number: one that hardly varies must not rule
FARTHEST = 3.0  # deviations from the mean that a context may lie


def features(points: Ints, radices: Sequence[int]) -> Floats:
    """Designs as the model sees them, [N, X], of points [N, D]."""
    one_hot = [np.eye(radix, dtype=np.float32)[points[:, d]] for d, radix in enumerate(radices)]
    scaled = points / np.maximum(1, np.array(radices) - 1)
    return np.concatenate([*one_hot, scaled.astype(np.float32)], axis=1)


def initial(members: int, hidden: int, inputs: int, context: int, seed: int) -> Parameters:
    """Weights before training; every array has `M` first."""
    generator = np.random.default_rng(seed)

    def drawn(rows: int, columns: int) -> jax.Array:
        shape = (members, rows, columns)
        return jnp.asarray(generator.normal(0, (2 / rows) ** 0.5, shape), dtype=jnp.float32)

    zeros = jnp.zeros((members, 1, hidden), dtype=jnp.float32)
    return {
        "w1": drawn(inputs, hidden),
        "b1": zeros,
        "gain": drawn(context, hidden) * 0.1,  # at first the context hardly bends
        "shift": drawn(context, hidden) * 0.1,
        "w2": drawn(hidden, hidden),
        "b2": zeros,
        "w3": drawn(hidden, 1) * 0.1,
        "b3": jnp.zeros((members, 1, 1), dtype=jnp.float32),
    }


def predict(parameters: Parameters, inputs: jax.Array, contexts: jax.Array) -> jax.Array:
    """The value of designs [N, X] in contexts [N, C], of every member, [M, N]."""
    p = parameters
    gain, shift = contexts @ p["gain"], contexts @ p["shift"]
    hidden = jax.nn.leaky_relu((inputs @ p["w1"] + p["b1"]) * (1 + gain) + shift, SLOPE)
    hidden = jax.nn.leaky_relu(hidden @ p["w2"] + p["b2"], SLOPE)
    return (hidden @ p["w3"] + p["b3"])[..., 0]


_predict = jax.jit(predict)


class Examples(NamedTuple):
    """Designs [N, X] in contexts [N, C]."""

    inputs: jax.Array
    contexts: jax.Array

    def at(self, which: jax.Array) -> "Examples":
        """Those at positions."""
        return Examples(self.inputs[which], self.contexts[which])


@dataclass(frozen=True)
class Standard:
    """How contexts are standardised: as those that were learned from."""

    mean: Floats  # [C]
    deviation: Floats  # [C]

    @classmethod
    def of(cls, contexts: Floats) -> "Standard":
        """That of contexts [N, C]."""
        return cls(contexts.mean(axis=0), np.maximum(contexts.std(axis=0), LEAST_DEVIATION))

    def __call__(self, contexts: Floats) -> Floats:
        """Contexts, standardised; one far from all that were seen is drawn near."""
        scaled = (contexts - self.mean) / self.deviation
        near: Floats = np.clip(scaled, -FARTHEST, FARTHEST).astype(np.float32)
        return near


@dataclass(frozen=True)
class Model:
    """A trained model."""

    parameters: Parameters
    standard: Standard
    radices: tuple[int, ...]

    @classmethod
    def initial(
        cls, standard: Standard, radices: tuple[int, ...], members: int, hidden: int, seed: int
    ) -> "Model":
        """The model before training."""
        inputs = sum(radices) + len(radices)
        return cls(initial(members, hidden, inputs, len(standard.mean), seed), standard, radices)

    def examples(self, points: Ints, contexts: Floats) -> Examples:
        """Points [N, D] in contexts [N, C] as the model sees them."""
        inputs, scaled = features(points, self.radices), self.standard(contexts)
        return Examples(jnp.asarray(inputs), jnp.asarray(scaled))

    def values(self, points: Ints, contexts: Floats) -> Floats:
        """Predictions, [N], for points [N, D] in contexts [N, C]: the mean of the members."""
        if not len(points):
            return np.empty(0, dtype=np.float32)
        size = 1 << (len(points) - 1).bit_length()  # a power of two, so that few are compiled
        padded = np.resize(np.arange(len(points)), size)
        inputs, scaled = self.examples(points[padded], contexts[padded])
        found: Floats = np.asarray(_predict(self.parameters, inputs, scaled)).mean(axis=0)
        return found[: len(points)]

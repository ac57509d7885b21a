"""A batch of different points for one acquisition function of Vizier.

Vizier searches the acquisition by fireflies in continuous space and returns the best points it met:
rounded to digits, 256 of them were one and the same. Here instead:

1. `CLIMBERS` points, half of them drawn at random and half from the best ones known, climb the
   acquisition: `STEPS` times one or two digits of each are drawn anew, and the change stays where
   the acquisition is higher. A point that was told before is nowhere higher.
2. The batch is picked from where they ended, one point after the other, by the acquisition with the
   deviation that is left once the points picked before it are known to have their mean: "Kriging
   believer", D. Ginsbourger, R. Le Riche, L. Carraro, "Kriging is well-suited to parallelize
   optimization" (2010).

Letters: `C` climbers, `F` digits that have a choice. Imports JAX: import inside.
"""

from typing import Any

import equinox
import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
from tensorflow_probability.substrates import jax as probability
from vizier._src.jax import types

from apollo.search.optimizers.base import Ints

CLIMBERS = 512
STEPS = 100
Floats = npt.NDArray[np.float64]


def climb(
    scoring: Any, starts: Ints, radices: Ints, taken: Any, generator: np.random.Generator
) -> Ints:
    """Where climbers end, [C, F]; `taken` maps points to whether they were told before."""
    points = starts
    values = _values(scoring, points, radices, taken)
    for _ in range(STEPS):
        moved = _moved(points, radices, generator)
        moved_values = _values(scoring, moved, radices, taken)
        better = moved_values > values
        points = np.where(better[:, None], moved, points)
        values = np.where(better, moved_values, values)
    return points[np.isfinite(values)]


def pick(scoring: Any, points: Ints, radices: Ints, count: int) -> Ints:
    """At most `count` different ones of the points, [N, F] of at most C, in the order picked."""
    points = np.unique(points, axis=0)
    rows = np.arange(CLIMBERS) % len(points)  # always as many: one compilation
    mean, covariance = _posterior(scoring, _scaled(points[rows], radices))
    mean = np.asarray(mean)
    covariance = np.array(covariance, dtype=np.float64)
    left = np.arange(CLIMBERS) < len(points)
    picked: list[int] = []
    while left.any() and len(picked) < count:
        deviation = np.sqrt(np.maximum(np.diag(covariance), 1e-12))
        values = np.asarray(_acquisition(scoring.acquisition_fn, mean, deviation))
        best = int(np.argmax(np.where(left, values, -np.inf)))
        left[best] = False
        picked.append(best)
        column = covariance[:, best]
        covariance = covariance - np.outer(column, column) / max(column[best], 1e-12)
    return points[picked]


def _moved(points: Ints, radices: Ints, generator: np.random.Generator) -> Ints:
    """Points with one or two digits drawn anew, [C, F]."""
    moved = points.copy()
    rows = np.arange(len(points))
    for _ in range(2):
        digit = generator.integers(0, len(radices), len(points))
        moves = generator.random(len(points)) < 0.75
        value = generator.integers(0, radices[digit])
        moved[rows[moves], digit[moves]] = value[moves]
    return moved


def _values(scoring: Any, points: Ints, radices: Ints, taken: Any) -> Floats:
    values = np.asarray(_scores(scoring, _scaled(points, radices)), dtype=np.float64)
    return np.where(taken(points), -np.inf, values)


def _scaled(points: Ints, radices: Ints) -> npt.NDArray[np.float32]:
    """Digits in 0..1, as Vizier scales an integer parameter."""
    return (points / (radices - 1)).astype(np.float32)


def _model_input(features: Any) -> Any:
    categorical = jnp.zeros((features.shape[0], 0), dtype=types.INT_DTYPE)
    return types.ModelInput(
        continuous=types.PaddedArray.as_padded(features),
        categorical=types.PaddedArray.as_padded(categorical),
    )


@equinox.filter_jit
def _scores(scoring: Any, features: Any) -> Any:
    return scoring.score(_model_input(features), jax.random.PRNGKey(0))


@equinox.filter_jit
def _posterior(scoring: Any, features: Any) -> Any:
    distribution, _ = scoring.predictor.predict_with_aux(_model_input(features))
    return distribution.mean(), distribution.covariance()


@equinox.filter_jit
def _acquisition(acquisition: Any, mean: Any, deviation: Any) -> Any:
    return acquisition(probability.distributions.Normal(mean, deviation))

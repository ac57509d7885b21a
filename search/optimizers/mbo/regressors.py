"""Regressors that may become members of an ensemble, with hyper-parameters drawn at random.

They are written out here: at these sizes (hundreds of points, ten digits of few values, hundreds
of fits a minute) a general library spends nearly all of its time on checking arguments.

Letters: `N` points, `D` features. Features lie in 0..1; each has few values.
"""

from collections.abc import Callable
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from apollo.search.optimizers.mbo.likeness import likeness
from apollo.search.optimizers.mbo.trees import LEAF, ask_trees, grow_trees

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class Regressor(Protocol):
    """Learns a function of points from its values."""

    def fit(self, features: Floats, targets: Floats, /) -> Self:
        """Learn targets, [N], of features, [N, D]."""
        ...

    def predict(self, features: Floats, /) -> Floats:
        """Values, [N], of features, [N, D]."""
        ...


class KernelRegressor:
    """The mean of a Gaussian process; `likeness` is its kernel."""

    def __init__(self, length: float, mismatch: float, noise: float) -> None:
        """A regressor that learned nothing; `noise` is the variance of a value."""
        self._length = length
        self._mismatch = mismatch
        self._noise = noise

    def fit(self, features: Floats, targets: Floats, /) -> Self:
        """Solve for the weights of the points."""
        self._features = features
        self._mean = targets.mean()
        matrix = self._kernel(features)
        matrix[np.diag_indices_from(matrix)] += self._noise
        self._inverse = np.linalg.inv(matrix)
        self._weights: Floats = self._inverse @ (targets - self._mean)
        return self

    def predict(self, features: Floats, /) -> Floats:
        """The weighted kernel of every point with those learned."""
        predicted: Floats = self._kernel(features) @ self._weights + self._mean
        return predicted

    def covariance(self, features: Floats) -> Floats:
        """How little is known of points, and what they have of it in common, [N, N]."""
        kernel, own = self._kernel(features), np.empty((len(features), len(features)))
        likeness(features, features, self._length, self._mismatch, own)
        common: Floats = own - kernel @ self._inverse @ kernel.T
        return common

    def variance(self, features: Floats) -> Floats:
        """How little is known of points, [N]: near 0 at those learned, 1 far from all of them."""
        kernel = self._kernel(features)
        explained: Floats = np.sum(kernel @ self._inverse * kernel, axis=1)
        return np.maximum(1.0 - explained, 0.0)

    def left_out(self) -> Floats:
        """For every learned point its error, [N], if it had not been learned."""
        errors: Floats = self._weights / np.diag(self._inverse)
        return errors

    def _kernel(self, features: Floats) -> Floats:
        out = np.empty((len(features), len(self._features)))
        likeness(features, self._features, self._length, self._mismatch, out)
        return out


class Trees:
    """A forest, or boosting where `rate` is over 0; `trees.py` describes both."""

    def __init__(
        self, trees: int, depth: int, least: int, tried: float, extra: bool, rate: float, seed: int
    ) -> None:
        """A regressor that learned nothing; `tried` is the share of features tried at a node."""
        self._trees = trees
        self._how = (depth, least, tried, extra, rate, seed)

    def fit(self, features: Floats, targets: Floats, /) -> Self:
        """Grow the trees."""
        depth, least, tried, extra, rate, seed = self._how
        self._levels = [np.unique(column) for column in features.T]
        shape = (self._trees, 2 * len(features))
        self._columns = (np.full(shape, LEAF), np.zeros(shape, int), np.zeros(shape, int))
        self._values = np.zeros(shape)
        self._mean = targets.mean()
        wanted = max(1, round(tried * features.shape[1]))
        grow_trees(
            self._codes(features),
            targets - self._mean,
            depth,
            least,
            wanted,
            extra,
            rate,
            seed,
            *self._columns,
            self._values,
        )
        return self

    def predict(self, features: Floats, /) -> Floats:
        """The mean of a forest's trees, or the sum of boosting's."""
        total = np.zeros(len(features))
        ask_trees(self._codes(features), *self._columns, self._values, total)
        rate = self._how[4]
        predicted: Floats = self._mean + total * (rate or 1 / self._trees)
        return predicted

    def _codes(self, features: Floats) -> Ints:
        """The place of every value among those learned; between two, the lower one's."""
        places = [
            np.maximum(np.searchsorted(level, column, "right") - 1, 0)
            for level, column in zip(self._levels, features.T, strict=True)
        ]
        return np.ascontiguousarray(np.array(places, dtype=np.int64).T)


class Linear:
    """Ridge regression on the features, their squares and their products."""

    def __init__(self, penalty: float) -> None:
        """A regressor that learned nothing."""
        self._penalty = penalty

    def fit(self, features: Floats, targets: Floats, /) -> Self:
        """Solve the normal equations."""
        terms = self._terms(features)
        normal = terms.T @ terms + self._penalty * np.eye(terms.shape[1])
        self._weights = np.linalg.solve(normal, terms.T @ targets)
        return self

    def predict(self, features: Floats, /) -> Floats:
        """The weighted sum of the terms."""
        predicted: Floats = self._terms(features) @ self._weights
        return predicted

    def _terms(self, features: Floats) -> Floats:
        with_one = np.column_stack([np.ones(len(features)), features])
        left, right = np.triu_indices(with_one.shape[1])
        terms: Floats = np.asarray(with_one[:, left] * with_one[:, right], dtype=np.float64)
        return terms


def _kernel(generator: np.random.Generator) -> Regressor:
    length, mismatch = _between(generator, 1.0, 4.0), _between(generator, 0.03, 0.3)
    return KernelRegressor(length, mismatch, noise=_between(generator, 1e-4, 1e-2))


def _boosting(generator: np.random.Generator) -> Regressor:
    rate, depth = _between(generator, 0.07, 0.25), int(generator.integers(3, 7))
    return Trees(100, depth, 2, 0.5, False, rate, _seed(generator))


def _extra_trees(generator: np.random.Generator) -> Regressor:
    least, tried = int(generator.integers(1, 4)), float(generator.uniform(0.4, 1.0))
    return Trees(40, 64, least, tried, True, 0.0, _seed(generator))


def _linear(generator: np.random.Generator) -> Regressor:
    return Linear(_between(generator, 1e-2, 10.0))


# A new family is one function and one line here.
FAMILIES: dict[str, Callable[[np.random.Generator], Regressor]] = {
    "kernel": _kernel,
    "boosting": _boosting,
    "extra_trees": _extra_trees,
    "linear": _linear,
}


def _seed(generator: np.random.Generator) -> int:
    return int(generator.integers(1 << 31))


def _between(generator: np.random.Generator, low: float, high: float) -> float:
    """Drawn between two positive numbers, every factor alike."""
    return float(np.exp(generator.uniform(np.log(low), np.log(high))))

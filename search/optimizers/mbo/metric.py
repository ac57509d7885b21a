"""A metric of a design alone, as its area, learned from trials.

Such a metric is nearly a sum of parts of which each is so much a piece: a least-squares fit of
monomials, as elements x cores x lanes, finds what a piece of each costs. Where the log does not
say what the parameters are, a kernel regressor learns the metric from the digits.
"""

import numpy as np

from apollo.search.optimizers.mbo.log import Floats
from apollo.search.optimizers.mbo.regressors import KernelRegressor

_KERNEL = (3.0, 0.03, 1e-4)  # length, mismatch, noise
_LEARNED = 400  # points that it learns at most, evenly chosen
_RIDGE = 1e-7
_LEAST = 1e-3  # of the least value learned: a sum is never less


class MetricModel:
    """Predicts the logarithm of a metric.

    Letters: `N` points, `D` features, `K` monomials.
    """

    def __init__(self, features: Floats, monomials: Floats, values: Floats) -> None:
        """Learn logarithms of the metric, [N], from features, [N, D], and monomials, [N, K]."""
        self._kernel: KernelRegressor | None = None
        if monomials.shape[1]:
            self._fit_sum(monomials, values)
            errors = values - self.predict(features, monomials)
        else:
            some = np.unique(np.linspace(0, len(values) - 1, _LEARNED).astype(np.int64))
            self._kernel = KernelRegressor(*_KERNEL).fit(features[some], values[some])
            errors = self._kernel.left_out()
        self.error = max(float(np.sqrt(np.mean(errors**2))), 1e-6)

    def predict(self, features: Floats, monomials: Floats) -> Floats:
        """The logarithm at every point, [N]."""
        if self._kernel is not None:
            return self._kernel.predict(features)
        logarithm: Floats = np.log(np.maximum(monomials @ self._pieces, self._low))
        return logarithm

    def _fit_sum(self, monomials: Floats, values: Floats) -> None:
        """What a piece of each costs; terms are divided by the metric: errors are relative."""
        self._low = _LEAST * np.exp(values.min())
        terms = monomials / np.exp(values)[:, None]
        sizes = np.sqrt(np.sum(terms * terms, axis=0))
        terms /= sizes
        normal = terms.T @ terms + _RIDGE * np.eye(terms.shape[1])
        self._pieces: Floats = np.linalg.solve(normal, terms.sum(axis=0)) / sizes

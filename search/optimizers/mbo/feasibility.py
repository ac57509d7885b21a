"""How likely a point is feasible: infeasible trials are learned from too.

This stands beside the regressors, rather than as a penalty on their targets: a reward of 0 beyond
a budget is a cliff that regressors would spend their accuracy on, and the best designs lie at its
edge.

1. What decides is often a metric that is known of every design, as its area. A kernel regressor
   learns the logarithm of each such metric. Its bound lies between the values of the feasible
   trials and the nearest beyond them, if there are any beyond.
2. Trials within all these bounds that are infeasible all the same are learned by a kernel
   regressor of the bare verdict.
"""

import numpy as np
import numpy.typing as npt

from apollo.search.optimizers.mbo.metric import MetricModel
from apollo.search.optimizers.mbo.regressors import Floats, KernelRegressor

Flags = npt.NDArray[np.bool_]
_DOUBT = 1e-9  # least probability: what the models are sure of may be wrong
_VERDICT = (2.0, 0.1, 1e-2)


class Feasibility:
    """The probability that a point is feasible.

    Letters: `N` points, `D` features, `M` metrics.
    """

    def __init__(
        self, features: Floats, monomials: Floats, feasible: Flags, metrics: Floats
    ) -> None:
        """Learn from features, [N, D], verdicts, [N], and logarithms of metrics, [N, M]."""
        self._bounds: list[tuple[MetricModel, float, float]] = []
        within = np.ones(len(features), dtype=np.bool_)
        if feasible.any():
            for values in metrics.T:
                known = np.isfinite(values)
                low, high = _bounds(values[known], feasible[known])
                within &= ~known | (values > low) & (values < high)
                if np.isfinite([low, high]).any():
                    model = MetricModel(features[known], monomials[known], values[known])
                    self._bounds.append((model, low, high))
        self._verdict: KernelRegressor | None = None
        if not feasible[within].all():
            verdicts = feasible[within].astype(float)
            self._verdict = KernelRegressor(*_VERDICT).fit(features[within], verdicts)

    def probability(self, features: Floats, monomials: Floats) -> Floats:
        """Of every point, [N]."""
        likely = np.ones(len(features))
        for model, low, high in self._bounds:
            value = model.predict(features, monomials)
            likely *= _below((high - value) / model.error) - _below((low - value) / model.error)
        if self._verdict is not None:
            likely *= np.clip(self._verdict.predict(features), 0.01, 1.0)
        return np.maximum(likely, _DOUBT)


def _below(z: Floats) -> Floats:
    """The probability that a normal variable is below, within 0.01 of it: a logistic curve."""
    below: Floats = 0.5 + 0.5 * np.tanh(0.851 * z)
    return below


def _bounds(values: Floats, feasible: Flags) -> tuple[float, float]:
    """Between the feasible values and the nearest beyond them on either side, or infinite."""
    least, most = values[feasible].min(), values[feasible].max()
    below, above = values[values < least], values[values > most]
    low = (least + below.max()) / 2 if len(below) else -np.inf
    high = (most + above.min()) / 2 if len(above) else np.inf
    return float(low), float(high)

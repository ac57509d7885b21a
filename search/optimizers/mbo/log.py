"""The log of trials as columns, and the part of it that models learn from.

Letters: `N` trials, `D` digits of a point.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from apollo.search.optimizers.base import Ints
from apollo.search.trial import Trial

Floats = npt.NDArray[np.float64]
# What the numbers of a design amount to. A regressor would need very many trials to find that
# twice the elements with half the cores are as many lanes.
PRODUCTS = (
    ("pes_x", "pes_y"),
    ("pes_x", "pes_y", "cores"),
    ("pes_x", "pes_y", "cores", "lanes"),
    ("pes_x", "pes_y", "pe_memory_bytes"),
    ("pes_x", "pes_y", "cores", "core_memory_bytes"),
)
# A design has one of a thing, one an element, or one a core.
SCOPES: tuple[tuple[str, ...], ...] = ((), ("pes_x", "pes_y"), ("pes_x", "pes_y", "cores"))


class Log:
    """Trials in the order in which they were told, appended only."""

    def __init__(self) -> None:
        self.indices: Ints = np.empty(0, dtype=np.int64)  # [N]
        self.rewards: Floats = np.empty(0)  # [N]
        self.feasible: npt.NDArray[np.bool_] = np.empty(0, dtype=np.bool_)  # [N]
        self._metrics: list[dict[str, float]] = []  # [N]
        self._values: list[dict[int, float]] = []  # [D] digit -> value of the parameter
        self._names: tuple[str, ...] = ()  # [D] of the parameters, if trials say them

    def __len__(self) -> int:
        return len(self.indices)

    def append(self, trials: Sequence[Trial], digits: Ints) -> None:
        """Add trials; `digits` of their points, [N, D]."""
        self.indices = np.append(self.indices, np.array([t.index for t in trials], dtype=np.int64))
        self.rewards = np.append(self.rewards, np.array([t.reward for t in trials], dtype=float))
        self.feasible = np.append(self.feasible, np.array([t.feasible for t in trials], bool))
        self._metrics += [dict(trial.metrics) for trial in trials]
        self._values = self._values or [{} for _ in range(digits.shape[1])]
        for trial, point in zip(trials, digits.tolist(), strict=True):
            if len(trial.parameters) == len(point):
                self._names = tuple(trial.parameters)
                values = trial.parameters.values()
                for known, digit, value in zip(self._values, point, values, strict=True):
                    known[digit] = float(value)

    def chosen(self, cap: int, upto: int, of: npt.NDArray[np.bool_]) -> Ints:
        """Positions of at most `cap` distinct points of the first `upto`, where `of` is true.

        A third each the best, the newest, and evenly spread over the rest: the same for the same
        log, and no longer however long it grows.
        """
        distinct = np.sort(np.unique(self.indices[:upto], return_index=True)[1])
        wanted: Ints = distinct[of[distinct]]
        if len(wanted) <= cap:
            return wanted
        best = wanted[np.argsort(-self.rewards[wanted], kind="stable")][: cap // 3]
        others = wanted[~np.isin(wanted, best)]
        newest, rest = others[-(cap // 3) :], others[: -(cap // 3)]
        spread = rest[np.linspace(0, len(rest) - 1, cap - 2 * (cap // 3)).astype(np.int64)]
        return np.unique(np.concatenate([best, newest, spread]))

    def known_metrics(self, positions: Ints) -> Floats:
        """Logarithms of the metrics that nearly all of these trials have, [N, M], or NaN.

        Such a metric is known of infeasible designs too, as the area is: what decides whether a
        design is feasible is learned from it far better than from the bare verdict.
        """
        names = list(dict.fromkeys(name for p in positions for name in self._metrics[p]))
        columns = []
        for name in names:
            column = np.array([self._metrics[p].get(name, np.nan) for p in positions])
            missing = ~(column > 0)
            if missing.mean() <= 0.1 and np.ptp(column[~missing]) > 0:
                columns.append(np.log(np.where(missing, np.nan, column)))
        return np.array(columns).reshape(len(columns), len(positions)).T

    def features(self, indices: Ints, radices: Ints) -> Floats:
        """What regressors see of points [N]: the places of their digits, 0..1, and `PRODUCTS`."""
        logs = self._logs(indices, radices)
        spans = np.maximum([np.ptp(scale) for scale in self._scales(radices)], 1e-9)
        columns = [*(logs / spans).T]
        number = {name: column for column, name in enumerate(self._names)}
        for names in PRODUCTS:
            if number.keys() >= set(names):
                columns.append(logs[:, [number[name] for name in names]].sum(axis=1) / 10)
        return np.column_stack(columns)

    def monomials(self, indices: Ints, radices: Ints) -> Floats:
        """Products of the parameters' values at points [N] by which `SCOPES` count, [N, K].

        Up to a factor each. There are none when the log does not say what the parameters are.
        """
        logs = self._logs(indices, radices)
        number = {name: column for column, name in enumerate(self._names)}
        columns: list[Floats] = []
        for scope in SCOPES if number else ():
            each = logs[:, [number[name] for name in scope if name in number]].sum(axis=1)
            others = [logs[:, column] for name, column in number.items() if name not in scope]
            columns += [each, *(each + other for other in others)]
        return np.exp2(np.array(columns)).reshape(len(columns), len(indices)).T

    def _logs(self, indices: Ints, radices: Ints) -> Floats:
        """Logarithms of the parameters' values over the least, [N, D]."""
        digits = np.array(np.unravel_index(indices, radices.tolist()))
        return np.array(
            [scale[digit] for scale, digit in zip(self._scales(radices), digits, strict=True)]
        ).T

    def _scales(self, radices: Ints) -> list[Floats]:
        """For every parameter the base-2 logarithms of its values over the least.

        The digits themselves where the log does not say the values, or not all are positive.
        """
        scales = []
        for number, radix in enumerate(radices.tolist()):
            known = self._values[number] if self._values else {}
            steps = np.arange(radix, dtype=float)
            if len(known) > 1 and min(known.values()) > 0:
                digits = sorted(known)
                steps = np.interp(steps, digits, np.log2([known[digit] for digit in digits]))
            scales.append(steps - steps.min())
        return scales

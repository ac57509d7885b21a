"""Which regressors to trust: k-fold cross-validation, and the mean of those that pass."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from apollo.search.optimizers.mbo.regressors import Floats, KernelRegressor, Regressor

FOLDS = 5
Make = Callable[[], Regressor]  # one that learned nothing, the same every time
_UNKNOWN = (2.0, 0.08, 1e-3)  # length, mismatch and noise of the kernel of ignorance


@dataclass(frozen=True)
class Candidate:
    """A regressor that may join, and how well it predicts what it did not learn."""

    name: str  # of its family
    make: Make
    score: float  # R² over all folds; 1 is perfect, 0 as good as the mean


def cross_validate(make: Make, features: Floats, targets: Floats) -> float:
    """R² of predictions for every fold by a regressor that learned the others."""
    folds = np.arange(len(targets)) % FOLDS  # in the order of the log: a fold has old and new
    predicted = np.empty(len(targets))
    for fold in range(FOLDS):
        held = folds == fold
        predicted[held] = make().fit(features[~held], targets[~held]).predict(features[held])
    variance = float(np.mean((targets - targets.mean()) ** 2))
    if variance == 0:
        return 0.0
    return 1.0 - float(np.mean((targets - predicted) ** 2)) / variance


def select(candidates: Sequence[Candidate], members: int, threshold: float) -> list[Candidate]:
    """The best, at most `members`, with at least `threshold` of the best score; never none."""
    ranked = sorted(candidates, key=lambda candidate: -candidate.score)
    least = threshold * ranked[0].score
    passed = [candidate for candidate in ranked if candidate.score >= least]
    return (passed or ranked[:1])[:members]


@dataclass(frozen=True)
class Ensemble:
    """Fitted regressors, and a measure of what they cannot know."""

    members: Sequence[Regressor]
    ignorance: KernelRegressor

    @classmethod
    def fitted(cls, chosen: Sequence[Candidate], features: Floats, targets: Floats) -> Self:
        """The chosen regressors, taught all there is; targets have deviation 1."""
        members = [each.make().fit(features, targets) for each in chosen]
        return cls(members, KernelRegressor(*_UNKNOWN).fit(features, targets))

    def predict(self, features: Floats) -> tuple[Floats, Floats]:
        """Mean and variance by disagreement, each [N]."""
        values = np.array([member.predict(features) for member in self.members])
        return values.mean(axis=0), values.var(axis=0)

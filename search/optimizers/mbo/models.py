"""All that is learned from a log: the ensemble of the reward, and the feasibility."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from apollo.search.optimizers.base import Ints
from apollo.search.optimizers.mbo.acquisition import diverse
from apollo.search.optimizers.mbo.ensemble import FOLDS, Candidate, Ensemble, cross_validate
from apollo.search.optimizers.mbo.feasibility import Feasibility
from apollo.search.optimizers.mbo.log import Floats, Log
from apollo.search.optimizers.mbo.regressors import FAMILIES, Regressor

_VALIDATED = 200  # trials that a cross-validation sees at most
_FLOOR = 1e-3  # of the best reward: less is learned as that
_SHARPNESS = 4.0  # a tenth more reward is worth 1.1 to this power of the probability


@dataclass(frozen=True)
class Models:
    """Predict what points promise. Letter: `N` points, by index."""

    log: Log
    radices: Ints
    ensemble: Ensemble
    feasibility: Feasibility
    scale: float  # of a target, in logarithms of the reward
    best: float  # target

    def promise(self, points: Ints, exploration: float) -> Floats:
        """The acquisition of points, [N]."""
        seen = self.log.features(points, self.radices)
        mean, spread = self.ensemble.predict(seen)
        deviation = np.sqrt(spread + self.ensemble.ignorance.variance(seen))
        likely = self.feasibility.probability(seen, self.log.monomials(points, self.radices))
        return self._gain(mean + exploration * deviation) * likely

    def batch(self, points: Ints, boldness: Floats) -> list[int]:
        """Positions of a batch of points, one for each factor of exploration."""
        seen = self.log.features(points, self.radices)
        mean, spread = self.ensemble.predict(seen)
        likely = self.feasibility.probability(seen, self.log.monomials(points, self.radices))
        covariance = self.ensemble.ignorance.covariance(seen)
        return diverse(
            boldness, mean, spread, covariance, lambda optimistic: self._gain(optimistic) * likely
        )

    def _gain(self, optimistic: Floats) -> Floats:
        """The optimistic reward over the best, to a power, [N]."""
        gain: Floats = np.exp(np.minimum(_SHARPNESS * self.scale * (optimistic - self.best), 99.0))
        return gain


def learn(log: Log, radices: Ints, chosen: Sequence[Candidate], history: int) -> Models:
    """Teach the chosen regressors, and the feasibility, what the log holds."""
    learned = log.chosen(history, len(log), log.feasible)
    targets, scale = _targets(log, learned)
    features = log.features(log.indices[learned], radices)
    both = np.append(learned, log.chosen(history, len(log), ~log.feasible))
    feasibility = Feasibility(
        log.features(log.indices[both], radices),
        log.monomials(log.indices[both], radices),
        log.feasible[both],
        log.known_metrics(both),
    )
    ensemble = Ensemble.fitted(chosen, features, targets)
    return Models(log, radices, ensemble, feasibility, scale, float(targets.max()))


def validate(log: Log, radices: Ints, trials: int, candidates: int) -> list[Candidate]:
    """Cross-validate regressors on the first `trials` of the log."""
    learned = log.chosen(_VALIDATED, trials, log.feasible)
    if len(learned) < 2 * FOLDS:
        return [Candidate("kernel", partial(_drawn, "kernel", 0, 0), 0.0)]
    features, (targets, _) = log.features(log.indices[learned], radices), _targets(log, learned)
    names, found = list(FAMILIES), []
    for number in range(candidates):
        name = names[number % len(names)]
        make = partial(_drawn, name, number, trials)
        found.append(Candidate(name, make, cross_validate(make, features, targets)))
    return found


def _targets(log: Log, learned: Ints) -> tuple[Floats, float]:
    """Standardised logarithms of rewards, and their deviation."""
    rewards = log.rewards[learned]
    logs = np.log(np.maximum(rewards, _FLOOR * max(rewards.max(), 1e-300)))
    deviation = max(float(logs.std()), 1e-9)
    return (logs - logs.mean()) / deviation, deviation


def _drawn(name: str, number: int, trials: int) -> Regressor:
    return FAMILIES[name](np.random.default_rng([number, trials]))

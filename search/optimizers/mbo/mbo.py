"""Model-based optimisation with an ensemble of regressors chosen by cross-validation.

As C. Angermueller et al. describe it ("Population-based black-box optimization for biological
sequence design", 2020; "Model-based reinforcement learning for biological sequence design",
2020):

1. Regressors of several families, with hyper-parameters drawn at random, are cross-validated on
   the feasible trials. Those that do not come near the best are dropped.
2. Those kept learn the feasible trials; beside them is learned which trials are feasible.
3. The acquisition of a point is the reward that the ensemble hopes for at most, times the
   probability that the point is feasible.
4. Evolution searches the points of greatest acquisition, from the best ones told: once
   carefully, once boldly. Of all it met that were never told a batch is chosen, each point as if
   those before it had been told, and with an exploration of its own.

Models are a function of the log: cross-validation is repeated whenever the feasible trials have
doubled, on the trials up to there. docs/optimizers.md says what the papers leave open, what was
chosen and why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from apollo.arch.space import RADICES
from apollo.search.optimizers.base import Ints, Optimizer, Settings, check_integer, check_number
from apollo.search.optimizers.evolutionary import Evolutionary
from apollo.search.optimizers.mbo.acquisition import evolve
from apollo.search.optimizers.mbo.ensemble import Candidate, select
from apollo.search.optimizers.mbo.log import Log
from apollo.search.optimizers.mbo.models import Models, learn, validate
from apollo.search.optimizers.ranges import Range
from apollo.search.trial import Trial

_POOL = 128  # points that evolution breeds from, and that each leaves for the batch
_BOLDNESS = (0.5, 2.0)  # factors on the exploration of the two evolutions


@dataclass(frozen=True)
class ModelBasedSettings(Settings):
    """Settings of the model-based search.

    Raises `ValueError` when one is out of its range.
    """

    ranges: ClassVar[Mapping[str, Range]] = {
        "exploration": Range(0.1, 4.0),
        "mutation": Range(0.05, 0.4),
    }

    founders: int = 4  # feasible points before models are made
    history: int = 400  # feasible trials learned at most, and others as many
    candidates: int = 12  # regressors that are cross-validated
    members: int = 3  # of them kept at most
    threshold: float = 0.8  # of the best score that one must have to be kept
    exploration: float = 1.0  # factor on the deviation that the ensemble predicts
    generations: int = 4  # of each evolution of the acquisition
    offspring: int = 128  # of each generation
    mutation: float = 0.1  # probability, per digit

    def __post_init__(self) -> None:
        """Check every range."""
        check_integer("Founders", self.founders, 2)
        check_integer("History", self.history, 16)
        check_integer("Candidates", self.candidates, 1)
        check_integer("Members", self.members, 1)
        check_integer("Generations", self.generations, 1)
        check_integer("Offspring", self.offspring, 1)
        check_number("Threshold", self.threshold, 0, 1)
        check_number("Exploration", self.exploration, 0)
        check_number("Mutation", self.mutation, 0, 1)


class ModelBased(Optimizer):
    """Asks for what its models promise; see the module's docstring."""

    settings_type = ModelBasedSettings
    settings: ModelBasedSettings

    def __init__(
        self, settings: Mapping[str, Any] | None = None, radices: Sequence[int] = RADICES
    ) -> None:
        """An optimizer that was told nothing; `settings` by name, defaults for the rest."""
        super().__init__(settings, radices)
        self._log = Log()
        self._memory: dict[Any, Any] = {}  # what was computed from the log

    def share(self, other: Optimizer) -> None:
        """Compute no model again that the other one has."""
        if isinstance(other, ModelBased):
            self._memory = other._memory

    def tell(self, trials: Sequence[Trial]) -> None:
        """Append trials to the log."""
        indices = np.array([trial.index for trial in trials], dtype=np.int64)
        self._log.append(trials, self.points_of(indices))

    def ask(self, count: int, generator: np.random.Generator) -> Ints:
        """Points of the greatest acquisition, or random ones while little is known, [count, D]."""
        log = self._log
        learned = log.chosen(self.settings.history, len(log), log.feasible)
        if len(learned) < self.settings.founders:
            return self.random_points(count, generator)
        models = self._models()
        best = log.indices[learned[np.argsort(-log.rewards[learned], kind="stable")][:_POOL]]
        fresh = np.unique(
            np.concatenate([self._evolved(models, best, bold, generator) for bold in _BOLDNESS])
        )
        boldness = generator.exponential(self.settings.exploration, size=count)
        fresh = fresh[models.batch(fresh, boldness)] if len(fresh) else fresh
        others = self.random_points(count - len(fresh), generator)
        return np.concatenate([self.points_of(fresh), others])

    def _evolved(
        self, models: Models, start: Ints, boldness: float, generator: np.random.Generator
    ) -> Ints:
        """Indices of points of great acquisition that were never told."""
        breeding = {"population": _POOL, "elite": _POOL, "mutation": self.settings.mutation}
        met = evolve(
            start,
            partial(models.promise, exploration=boldness * self.settings.exploration),
            Evolutionary(breeding, self.radices.tolist()),
            self.settings.generations,
            self.settings.offspring,
            generator,
        )
        fresh: Ints = met[~np.isin(met, self._log.indices)][:_POOL]
        return fresh

    def chosen(self) -> list[Candidate]:
        """The regressors that passed the last cross-validation."""
        trials, candidates = self._validated(), self.settings.candidates
        scored = self._remembered("validation", (trials, candidates))
        if scored is None:
            scored = validate(self._log, self.radices, trials, candidates)
            self._memory["validation"] = ((trials, candidates), scored)
        return select(scored, self.settings.members, self.settings.threshold)

    def _models(self) -> Models:
        settings = self.settings
        chosen = self.chosen()
        key = (len(self._log), settings.history, [(each.name, each.score) for each in chosen])
        models: Models | None = self._remembered("models", key)
        if models is None:
            models = learn(self._log, self.radices, chosen, settings.history)
            self._memory["models"] = (key, models)
        return models

    def _remembered(self, what: str, key: object) -> Any:
        """What was computed last, if it was for that key; else None."""
        known, value = self._memory.get(what, (None, None))
        return value if known == key else None

    def _validated(self) -> int:
        """The length of the log at the last cross-validation."""
        feasible = np.cumsum(self._log.feasible)
        size = self.settings.founders
        while 2 * size <= feasible[-1]:
            size *= 2
        return int(np.searchsorted(feasible, size)) + 1

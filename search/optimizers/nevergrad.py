"""Any optimizer of the library nevergrad by its name: `nevergrad:TwoPointsDE`, ...

J. Rapin, O. Teytaud, "Nevergrad - A gradient-free optimization platform" (2018). The space is one
array of bounded integers; the loss is minus the reward, so that of an infeasible point is 0, worse
than that of any feasible one.

An optimizer that asks for all its points at once or for one at a time only cannot serve a study,
nor can one whose state cannot be copied or that draws from random numbers of its own; those are
refused. The library takes a second to import: it is imported when one of its optimizers is named.
"""

import pickle
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np

from apollo.arch.text import suggestion
from apollo.search.optimizers.base import Ints, Settings, check_integer
from apollo.search.optimizers.replayed import Replayed
from apollo.search.trial import Trial, best_of


@dataclass(frozen=True)
class NevergradSettings(Settings):
    """What nevergrad's optimizers are made with.

    Raises `ValueError` when one is out of its range.
    """

    budget: int = 4096  # trials by which an optimizer plans its course; a study may exceed it
    workers: int = 32  # points asked at a time
    founders: int = 8  # feasible points before it starts, at the best of them
    initial: int = 512  # trials after which it starts with fewer

    def __post_init__(self) -> None:
        """Check every range."""
        check_integer("Budget", self.budget, 1)
        check_integer("Workers", self.workers, 1)
        check_integer("Founders", self.founders, 1)
        check_integer("Initial", self.initial, 0)


class Nevergrad(Replayed):
    """An optimizer of nevergrad's registry."""

    settings_type = NevergradSettings
    settings: NevergradSettings
    algorithm: ClassVar[str]  # its name in the registry

    def founding(self, log: Sequence[Trial]) -> int | None:
        """The trials until there are `founders` feasible ones, or any after `initial`."""
        feasible = 0
        for count, trial in enumerate(log, start=1):
            feasible += trial.feasible
            if feasible >= self.settings.founders or (feasible and count >= self.settings.initial):
                return count
        return None

    def start(self, seed: int, founders: Sequence[Trial]) -> Any:
        """A new optimizer of the library at the best feasible point, told of the feasible ones."""
        feasible = [trial for trial in founders if trial.feasible]
        best = self.free_digits(best_of(feasible)[0])
        with _quiet():
            from nevergrad.optimization import registry
            from nevergrad.parametrization.parameter import Array

            last = self.radices[self.free] - 1.0
            space = Array(init=best.astype(float), lower=np.zeros(len(last)), upper=last)
            space.set_integer_casting()
            space.random_state = np.random.RandomState(seed)
            engine = registry[self.algorithm](space, self.settings.budget, self.settings.workers)
            engine.enable_pickling()
        for trial in feasible:
            self.learn(engine, self.free_digits(trial), trial)
        return engine

    def learn(self, engine: Any, point: Ints, trial: Trial) -> None:
        """Tell it that the candidate it proposes next has this point and loss."""
        with _quiet():
            proposed = engine.ask()
            candidate = proposed.spawn_child(new_value=point.astype(float))
            # The identity and the notes of the proposal, by which its parent is found again.
            candidate.uid, candidate._meta = proposed.uid, proposed._meta
            engine.tell(candidate, -trial.reward)

    def copy(self, engine: Any) -> Any:
        """A copy by pickling: copying in memory would share methods bound to its generator."""
        with _quiet():
            return pickle.loads(pickle.dumps(engine, pickle.HIGHEST_PROTOCOL))

    def reseed(self, engine: Any, seed: int) -> None:
        """Seed in place the one generator that all parts of the optimizer share."""
        engine.parametrization.random_state.seed(seed)

    def propose(self, engine: Any, count: int) -> Ints:
        """Its next candidates."""
        with _quiet():
            values = [engine.ask().value for _ in range(count)]
        return np.array(values, dtype=np.int64).reshape(count, len(self.free))


@cache
def nevergrad_optimizer(name: str) -> type[Nevergrad]:
    """The optimizer of that name in nevergrad's registry.

    Raises `ValueError`, one sentence, when there is none or when it cannot serve a study.
    """
    with _quiet():
        from nevergrad.optimization import registry
    if name not in registry:
        raise ValueError(f"Nevergrad has no optimizer '{name}'.{suggestion(name, registry)}")
    reason = _refusal(name, registry[name])
    if reason:
        raise ValueError(f"Nevergrad's optimizer '{name}' cannot serve a study: {reason}.")

    class Chosen(Nevergrad):
        algorithm = name

    return Chosen


def _refusal(name: str, algorithm: Any) -> str:
    """Why that optimizer cannot serve, or an empty string."""
    if algorithm.one_shot:
        return "it asks for all its points before it is told of any"
    if algorithm.no_parallelization:
        return "it asks for one point at a time"
    return ""


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's warnings, which are about its own settings and dependencies."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield

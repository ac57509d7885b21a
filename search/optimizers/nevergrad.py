"""Any optimizer of the library nevergrad by its name: `nevergrad:TwoPointsDE`, ...

J. Rapin, O. Teytaud, "Nevergrad - A gradient-free optimization platform" (2018). The space is one
array of bounded integers; the loss is minus the reward, so that of an infeasible point is 0, worse
than that of any feasible one.

An optimizer that asks for all its points at once, or for one at a time only, cannot serve a study;
those are refused, and so are those that fail (`UNFIT`). Some draw from NumPy's global generator,
which is therefore seeded around every call. The library takes a second to import: it is imported
when one of its optimizers is named.
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
        with _library(seed):
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
        with _library(_draw(engine)):
            proposed = engine.ask()
            candidate = proposed.spawn_child(new_value=point.astype(float))
            # The identity and the notes of the proposal, by which its parent is found again.
            candidate.uid, candidate._meta = proposed.uid, proposed._meta
            engine.tell(candidate, -trial.reward)

    def copy(self, engine: Any) -> Any:
        """A copy by pickling: copying in memory would share methods bound to its generator."""
        with _library(0):
            return pickle.loads(pickle.dumps(engine, pickle.HIGHEST_PROTOCOL))

    def reseed(self, engine: Any, seed: int) -> None:
        """Seed in place the one generator that all parts of the optimizer share."""
        engine.parametrization.random_state.seed(seed)

    def suggest(self, engine: Any, count: int) -> Ints:
        """Its next candidates."""
        with _library(_draw(engine)):
            values = [engine.ask().value for _ in range(count)]
        return np.array(values, dtype=np.int64).reshape(count, len(self.free))


# Found by running the whole registry twice (tests/search/optimizers/test_nevergrad.py).
_WITH_NUMPY = "it fails with the installed version of NumPy"
_PACKAGE = "it needs a package that is not installed"
_RECAST = "it replays its own proposals, and a log may hold others"
UNFIT = {
    **dict.fromkeys(("AXP", "FCMA", "FCMAp13", "FCMAs03"), _PACKAGE),
    **dict.fromkeys(("DS9", "MetaModelDSproba", "ParaPortfolio"), _RECAST),
    **dict.fromkeys(("BAR4", "MultiDS"), "it divides its budget among no workers"),
    **dict.fromkeys(
        ("BOSplit", "PolyLN", "VoxelizeMetaModelOnePlusOne"), "a batch takes it many seconds"
    ),
    **dict.fromkeys(("CMAILL", "MetaNGOpt10"), _WITH_NUMPY),
}
_UNFIT_PREFIXES = ("ImageMetaModel", "Neural1MetaModel", "Quad1Meta", "RF1Meta", "SVM1Meta")


@cache
def nevergrad_optimizer(name: str) -> type[Nevergrad]:
    """The optimizer of that name in nevergrad's registry.

    Raises `ValueError`, one sentence, when there is none or when it cannot serve a study.
    """
    with _library(0):
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
    return UNFIT.get(name, _WITH_NUMPY if name.startswith(_UNFIT_PREFIXES) else "")


def _draw(engine: Any) -> int:
    """A seed drawn from the generator of an optimizer."""
    return int(engine.parametrization.random_state.randint(2**31 - 1))


@contextmanager
def _library(seed: int) -> Iterator[None]:
    """Where the library is called: NumPy's global generator seeded for it alone, no warnings.

    The warnings are about its own settings and dependencies.
    """
    state = np.random.get_state()  # noqa: NPY002 - the generator is the library's choice
    np.random.seed(seed)  # noqa: NPY002
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        np.random.set_state(state)  # noqa: NPY002

"""From a point of the space to its outcome: budget, then each network, each evaluated once.

The parts are handed in as functions, so a search is tested without compiler and simulator.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from apollo.search.goals import AREA
from apollo.search.objective import Objective
from apollo.search.trial import Evaluation, EvaluationKey, Outcome

NO_MACHINE = "machine"  # the resource of a point whose values break a rule of the machine


class Evaluate(Protocol):
    """What a study maximises over: a pure function of the point."""

    def __call__(self, index: int, /) -> Outcome:
        """The outcome of the point with that index in the space."""
        ...


class EvaluationCache(Protocol):
    """Remembers evaluations by what they depend on (a `Store` is one)."""

    def get(self, key: EvaluationKey) -> Evaluation | None:
        """The evaluation with that key, or None."""
        ...

    def put(self, key: EvaluationKey, evaluation: Evaluation) -> None:
        """Remember an evaluation."""
        ...


@dataclass(frozen=True)
class EvaluatePoint:
    """The `Evaluate` of a study of networks.

    What is known of a design alone is checked before anything is compiled; the networks follow in
    the objective's order until one does not fit. An evaluation that the cache holds is not run
    again.
    """

    objective: Objective
    # `area_mm2` and other metrics of the point with that index; cheap. ValueError: no machine.
    known: Callable[[int], Mapping[str, float]]
    measure: Callable[[int, str], Evaluation]  # of a point on a network; compiles and simulates
    key: Callable[[int, str], EvaluationKey]  # what that measurement depends on
    cache: EvaluationCache

    def __call__(self, index: int, /) -> Outcome:
        """The outcome of the point with that index."""
        rejected = self.rejected(index)
        if rejected is not None:
            return rejected
        keys: list[EvaluationKey] = []
        evaluations: dict[str, Evaluation] = {}
        for network in self.objective.networks:
            keys.append(self.key(index, network))
            evaluations[network] = self._cached(keys[-1], index, network)
            if not self.objective.allows(network, evaluations[network]):
                break
        outcome = self.objective.outcome(self.known(index)[AREA], evaluations)
        return replace(outcome, evaluations=tuple(dict.fromkeys(keys)))  # networks may be equal

    def admits(self, index: int) -> bool:
        """Whether nothing that is known without compiling rejects the point."""
        return self.rejected(index) is None

    def rejected(self, index: int) -> Outcome | None:
        """The outcome of a point that is known to be infeasible without compiling, or None."""
        try:
            return self.objective.rejected(self.known(index))
        except ValueError as error:
            return Outcome(False, 0.0, {}, NO_MACHINE, str(error))

    def _cached(self, key: EvaluationKey, index: int, network: str) -> Evaluation:
        evaluation = self.cache.get(key)
        if evaluation is None:
            evaluation = self.measure(index, network)
            self.cache.put(key, evaluation)
        return evaluation

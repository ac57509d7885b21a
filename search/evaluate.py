"""From a point of the space to its outcome: budget, then each network, each evaluated once.

The parts are handed in as functions, so a search is tested without compiler and simulator. What a
process evaluates for another one is a `Job`: the networks of a point that the cache lacks.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from apollo.search.goals import AREA
from apollo.search.objective import Objective
from apollo.search.trial import Evaluation, EvaluationKey, Outcome

NO_MACHINE = "machine"  # the resource of a point whose values break a rule of the machine
Found = Mapping[str, Evaluation]  # by network


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
class Job:
    """Networks that are to be measured on a point, in this order, until one is not allowed."""

    index: int
    networks: tuple[str, ...]


@dataclass(frozen=True)
class Measure:
    """Does jobs, in whatever process."""

    objective: Objective
    measure: Callable[[int, str], Evaluation]  # of a point on a network; compiles and simulates

    def __call__(self, job: Job, /) -> dict[str, Evaluation]:
        """The evaluations of a job by network."""
        found: dict[str, Evaluation] = {}
        for network in job.networks:
            found[network] = self.measure(job.index, network)
            if not self.objective.allows(network, found[network]):
                break
        return found


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
        begun = self.begin(index)
        if isinstance(begun, Outcome):
            return begun
        return self.finish(begun, Measure(self.objective, self.measure)(begun))

    def admits(self, index: int) -> bool:
        """Whether nothing that is known without compiling rejects the point."""
        return self.rejected(index) is None

    def rejected(self, index: int) -> Outcome | None:
        """The outcome of a point that is known to be infeasible without compiling, or None."""
        try:
            return self.objective.rejected(self.known(index))
        except ValueError as error:
            return Outcome(False, 0.0, {}, NO_MACHINE, str(error))

    def begin(self, index: int) -> Outcome | Job:
        """The outcome of a point, or what must be measured for it first."""
        outcome = self.rejected(index)
        if outcome is not None:
            return outcome
        cached, job = self._look_up(index)
        return job if job.networks else self._outcome(index, cached)

    def finish(self, job: Job, found: Found) -> Outcome:
        """The outcome of a point for which a job was done; what was found enters the cache."""
        for network, evaluation in found.items():
            self.cache.put(self.key(job.index, network), evaluation)
        is_whole = len(job.networks) == len(self.objective.networks)
        cached = {} if is_whole else self._look_up(job.index)[0]
        return self._outcome(job.index, cached | dict(found))

    def _look_up(self, index: int) -> tuple[dict[str, Evaluation], Job]:
        """What the cache holds of a point, up to a network that is not allowed, and the rest."""
        cached: dict[str, Evaluation] = {}
        missing: list[str] = []
        for network in self.objective.networks:
            evaluation = self.cache.get(self.key(index, network))
            if evaluation is None:
                missing.append(network)
                continue
            cached[network] = evaluation
            if not self.objective.allows(network, evaluation):
                break
        return cached, Job(index, tuple(missing))

    def _outcome(self, index: int, found: Found) -> Outcome:
        """The outcome of a point whose networks are all found, or up to one that is not allowed."""
        evaluations = dict(self._in_order(found))
        outcome = self.objective.outcome(self.known(index)[AREA], evaluations)
        keys = (self.key(index, network) for network in evaluations)
        return replace(outcome, evaluations=tuple(dict.fromkeys(keys)))  # networks may be equal

    def _in_order(self, found: Found) -> Iterable[tuple[str, Evaluation]]:
        for network in self.objective.networks:
            if network not in found:
                return
            yield network, found[network]
            if not self.objective.allows(network, found[network]):
                return

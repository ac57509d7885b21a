"""A problem with its networks loaded: evaluates points of the space, and designs beside them."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Self

from apollo.arch.accelerator import Accelerator, load_design
from apollo.arch.area import area_of
from apollo.arch.constants import DEFAULT, Technology
from apollo.arch.space import FIELDS
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.lower import lower
from apollo.compiler.network import Network
from apollo.compiler.options import USUAL, Options
from apollo.compiler.remembered import Remembered
from apollo.search.constraint import check_constraints
from apollo.search.decisions import options_with
from apollo.search.evaluate import EvaluatePoint, EvaluationCache, Measure
from apollo.search.goals import AREA
from apollo.search.measure import Measurement, evaluator_version, measure
from apollo.search.objective import Objective
from apollo.search.problem import Problem
from apollo.search.store import canonical_json, content_key
from apollo.search.trial import Evaluation, EvaluationKey, Outcome
from apollo.workloads.catalogue import load_model
from apollo.workloads.sparsity import masks_at

_RECENT = 256  # points, beyond any batch
_KNOWN = (AREA, "peak_tops", *FIELDS)  # metrics of a design alone


@dataclass(frozen=True)
class Candidate:
    """A design beside others: its outcome on the task, and what was measured."""

    accelerator: Accelerator
    area_mm2: float
    outcome: Outcome
    measurements: Mapping[str, Measurement]

    @property
    def reward(self) -> float:
        """The reward; 0 when it has none."""
        return self.outcome.reward

    @property
    def reason(self) -> str | None:
        """Why it has none."""
        return self.outcome.reason


@dataclass(frozen=True)
class Task:
    """A problem, its networks by name, and the design that has reward 1."""

    problem: Problem
    networks: Mapping[str, Network]
    baseline: Accelerator
    compiler: Remembered = field(default_factory=Remembered, compare=False, repr=False)

    @classmethod
    def of(cls, problem: Problem) -> Self:
        """Load what the names mean, pruned if a sparsity is given.

        Raises `ValueError`, one sentence, for what does not exist.
        """
        lowered = {}
        for name in problem.networks:
            model = load_model(name, problem.images)
            masks = None if problem.sparsity is None else masks_at(model, problem.sparsity)
            lowered[name] = lower(model.graph, masks=masks)
        return cls(problem, lowered, load_design(problem.baseline))

    @cached_property
    def objective(self) -> Objective:
        """The reward and the constraints.

        Raises `ValueError` when the baseline itself cannot run one of the networks, or a
        constraint names what is no metric.
        """
        problem, metrics = self.problem, {}
        for name, network in self.networks.items():
            try:
                metrics[name] = self._measured(network, self.baseline).metrics.scalars()
            except DoesNotFit as error:
                raise ValueError(
                    f"Baseline '{self.baseline.name}' cannot run {name}, so no reward is relative "
                    f"to it: {error}"
                ) from None
        measured = next(iter(metrics.values()))
        check_constraints(problem.constraints, problem.networks, _KNOWN, measured)
        return Objective(
            self.baseline.name,
            area_of(self.baseline, problem.technology).total_mm2,
            metrics,
            problem.goals,
            problem.constraints,
            problem.weights,
            problem.mean,
        )

    @cached_property
    def contents(self) -> dict[str, str]:
        """A key for what the networks and the baseline are: files may be edited."""
        keys = {
            name: hashlib.sha256(b"".join(table.tobytes() for table in tables)).hexdigest()
            for name, network in self.networks.items()
            for tables in [(network.nests, network.tensors, network.pairs)]
        }
        return keys | {self.problem.baseline: design_key(self.baseline)}

    def evaluator(self) -> Callable[[EvaluationCache], EvaluatePoint]:
        """What a study maximises over, given a cache.

        Raises `ValueError` as `objective` does.
        """
        # A point is asked for both several times on its way to an outcome.
        known, key = lru_cache(_RECENT)(self.known_at), lru_cache(_RECENT)(self._key)
        parts = (self.objective, known, self._measure_at, key)
        return lambda cache: EvaluatePoint(*parts, cache)

    def measure(self) -> Measure:
        """What measures points in another process, which it is sent to."""
        return Measure(self.objective, self._measure_at)

    def candidate(self, design: int | str) -> Candidate:
        """A point of the space, or a preset, on the task."""
        options = self.options_of(design)
        if isinstance(design, int):
            return self.candidate_of(self._accelerator_at(design), options)
        return self.candidate_of(load_design(design), options)

    def options_of(self, design: int | str) -> Options:
        """What the compiler is told for a point of the space, or a preset."""
        return self._options_at(design) if isinstance(design, int) else USUAL

    def candidate_of(self, accelerator: Accelerator, options: Options = USUAL) -> Candidate:
        """Any design with lanes on the task."""
        known = known_of(accelerator, self.problem.technology)
        measurements, evaluations = {}, {}
        for name, network in self.networks.items():
            try:
                measurements[name] = self._measured(network, accelerator, options)
                evaluations[name] = _found(measurements[name])
            except DoesNotFit as error:
                evaluations[name] = _does_not_fit(error)
                break
        objective = self.objective
        outcome = objective.rejected(known) or objective.outcome(known[AREA], evaluations)
        return Candidate(accelerator, known[AREA], outcome, measurements)

    def known_at(self, index: int) -> dict[str, float]:
        """The metrics of a point that need no network.

        Raises `ValueError` when its values break a rule of the machine.
        """
        return known_of(self._accelerator_at(index), self.problem.technology)

    def _accelerator_at(self, index: int) -> Accelerator:
        return self.problem.space.accelerator_at(index)

    def _measured(
        self, network: Network, accelerator: Accelerator, options: Options = USUAL
    ) -> Measurement:
        return measure(network, accelerator, options, self.problem.technology, self.compiler)

    def _options_at(self, index: int) -> Options:
        return options_with(USUAL, self.problem.space.values_at(index))

    def _measure_at(self, index: int, network: str) -> Evaluation:
        design, options = self._accelerator_at(index), self._options_at(index)
        try:
            return _found(self._measured(self.networks[network], design, options))
        except DoesNotFit as error:
            return _does_not_fit(error)

    def _key(self, index: int, network: str) -> EvaluationKey:
        options: dict[str, Any] = {"batch": self.problem.images}
        decided = self._options_at(index)
        if decided != USUAL:
            options["decided"] = [str(decided.sparse), decided.states, *map(str, decided.fixed)]
        if self.problem.technology != DEFAULT:
            options["technology"] = self.problem.technology.changes()
        return EvaluationKey(
            design=design_key(self._accelerator_at(index)),
            network=self.contents[network],
            options=canonical_json(options),
            version=evaluator_version(),
        )


def known_of(accelerator: Accelerator, technology: Technology) -> dict[str, float]:
    """The metrics of a design that need no network."""
    fields = {name: float(getattr(accelerator, name)) for name in FIELDS}
    area_mm2 = area_of(accelerator, technology).total_mm2
    return {AREA: area_mm2, "peak_tops": accelerator.peak_tops, **fields}


def design_key(accelerator: Accelerator) -> str:
    """Content key of the machine, whatever its name."""
    fields = asdict(accelerator)
    del fields["name"]
    return content_key(fields)


def _found(measurement: Measurement) -> Evaluation:
    return Evaluation(True, measurement.metrics.scalars())


def _does_not_fit(error: DoesNotFit) -> Evaluation:
    return Evaluation(False, {}, error.resource, str(error))

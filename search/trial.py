"""What a search sees of a design: the outcome of evaluating it, and the trial that records it.

Both are numbers and strings, so a stored trial is read back without compiler or simulator.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class EvaluationKey:
    """What an evaluation depends on: equal keys, equal answers."""

    design: str  # content key of the machine's parameters
    network: str  # content key or name of the network
    options: str  # content key of the options of the evaluation
    version: str  # of the simulator


@dataclass(frozen=True)
class Evaluation:
    """One design on one network.

    Raises `ValueError` when an infeasible evaluation has no resource and reason, when a feasible
    one has, or when a metric is not a finite number.
    """

    feasible: bool
    metrics: Mapping[str, float] = field(default_factory=dict)
    resource: str | None = None  # what did not fit: "core_memory", ...
    reason: str | None = None  # a sentence

    def __post_init__(self) -> None:
        """Check the cause and the metrics."""
        _check("An evaluation", self.feasible, self.metrics, self.resource, self.reason)


@dataclass(frozen=True)
class Outcome:
    """What evaluating a point returns: one design on every network of a study.

    Raises `ValueError` as `Evaluation` does, and when the reward is negative, not finite, or not
    0 for an infeasible point.
    """

    feasible: bool
    reward: float  # 0 when infeasible
    metrics: Mapping[str, float] = field(default_factory=dict)
    resource: str | None = None  # "area", "core_memory", ...
    reason: str | None = None  # a sentence
    objectives: tuple[float, ...] = ()  # where there are several: each, the larger the better
    evaluations: tuple[EvaluationKey, ...] = field(default=(), compare=False)  # its parts

    def __post_init__(self) -> None:
        """Check the cause, the metrics and the reward."""
        _check("An outcome", self.feasible, self.metrics, self.resource, self.reason)
        if not (math.isfinite(self.reward) and self.reward >= 0):
            raise ValueError(f"A reward must be a number of at least 0, not {self.reward}.")
        if not self.feasible and (self.reward != 0 or self.objectives):
            raise ValueError(f"The reward of an infeasible point must be 0, not {self.reward}.")


@dataclass(frozen=True)
class Trial:
    """A point of the space that a study evaluated, and what came of it.

    Raises `ValueError` when number, index or seconds is negative.
    """

    number: int  # position in the study, from 0
    index: int  # of the point in the space
    outcome: Outcome
    parameters: Mapping[str, int] = field(default_factory=dict)  # by name
    seconds: float = 0.0  # the evaluation took
    proposer: str | None = None  # member of an optimizer that is made of several

    def __post_init__(self) -> None:
        """Check the numbers."""
        for name in ("number", "index", "seconds"):
            if getattr(self, name) < 0:
                raise ValueError(
                    f"The {name} of a trial must be at least 0, not {getattr(self, name)}."
                )

    @property
    def feasible(self) -> bool:
        """Whether the design meets every constraint and runs every network."""
        return self.outcome.feasible

    @property
    def reward(self) -> float:
        """The larger the better; 0 when infeasible."""
        return self.outcome.reward

    @property
    def objectives(self) -> tuple[float, ...]:
        """All of them, the larger the better; the reward where there is one; none if infeasible."""
        if not self.feasible:
            return ()
        return self.outcome.objectives or (self.reward,)

    @property
    def metrics(self) -> Mapping[str, float]:
        """Numbers by name."""
        return self.outcome.metrics

    @property
    def resource(self) -> str | None:
        """What did not fit, or None."""
        return self.outcome.resource

    @property
    def reason(self) -> str | None:
        """Why the point is infeasible, a sentence, or None."""
        return self.outcome.reason


def _check(
    subject: str,
    feasible: bool,
    metrics: Mapping[str, float],
    resource: str | None,
    reason: str | None,
) -> None:
    if feasible and (resource is not None or reason is not None):
        raise ValueError(f"{subject} that is feasible must have no resource and no reason.")
    if not feasible and not (resource and reason):
        raise ValueError(f"{subject} that is infeasible must have a resource and a reason.")
    for name, value in metrics.items():
        if not math.isfinite(value):
            raise ValueError(f"Metric {name} must be a finite number, not {value}.")


def best_of(trials: Iterable[Trial], count: int = 1) -> list[Trial]:
    """The `count` best feasible trials, best first, each point once; a tie goes to the earlier."""
    best: dict[int, Trial] = {}
    for trial in sorted(trials, key=lambda trial: (-trial.reward, trial.number)):
        if trial.feasible and trial.index not in best:
            best[trial.index] = trial
    return list(best.values())[:count]

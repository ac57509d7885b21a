"""What a study maximises, relative to a baseline design, and what it must keep.

Of every goal (`goals.py`) the ratio to the baseline is taken for each network, and of the ratios a
mean: geometric unless another is asked for, weighted if weights are given. With one objective that
is the reward; of several the reward is the geometric mean, and each is kept beside it.

The default, throughput per area, is the objective of the published exploration (Yazdanbakhsh et
al., "Apollo: Transferable Architecture Exploration", 2021), and `speedup` its other one.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext
from enum import StrEnum
from typing import TypeVar

from apollo.arch.text import suggestion
from apollo.search.constraint import Constraint, violated
from apollo.search.goals import AREA, GOALS, Goal
from apollo.search.trial import Evaluation, Outcome

DEFAULT_GOAL, SPEEDUP = "throughput_per_area", "speedup"
_FORTY_DIGITS = Context(prec=40)
_Key = TypeVar("_Key")


class Mean(StrEnum):
    """How the ratios of several networks become one."""

    GEOMETRIC = "geometric"
    ARITHMETIC = "arithmetic"
    LEAST = "least"


@dataclass(frozen=True)
class Objective:
    """The reward of a design, and the constraints it must keep.

    Raises `ValueError` when there is no network or no goal, or when a metric that a goal needs is
    not positive for the baseline.
    """

    baseline: str  # name of the design that has reward 1
    baseline_area_mm2: float
    baseline_metrics: Mapping[str, Mapping[str, float]]  # by network
    goals: tuple[Goal, ...] = (Goal.of(DEFAULT_GOAL),)
    constraints: tuple[Constraint, ...] = ()
    weights: Mapping[str, Decimal] = field(default_factory=dict)  # by network, 1 for the others
    mean: Mean = Mean.GEOMETRIC

    def __post_init__(self) -> None:
        """Check that every ratio exists."""
        if not self.baseline_metrics:
            raise ValueError("An objective must have at least one network.")
        if not self.goals:
            raise ValueError("A study must have at least one objective.")
        for metric in sorted({metric for name in self._names for metric in GOALS[name]} - {AREA}):
            for network, metrics in self.baseline_metrics.items():
                subject = f"The {metric} of baseline '{self.baseline}' on {network}"
                _positive(subject, metrics[metric])
        _positive(f"The area of baseline '{self.baseline}'", self.baseline_area_mm2)

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks, in the order in which they are evaluated."""
        return tuple(self.baseline_metrics)

    @property
    def _names(self) -> list[str]:
        """What is computed: the two published objectives always."""
        asked = (name for goal in self.goals for name in goal.weights)
        return list(dict.fromkeys([SPEEDUP, DEFAULT_GOAL, *asked]))

    def rejected(self, known: Mapping[str, float]) -> Outcome | None:
        """The outcome of a design that breaks a constraint that needs no compiling; else None.

        `known` has the metrics of the design alone, `area_mm2` among them.
        """
        broken = violated(self.constraints, known)
        return None if broken is None else _infeasible(broken, {AREA: known[AREA]})

    def allows(self, network: str, evaluation: Evaluation) -> bool:
        """Whether the networks after this one are evaluated too."""
        return (
            evaluation.feasible and violated(self.constraints, evaluation.metrics, network) is None
        )

    def outcome(self, area_mm2: float, evaluations: Mapping[str, Evaluation]) -> Outcome:
        """The outcome of a design from its evaluations by network.

        Networks are read up to the first that is infeasible or breaks a constraint, whose cause
        becomes the outcome's.
        """
        metrics = {AREA: area_mm2}
        for network, evaluation in evaluations.items():
            metrics |= {f"{network}.{name}": v for name, v in evaluation.metrics.items()}
            if not evaluation.feasible:
                reason = f"{network}: {evaluation.reason}"
                return Outcome(False, 0.0, metrics, evaluation.resource, reason)
            broken = violated(self.constraints, evaluation.metrics, network)
            if broken is not None:
                return _infeasible(broken, metrics, network)
        ratios = {name: self._ratio(name, area_mm2, evaluations) for name in self._names}
        metrics |= ratios
        objectives = tuple(_weighted(ratios, goal.weights) for goal in self.goals)
        several = objectives if len(objectives) > 1 else ()
        return Outcome(True, geometric_mean(objectives), metrics, objectives=several)

    def _ratio(self, name: str, area_mm2: float, evaluations: Mapping[str, Evaluation]) -> float:
        """A goal of a design over that of the baseline: the mean over the networks."""
        exponents = GOALS[name]
        of_networks = {}
        for network, baseline in self.baseline_metrics.items():
            ratio = 1.0
            for metric, exponent in exponents.items():
                if metric != AREA:
                    factor = evaluations[network].metrics[metric] / baseline[metric]
                    ratio = ratio * factor if exponent > 0 else ratio / factor
            of_networks[network] = ratio
        mean = self._mean(of_networks)
        return mean * self.baseline_area_mm2 / area_mm2 if AREA in exponents else mean

    def _mean(self, ratios: Mapping[str, float]) -> float:
        weights = {network: self.weights.get(network, Decimal(1)) for network in ratios}
        if self.mean is Mean.LEAST:
            return min(ratios.values())
        if self.mean is Mean.GEOMETRIC:
            return _weighted(ratios, weights)
        terms = (Decimal(ratios[network]) * weight for network, weight in weights.items())
        with localcontext(_FORTY_DIGITS):
            return float(sum(terms, start=Decimal(0)) / sum(weights.values()))


def geometric_mean(values: Iterable[float]) -> float:
    """The geometric mean of positive numbers, the same bits on every machine."""
    numbered = dict(enumerate(values))
    return _weighted(numbered, dict.fromkeys(numbered, Decimal(1)))


def _weighted(values: Mapping[_Key, float], weights: Mapping[_Key, Decimal]) -> float:
    """The weighted geometric mean of the values that have a weight.

    Decimal arithmetic is defined digit by digit; `log` and `exp` differ between C libraries.
    """
    if len(weights) == 1:
        return values[next(iter(weights))]
    with localcontext(_FORTY_DIGITS):
        total = sum(weights.values(), start=Decimal(0))
        factors = (Decimal(values[key]) ** weight for key, weight in weights.items())
        return float(math.prod(factors, start=Decimal(1)) ** (1 / total))


def _infeasible(
    broken: tuple[Constraint, float], metrics: Mapping[str, float], network: str | None = None
) -> Outcome:
    constraint, value = broken
    resource = "area" if constraint.metric == AREA else constraint.metric
    return Outcome(False, 0.0, metrics, resource, constraint.violation(value, network))


def parse_weights(texts: Sequence[str], networks: Sequence[str]) -> dict[str, Decimal]:
    """Weights as the command line has them: `NETWORK=WEIGHT`.

    Raises `ValueError`, one sentence, for what is none, and for networks that are not there.
    """
    weights = dict[str, Decimal]()
    for text in texts:
        network, _, number = text.rpartition("=")
        if network not in networks:
            raise ValueError(
                f"--weight must be NETWORK=WEIGHT with one of {', '.join(networks)}, not '{text}'."
                f"{suggestion(network, networks)}"
            )
        weights[network] = _weight(text, number)
    return weights


def _weight(text: str, number: str) -> Decimal:
    try:
        weight = Decimal(number)
    except ArithmeticError:
        weight = Decimal(0)
    if not (weight.is_finite() and weight > 0):
        raise ValueError(f"The weight in '{text}' must be a positive number, not '{number}'.")
    return weight


def _positive(subject: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{subject} must be a positive number, not {value}.")

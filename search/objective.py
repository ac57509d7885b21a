"""What a study maximises: throughput per area, relative to a baseline design.

With networks `n`, throughput `t` (inferences per second, warm) and area `a` (mm²), and `'` for
the baseline design, the reward of a design is the geometric mean over `n` of

    (t[n] / a) / (t'[n] / a')                                                             (1)

which is the objective of the published exploration (Yazdanbakhsh et al., "Apollo: Transferable
Architecture Exploration", 2021). The geometric mean of `t[n] / t'[n]` is kept beside it as the
metric `speedup`.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

from apollo.search.trial import Evaluation, Outcome

THROUGHPUT = "throughput_per_s"  # the metric of an evaluation that the reward reads
_FORTY_DIGITS = Context(prec=40)


@dataclass(frozen=True)
class Objective:
    """The reward of a design, and the budget it must keep.

    Raises `ValueError` when there is no network, or a throughput or area is not positive.
    """

    baseline: str  # name of the design that has reward 1
    baseline_area_mm2: float
    baseline_throughput_per_s: Mapping[str, float]  # by network
    max_area_mm2: float | None = None

    def __post_init__(self) -> None:
        """Check that every ratio exists."""
        if not self.baseline_throughput_per_s:
            raise ValueError("An objective must have at least one network.")
        for network, throughput in self.baseline_throughput_per_s.items():
            _positive(f"The throughput of baseline '{self.baseline}' on {network}", throughput)
        _positive(f"The area of baseline '{self.baseline}'", self.baseline_area_mm2)
        if self.max_area_mm2 is not None:
            _positive("The area budget", self.max_area_mm2)

    @property
    def networks(self) -> tuple[str, ...]:
        """The networks, in the order in which they are evaluated."""
        return tuple(self.baseline_throughput_per_s)

    def rejected(self, area_mm2: float) -> Outcome | None:
        """The outcome of a design over the area budget, known without compiling; else None."""
        if self.max_area_mm2 is None or area_mm2 <= self.max_area_mm2:
            return None
        return Outcome(
            feasible=False,
            reward=0.0,
            metrics={"area_mm2": area_mm2},
            resource="area",
            reason=f"The area is {area_mm2:.2f} mm², over the budget of "
            f"{self.max_area_mm2:.2f} mm².",
        )

    def outcome(self, area_mm2: float, evaluations: Mapping[str, Evaluation]) -> Outcome:
        """The outcome of a design from its evaluations by network.

        Networks are read up to the first infeasible one, whose cause becomes the outcome's.
        """
        metrics = {"area_mm2": area_mm2}
        for network, evaluation in evaluations.items():
            metrics |= {f"{network}.{name}": v for name, v in evaluation.metrics.items()}
            if not evaluation.feasible:
                reason = f"{network}: {evaluation.reason}"
                return Outcome(False, 0.0, metrics, evaluation.resource, reason)
        speedup = geometric_mean(
            evaluations[network].metrics[THROUGHPUT] / throughput
            for network, throughput in self.baseline_throughput_per_s.items()
        )
        metrics["speedup"] = speedup
        return Outcome(True, speedup * self.baseline_area_mm2 / area_mm2, metrics)


def geometric_mean(values: Iterable[float]) -> float:
    """The geometric mean of positive numbers, the same bits on every machine.

    Decimal arithmetic is defined digit by digit; `log` and `exp` differ between C libraries.
    """
    factors = [Decimal(value) for value in values]
    with localcontext(_FORTY_DIGITS):
        return float(math.prod(factors, start=Decimal(1)) ** (Decimal(1) / len(factors)))


def _positive(subject: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{subject} must be a positive number, not {value}.")

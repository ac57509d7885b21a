"""What is allowed, as sentences: `area_mm2 <= 6.8`, `mobilenet_v2.latency_ms <= 5`."""

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from apollo.arch.text import suggestion

_SENTENCE = re.compile(r"\s*(?:(\S+)\.)?(\w+)\s*(<=|>=)\s*(\S+)\s*", re.ASCII)


@dataclass(frozen=True)
class Constraint:
    """A metric, of a network or of every one, that has a bound.

    Raises `ValueError` when the bound is not a finite number of at least 0.
    """

    metric: str
    bound: float
    is_most: bool  # else the bound is the least that is allowed
    network: str | None = None

    def __post_init__(self) -> None:
        """Check the bound."""
        if not (math.isfinite(self.bound) and self.bound >= 0):
            raise ValueError(f"The bound of {self.subject} must be at least 0, not {self.bound}.")

    def __str__(self) -> str:
        """The sentence it was read from."""
        sign = "<=" if self.is_most else ">="
        return f"{self.subject} {sign} {repr(self.bound).removesuffix('.0')}"

    @property
    def subject(self) -> str:
        """The metric, with its network if there is one."""
        return f"{self.network}.{self.metric}" if self.network else self.metric

    @classmethod
    def of(cls, text: str) -> "Constraint":
        """Read a sentence.

        Raises `ValueError` for what is written otherwise.
        """
        match = _SENTENCE.fullmatch(text)
        try:
            bound = float(match[4]) if match else math.nan
        except ValueError:
            bound = math.nan
        if match is None or math.isnan(bound):
            raise ValueError(
                f"A constraint must be as 'area_mm2 <= 6.8' or 'mobilenet_v2.latency_ms <= 5', "
                f"not '{text}'."
            )
        return cls(match[2], bound, match[3] == "<=", match[1])

    def is_met(self, value: float) -> bool:
        """Whether a value keeps the bound."""
        return value <= self.bound if self.is_most else value >= self.bound

    def violation(self, value: float, network: str | None = None) -> str:
        """The sentence about a value that does not."""
        if self.metric == "area_mm2":
            side = "over the budget" if self.is_most else "under the least"
            return f"The area is {value:.2f} mm², {side} of {self.bound:.2f} mm²."
        where = f"{network}: " if network else ""
        limit = "most" if self.is_most else "least"
        return f"{where}{self.metric} is {value:.6g}, where it must be at {limit} {self.bound:g}."


def check_constraints(
    constraints: Sequence[Constraint],
    networks: Collection[str],
    known: Collection[str],
    measured: Collection[str],
) -> None:
    """Refuse what can be no constraint of these networks.

    `known` are the metrics of a design alone, `measured` those of a network on it. Raises
    `ValueError`, one sentence, for an unknown name and for two that contradict each other.
    """
    for constraint in constraints:
        names = measured if constraint.network else [*known, *measured]
        if constraint.network and constraint.network not in networks:
            raise ValueError(
                f"Constraint '{constraint}' names no network of the study "
                f"({', '.join(networks)}).{suggestion(constraint.network, networks)}"
            )
        if constraint.metric not in names:
            raise ValueError(
                f"Constraint '{constraint}' names no metric.{suggestion(constraint.metric, names)}"
            )
    for least, most in _pairs(constraints):
        if least.bound > most.bound:
            raise ValueError(f"Constraints '{least}' and '{most}' contradict each other.")


def _pairs(constraints: Sequence[Constraint]) -> Iterable[tuple[Constraint, Constraint]]:
    """Every lower bound with every upper bound that holds for the same thing."""
    for least in (each for each in constraints if not each.is_most):
        for most in (each for each in constraints if each.is_most):
            scopes = {least.network, most.network}
            if least.metric == most.metric and (None in scopes or len(scopes) == 1):
                yield least, most


def violated(
    constraints: Iterable[Constraint], values: Mapping[str, float], network: str | None = None
) -> tuple[Constraint, float] | None:
    """The first constraint that a network's values (a design's, without one) break, or None."""
    for constraint in constraints:
        applies = constraint.network in (None, network)
        if applies and constraint.metric in values:
            value = values[constraint.metric]
            if not constraint.is_met(value):
                return constraint, value
    return None

"""What can be good about a design: ratios to a baseline design, the larger the better.

With `'` for the baseline, throughput t (images a second, warm), cold latency l, energy of an
inference e, power p and area a, a goal is a product of powers of t/t', l/l', e/e', p/p' (by
network) and a/a'. `throughput_per_area` is (t/a) / (t'/a').
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from apollo.arch.text import suggestion

AREA = "area_mm2"
THROUGHPUT, LATENCY = "throughput_per_s", "latency_ms"
ENERGY, POWER = "energy_uj", "power_w"

# Exponents of metrics. TOPS/W is operations a second over power, and the operations are the same;
# energy and delay are of following inferences, whose delay is one over the throughput.
GOALS: Mapping[str, Mapping[str, int]] = {
    "throughput_per_area": {THROUGHPUT: 1, AREA: -1},
    "speedup": {THROUGHPUT: 1},
    "latency": {LATENCY: -1},
    "energy": {ENERGY: -1},
    "energy_delay": {ENERGY: -1, THROUGHPUT: 1},
    "tops_per_w": {THROUGHPUT: 1, POWER: -1},
    "area": {AREA: -1},
}
_FACTOR = re.compile(r"\s*(\w+)\s*(?:\^\s*(\d+(?:\.\d+)?))?\s*", re.ASCII)


@dataclass(frozen=True)
class Goal:
    """One objective: a goal, or several with weights (a weighted geometric mean of them).

    Raises `ValueError` for unknown names, and weights that are not positive.
    """

    weights: Mapping[str, Decimal]

    def __post_init__(self) -> None:
        """Check names and weights."""
        for name, weight in self.weights.items():
            if name not in GOALS:
                raise ValueError(
                    f"There is no objective '{name}' (known: {', '.join(GOALS)})."
                    f"{suggestion(name, GOALS)}"
                )
            if weight <= 0:
                raise ValueError(f"The weight of objective {name} must be positive, not {weight}.")

    def __str__(self) -> str:
        """As it is written: `speedup^2*energy`."""
        return "*".join(
            name if weight == 1 else f"{name}^{weight}" for name, weight in self.weights.items()
        )

    @classmethod
    def of(cls, text: str) -> "Goal":
        """Read `speedup` or `speedup^2*energy`.

        Raises `ValueError` for what is written otherwise, and as the class does.
        """
        weights = dict[str, Decimal]()
        for factor in text.split("*"):
            match = _FACTOR.fullmatch(factor)
            if match is None:
                raise ValueError(
                    f"An objective must be as speedup or speedup^2*energy, not '{text}'."
                )
            if match[1] in weights:
                raise ValueError(f"Objective '{text}' must name {match[1]} once.")
            weights[match[1]] = Decimal(match[2] or 1)
        return cls(weights)

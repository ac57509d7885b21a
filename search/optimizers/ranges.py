"""Where a setting may lie when settings are searched themselves."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`; integers when both are, and by factors when both are positive.

    Raises `ValueError` when it is empty.
    """

    low: int | float
    high: int | float

    def __post_init__(self) -> None:
        """Check the order."""
        if not self.low < self.high:
            raise ValueError(f"A range must be from low to high, not {self.low}..{self.high}.")

    def drawn(self, generator: np.random.Generator) -> int | float:
        """A number anywhere in the range."""
        return self._at(generator.random())

    def near(self, value: int | float, generator: np.random.Generator) -> int | float:
        """A number near `value`: a step of a sixth of the range, in either direction."""
        place = self._place(value) + generator.normal() / 6
        return self._at(min(max(place, 0.0), 1.0))

    def _at(self, place: float) -> int | float:
        """The number at a place, 0..1, with three digits: settings are read by people."""
        if self.low > 0:
            value = self.low * (self.high / self.low) ** place
        else:
            value = self.low + (self.high - self.low) * place
        is_integer = isinstance(self.low, int) and isinstance(self.high, int)
        return round(value) if is_integer else float(f"{value:.3g}")

    def _place(self, value: int | float) -> float:
        if self.low > 0:
            return float(np.log(max(value, self.low) / self.low) / np.log(self.high / self.low))
        return (value - self.low) / (self.high - self.low)

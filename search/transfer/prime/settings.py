"""Settings of the model of stored trials.

The penalties are those of the published demonstration, on values of deviation 1; the sizes are
such that training takes seconds.
"""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class PrimeSettings:
    """Settings of model and training.

    Raises `ValueError` when one is out of its range.
    """

    alpha: float = 0.1  # weight of the penalty on adversarial designs
    beta: float = 0.05  # the same on infeasible rows
    steps: int = 2000
    rows: int = 128  # of each kind in a step
    hidden: int = 64
    members: int = 3
    rate: float = 0.001  # of Adam

    def __post_init__(self) -> None:
        """Check every range."""
        for name in ("alpha", "beta"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0, not {getattr(self, name)}.")
        for name in ("steps", "rows", "hidden", "members"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a positive integer, not {value!r}.")
        if not 0 < self.rate < 1:
            raise ValueError(f"rate must be in 0..1, not {self.rate}.")

    def as_dict(self) -> dict[str, int | float]:
        """Every setting by name."""
        return asdict(self)

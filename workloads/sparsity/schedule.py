"""The gradual schedule of magnitude pruning (Zhu and Gupta, 2017, arXiv:1710.01878)."""

from dataclasses import dataclass

from apollo.workloads.sparsity.magnitude import check_sparsity


@dataclass(frozen=True)
class Schedule:
    """How sparse a network is at a step of its training.

    Attributes:
        final: sparsity from the last pruning on.
        initial: sparsity before the first one.
        begin: step of the first pruning, t0.
        interval: steps between prunings, dt.
        prunings: how many intervals there are, n.

    """

    final: float
    initial: float = 0.0
    begin: int = 0
    interval: int = 100
    prunings: int = 100

    def __post_init__(self) -> None:
        check_sparsity(self.initial)
        check_sparsity(self.final)
        if self.final < self.initial:
            raise ValueError(
                f"The final sparsity must be at least the initial one, {self.initial:g}, "
                f"not {self.final:g}."
            )
        if self.begin < 0 or self.interval < 1 or self.prunings < 1:
            raise ValueError(
                "A schedule must begin at a step from 0 on and have positive intervals, not "
                f"begin {self.begin}, interval {self.interval} and {self.prunings} of them."
            )

    @property
    def end(self) -> int:
        """The step of the last pruning."""
        return self.begin + self.prunings * self.interval

    def prunes_at(self, step: int) -> bool:
        """Whether the masks change at a step."""
        return self.begin <= step <= self.end and (step - self.begin) % self.interval == 0

    def at(self, step: int) -> float:
        """Equation 1: s_f + (s_i - s_f) (1 - (t - t0) / (n dt))^3, held between prunings."""
        if step < self.begin:
            return self.initial
        done = min((step - self.begin) // self.interval, self.prunings)
        rest = 1 - done / self.prunings
        return self.final + (self.initial - self.final) * rest**3

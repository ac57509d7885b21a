"""How a policy learns: sizes, rates, and the algorithm (docs/placement_learning.md says why)."""

from dataclasses import dataclass, fields
from enum import Enum
from typing import NamedTuple


class Algorithm(Enum):
    """What makes a better policy of placements and their rewards."""

    REINFORCE = "reinforce"
    PPO = "ppo"


_MAY_BE_ZERO = ("entropy", "explore", "baseline_decay", "slots", "keep", "blind")


class Descent(NamedTuple):
    """How parameters go down a loss."""

    algorithm: Algorithm
    epochs: int
    clip: float
    gradient_norm: float


@dataclass(frozen=True)
class LearningSettings:
    """Hyper-parameters of a policy and its training.

    Raises `ValueError`, one sentence, when one is out of range.
    """

    algorithm: Algorithm = Algorithm.PPO
    samples: int = 16  # placements an update
    epochs: int = 2  # of PPO, over the placements of an update
    clip: float = 0.2  # of PPO: how far the probability of a decision may go in an update
    rate: float = 1e-2  # of Adam, at first; it falls linearly to a tenth
    entropy: float = 0.02  # weight of the bonus, at first; it falls linearly to nothing
    explore: float = 1.0  # decisions a placement that are drawn evenly; a fourth to four times it
    sharpness: float = 8.0  # of the sharpest placement of an update; 1 draws from the policy itself
    keep: float = 0.25  # share of an update's placements that keep most of the one followed
    blind: float = 0.25  # share of an update's placements to which that one is not shown
    baseline_decay: float = 0.9  # of the moving average of the rewards
    gradient_norm: float = 1.0  # larger gradients are scaled down to it
    hidden: int = 32
    rounds: int = 2  # of messages along the edges
    slots: int = 0  # that a grouper merges groups into before they are placed; 0 for no grouper
    visit: int = 16  # updates in a row on one problem of a family
    patience: int = 20  # placements for each group, of one problem alone, that find nothing better

    def __post_init__(self) -> None:
        """Check ranges."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Algorithm):
                continue
            if value < 0 or (value == 0 and field.name not in _MAY_BE_ZERO):
                raise ValueError(f"Setting {field.name} must be above 0, not {value}.")
        if self.samples < 2:
            raise ValueError(f"Setting samples must be at least 2, not {self.samples}.")
        if self.keep + self.blind > 1:
            raise ValueError(
                f"Settings keep and blind must be at most 1 together, not {self.keep + self.blind}."
            )
        if self.baseline_decay >= 1:
            raise ValueError(f"Setting baseline_decay must be below 1, not {self.baseline_decay}.")

    @property
    def descent(self) -> Descent:
        """How parameters go down a loss: all that an update is compiled for, but for sizes."""
        epochs = self.epochs if self.algorithm is Algorithm.PPO else 1
        return Descent(self.algorithm, epochs, self.clip, self.gradient_norm)

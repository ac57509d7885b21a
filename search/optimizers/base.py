"""The seam between a study and an optimizer: ask for points, tell what came of them.

Letters: `N` points, `D` parameters of the space.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from apollo.arch.space import RADICES
from apollo.search.optimizers.ranges import Range
from apollo.search.trial import Trial

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Settings:
    """The settings of an optimizer: a frozen dataclass of numbers, checked when made.

    `ranges` are those of settings that may be searched themselves, by name.
    """

    ranges: ClassVar[Mapping[str, Range]] = {}

    def __post_init__(self) -> None:
        """Raise `ValueError`, one sentence, when a setting is out of its range."""

    def as_dict(self) -> dict[str, int | float | str]:
        """Every setting by name, defaults filled in: part of a study's identity."""
        return asdict(self)


@dataclass(frozen=True)
class Proposals:
    """Points to evaluate, and who proposed each.

    Raises `ValueError` when there are not as many proposers as points.
    """

    points: Ints  # [N, D] digits
    proposers: Sequence[str | None]  # [N] member of an optimizer that is made of several

    def __post_init__(self) -> None:
        """Check the lengths."""
        if len(self.points) != len(self.proposers):
            raise ValueError(
                f"{len(self.points)} proposals must have as many proposers, not "
                f"{len(self.proposers)}."
            )


class Optimizer(ABC):
    """Proposes points of a space of `D` digits.

    Its whole state is the log of trials it was told: telling the same trials in any chunks gives
    the same optimizer, and `ask` changes nothing and draws only from the generator handed in. So
    a study resumes exactly by telling its log.
    """

    settings_type: ClassVar[type[Settings]] = Settings

    def __init__(
        self, settings: Mapping[str, Any] | None = None, radices: Sequence[int] = RADICES
    ) -> None:
        """An optimizer that was told nothing; `settings` by name, defaults for the rest."""
        self.settings = self.settings_type(**(settings or {}))
        self.radices: Ints = np.array(radices, dtype=np.int64)  # [D]
        # Beyond 63 bits indices are Python's integers: slower, and otherwise the same.
        self._type: type = np.int64 if math.prod(self.radices.tolist()) < 1 << 63 else object
        radices_of_type = self.radices.astype(self._type)
        self._weights: Ints = np.append(np.cumprod(radices_of_type[:0:-1])[::-1], 1)  # [D]

    @abstractmethod
    def ask(self, count: int, generator: np.random.Generator) -> Ints:
        """Points to evaluate, [count, D] digits."""

    def propose(self, count: int, generator: np.random.Generator) -> Proposals:
        """The points of `ask`, with who proposed each where several do.

        A trial stores its proposer, so whatever an optimizer must know of its members' proposals
        it reads from the log. A point of another's log may have any proposer, or none.
        """
        return Proposals(self.ask(count, generator), [None] * count)

    def share(self, other: "Optimizer") -> None:  # noqa: B027
        """Keep in common with an optimizer that is told the same log what is costly to compute."""

    @abstractmethod
    def tell(self, trials: Sequence[Trial]) -> None:
        """Learn from trials, in the order of the log, whoever proposed them."""

    def indices_of(self, points: Ints) -> Ints:
        """The index in the space, [N], of points [N, D]."""
        return points.astype(self._type) @ self._weights

    def points_of(self, indices: Ints) -> Ints:
        """The digits, [N, D], of points with these indices, [N]."""
        digits: Ints = indices[:, None] // self._weights % self.radices
        return digits.astype(np.int64)

    def index_array(self, indices: Iterable[int]) -> Ints:
        """Indices of points as an array, [N]."""
        return np.array([*indices], dtype=self._type)

    def random_points(self, count: int, generator: np.random.Generator) -> Ints:
        """Points drawn uniformly, [count, D]."""
        return generator.integers(0, self.radices, size=(count, len(self.radices)))


def check_integer(
    subject: str, value: object, low: int, high: int | None = None, bound: str = ""
) -> None:
    """Raise unless `value` is an integer in `low..high`, where `bound` names what sets `high`."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{subject} must be an integer, not {value!r}.")
    if value < low or (high is not None and value > high):
        wanted = f"at least {low}" if high is None else f"in {low}..{high}{bound}"
        raise ValueError(f"{subject} must be {wanted}, not {value}.")


def check_number(subject: str, value: object, low: float, high: float = math.inf) -> None:
    """Raise unless `value` is a number in `low..high`."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (is_number and low <= value < math.inf and value <= high):  # type: ignore[operator]
        wanted = f"at least {low:g}" if high == math.inf else f"in {low:g}..{high:g}"
        raise ValueError(f"{subject} must be {wanted}, not {value!r}.")

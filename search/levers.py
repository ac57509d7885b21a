"""The smallest changes of a design that make a network fit it, each of them tried.

A *ladder* is the values that a parameter can step through from where it is: the choices of the
space above or below; for a memory further doublings; for other fields doublings or halvings. A
lever is the first step of a ladder that fits, so all smaller ones were tried and fail.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from apollo.arch.accelerator import Accelerator
from apollo.arch.space import PARAMETERS

# Design, images -> why it does not fit, or None.
Attempt = Callable[[Accelerator, int], str | None]

BATCH, STATES, FORM = "batch", "states", "form"
_CHOICES = {parameter.name: parameter.choices for parameter in PARAMETERS}
# Staging memories and bandwidth are left out: they change the time, not what fits.
_OF_LANES = (
    *("core_memory_bytes", "pe_memory_bytes", "instruction_memory_bytes"),
    *("pes_x", "pes_y", "cores", "lanes"),
)
_OF_ARRAYS = (
    *("core_memory_bytes", "pe_memory_bytes", "instruction_memory_bytes"),
    *("array_rows", "array_columns", "accumulator_rows", "lanes"),
)
_MOST_COMBINED = 5


@dataclass(frozen=True)
class Change:
    """A parameter, or the batch, of another value."""

    parameter: str
    before: int
    after: int
    steps: int  # of its ladder

    @property
    def is_searched(self) -> bool:
        """Whether the value is one that the search can choose, or none of the design's."""
        return self.parameter in (BATCH, STATES, FORM) or self.after in _CHOICES.get(
            self.parameter, ()
        )


@dataclass(frozen=True)
class Lever:
    """Changes that together make it fit, none of which could be a step smaller."""

    changes: tuple[Change, ...]

    @property
    def steps(self) -> int:
        """Of all changes."""
        return sum(change.steps for change in self.changes)


@dataclass(frozen=True)
class Ladder:
    """Values of a parameter, each further from where it is than the one before."""

    parameter: str
    before: int
    values: tuple[int, ...]

    @property
    def grows(self) -> bool:
        """Whether it leads to a larger design, or to a smaller batch."""
        return self.values[0] > self.before or self.parameter == BATCH

    def change(self, steps: int) -> Change:
        """That many steps up the ladder, at least 1."""
        return Change(self.parameter, self.before, self.values[steps - 1], steps)

    def value(self, steps: int) -> int:
        """The parameter after so many steps; 0 is where it is."""
        return self.values[steps - 1] if steps else self.before


def ladders_of(accelerator: Accelerator, batch: int) -> list[Ladder]:
    """Every way to step from a design and a batch, up and down; empty ones are left out."""
    names = _OF_ARRAYS if accelerator.is_systolic else _OF_LANES
    ladders = []
    for name in names:
        value = int(getattr(accelerator, name))
        ladders.append(Ladder(name, value, _up(accelerator, name, value)))
        ladders.append(Ladder(name, value, _down(accelerator, name, value)))
    halves = tuple(batch >> k for k in range(1, batch.bit_length()))
    ladders.append(Ladder(BATCH, batch, halves))
    return [ladder for ladder in ladders if ladder.values]


def _up(accelerator: Accelerator, name: str, value: int) -> tuple[int, ...]:
    values = [choice for choice in _CHOICES.get(name, ()) if choice > value]
    if name not in _CHOICES or name.endswith("_bytes"):
        last = values[-1] if values else value
        while is_design(accelerator, name, last := 2 * last):
            values.append(last)
    return tuple(value for value in values if is_design(accelerator, name, value))


def _down(accelerator: Accelerator, name: str, value: int) -> tuple[int, ...]:
    below = [choice for choice in _CHOICES.get(name, ()) if choice < value]
    if name not in _CHOICES:
        below = [value >> k for k in range(1, value.bit_length())][::-1]
    return tuple(v for v in reversed(below) if is_design(accelerator, name, v))


def is_design(accelerator: Accelerator, name: str, value: int) -> bool:
    """Whether the accelerator with that value is one."""
    try:
        changed(accelerator, {name: value})
    except ValueError:
        return False
    return True


def changed(accelerator: Accelerator, values: dict[str, int]) -> Accelerator:
    """The design with other values of some parameters; the batch is none of it."""
    fields = {name: value for name, value in values.items() if name != BATCH}
    return replace(accelerator, **fields) if fields else accelerator  # type: ignore[arg-type]


class Trials:
    """Attempts, each run once."""

    def __init__(self, accelerator: Accelerator, batch: int, attempt: Attempt) -> None:
        self.accelerator, self.batch = accelerator, batch
        self._attempt = attempt
        self._answers: dict[tuple[Accelerator, int], bool] = {}

    def fits(self, values: dict[str, int]) -> bool:
        """Whether the network fits with those values of parameters and the batch."""
        try:
            design = changed(self.accelerator, values)
        except ValueError:  # no design has these values together
            return False
        batch = values.get(BATCH, self.batch)
        key = (design, batch)
        if key not in self._answers:
            self._answers[key] = self._attempt(design, batch) is None
        return self._answers[key]

    @property
    def count(self) -> int:
        """Compilations that were run."""
        return len(self._answers)


def single_levers(trials: Trials) -> list[Lever]:
    """The smallest change of each parameter alone, up and down, and the largest smaller batch."""
    levers = []
    for ladder in ladders_of(trials.accelerator, trials.batch):
        if ladder.parameter == BATCH:
            levers += _largest_batch(trials, ladder)
            continue
        for steps, value in enumerate(ladder.values, 1):
            if trials.fits({ladder.parameter: value}):
                levers.append(Lever((ladder.change(steps),)))
                break
    return levers


def _largest_batch(trials: Trials, halves: Ladder) -> list[Lever]:
    """Between a half that fits and its double that does not, the batch whose next one fails."""
    above = trials.batch
    for below in halves.values:
        if not trials.fits({BATCH: below}):
            above = below
            continue
        while above - below > 1:
            middle = (below + above) // 2
            if trials.fits({BATCH: middle}):
                below = middle
            else:
                above = middle
        return [Lever((Change(BATCH, trials.batch, below, trials.batch - below),))]
    return []


def combined_levers(trials: Trials) -> list[Lever]:
    """Where no single change helps: the pairs of fewest steps; where no pair does, more changes."""
    ladders = ladders_of(trials.accelerator, trials.batch)
    found = []
    for first, second in itertools.combinations(ladders, 2):
        if first.parameter != second.parameter:
            found += _least(trials, (first, second))
    if not found:
        found = _least(trials, [ladder for ladder in ladders if ladder.grows])
    return sorted(found, key=lambda lever: lever.steps)[:_MOST_COMBINED]


def _least(trials: Trials, ladders: Sequence[Ladder]) -> list[Lever]:
    """From the ends of all ladders as far down as it fits; none where even the ends do not."""

    def fits(steps: Sequence[int]) -> bool:
        taken = zip(ladders, steps, strict=True)
        return trials.fits({ladder.parameter: ladder.value(count) for ladder, count in taken})

    here = [len(ladder.values) for ladder in ladders]
    if not fits(here):
        return []
    place = 0
    while place < len(here):
        lower = [count - (number == place) for number, count in enumerate(here)]
        if lower[place] >= 0 and fits(lower):
            # Another ladder that could not go down before may now.
            here, place = lower, 0
        else:
            place += 1
    return [Lever(tuple(lad.change(n) for lad, n in zip(ladders, here, strict=True) if n))]

"""A member of a population: an optimizer with a name that trials remember."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apollo.search.optimizers.base import Optimizer
from apollo.search.trial import Trial

_AND = "+"


@dataclass
class Member:
    """An optimizer in a population; all members are told the same log, when they are next asked."""

    number: int  # unique in the study, in the order in which members came
    kind: str  # the optimizer's name
    settings: Mapping[str, Any]
    optimizer: Optimizer
    credit: float = 0.0
    told: int = field(default=0)  # trials of the log

    @property
    def name(self) -> str:
        """What a trial stores of its proposer."""
        return f"{self.kind}#{self.number}"

    def tell(self, log: Sequence[Trial]) -> None:
        """Tell the optimizer the trials of the log that it does not know."""
        if self.told < len(log):
            self.optimizer.tell(log[self.told :])
            self.told = len(log)


def joined(names: Sequence[str]) -> str:
    """The proposer of a point that several members proposed in a batch."""
    return _AND.join(names)


def names_in(proposer: str | None) -> list[str]:
    """The members in the text of a proposer."""
    return proposer.split(_AND) if proposer else []


def parse_members(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Name and settings of every member in `NAME [SETTING=NUMBER ...]; ...`.

    Raises `ValueError` for what is written otherwise.
    """
    members = []
    for entry in text.split(";"):
        name, *settings = entry.split() or [""]
        pairs = [setting.partition("=") for setting in settings]
        if not name or "=" in name or not all(key and value for key, _, value in pairs):
            raise ValueError(
                "Members must be NAME [SETTING=NUMBER ...], parted by semicolons, not "
                f"'{entry.strip()}'."
            )
        members.append((name, {key: _value(value) for key, _, value in pairs}))
    return members


def _value(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text

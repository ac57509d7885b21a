"""A study as a row: its identity, and its summary for lists."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from apollo.search.store.keys import canonical_json


@dataclass(frozen=True)
class StudyRow:
    """Everything that the rows of a study depend on; the number of trials is no part of it."""

    name: str
    optimizer: str
    seed: int
    options: Mapping[str, Any]  # of the optimizer, objective and evaluation: JSON values
    version: str  # of the simulator
    created: str = field(default="", compare=False)  # ISO 8601, UTC

    def difference(self, other: "StudyRow") -> str | None:
        """The first thing in which `other` differs, as "seed 1, not 2"; None when nothing does."""
        mine, theirs = self.flat(), other.flat()
        names = [*mine, *(name for name in theirs if name not in mine)]
        for name in sorted(names, key=_is_content):  # hashes say less than anything else
            if mine.get(name) != theirs.get(name):
                return f"{name} {_shown(mine.get(name))}, not {_shown(theirs.get(name))}"
        return None

    def flat(self) -> dict[str, Any]:
        """What it is of, by name; values as JSON reads them back."""
        flat = {"optimizer": self.optimizer, "seed": self.seed}
        options = json.loads(canonical_json(dict(self.options)))
        return flat | _flattened(options) | {"simulator version": self.version}


@dataclass(frozen=True)
class StudySummary:
    """A line in a list of studies."""

    study: StudyRow
    trials: int
    feasible: int
    best_reward: float  # 0 when nothing is feasible


def _is_content(name: str) -> bool:
    return name.startswith("content.")


def _flattened(options: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, dict) and value:
            flat |= _flattened(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else canonical_json(value)

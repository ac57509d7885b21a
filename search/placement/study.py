"""Placements as a study: a trial an optimizer, the best placement that it found.

The trials of a study have the numbers of its optimizers, in the order in which they were asked
for; the same study goes on with those that it lacks. A trial's `index` stands for the placement.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from apollo.search.placement.found import Found
from apollo.search.placement.problem import Ints, PlacementProblem
from apollo.search.placement.units import NS_PER_MS
from apollo.search.store import Store, StudyRow
from apollo.search.trial import Outcome, Trial

MEMORY = "memory"  # the resource of a placement that does not fit
PLACEMENT = "placement"  # the optimizer of the studies: each trial names its own
_ROOT = Path(__file__).resolve().parent.parent.parent
_SOURCES = ("search/placement/**/*.py", "arch/cluster*.py", "workloads/operators/*.py")

Place = Callable[[str], Found]  # by an optimizer's name


@dataclass(frozen=True)
class Placed:
    """What an optimizer found, as it is stored."""

    optimizer: str
    placement: Ints  # [G]
    trial: Trial

    @property
    def cost(self) -> float:
        """In the unit of the problem; infinite where memory is lacking."""
        return self.trial.metrics["cost"] if self.trial.feasible else np.inf


@dataclass(frozen=True)
class PlacementStudy:
    """What the trials depend on, but for the optimizers that were asked for."""

    name: str
    problem: PlacementProblem
    seed: int
    options: Mapping[str, Any]  # JSON: what is placed, on what, within which budget

    def row(self) -> StudyRow:
        """The study as it is stored."""
        return StudyRow(self.name, PLACEMENT, self.seed, self.options, placement_version())

    def run(
        self,
        store: Store,
        optimizers: Sequence[str],
        place: Place,
        follow: Callable[[str], None] = lambda _: None,
    ) -> list[Placed]:
        """Run the optimizers that the store lacks; what all of those asked for have found.

        `follow` hears which comes next. Ctrl-C raises `KeyboardInterrupt` and loses the optimizer
        that runs, no other. Raises `ValueError` as `Store.open_study`.
        """
        store.open_study(self.row())
        log = {trial.proposer or "": trial for trial in store.trials(self.name)}
        for optimizer in optimizers:
            if optimizer in log:
                continue
            follow(optimizer)
            began = time.perf_counter()
            found = place(optimizer)
            seconds = time.perf_counter() - began
            trial = self._trial(len(log), optimizer, found, seconds)
            store.add(self.name, [trial])
            log[optimizer] = trial
        return [Placed(name, self._placement(log[name]), log[name]) for name in optimizers]

    def _trial(self, number: int, optimizer: str, found: Found, seconds: float) -> Trial:
        costs = self.problem.costs(found.placement[None, :])
        lacking, cost = int(costs.overflow_bytes[0]), float(costs.cost[0])
        values = {"cost": cost, "simulations": float(found.simulations)}
        if lacking:
            reason = f"The placement lacks {lacking:,} bytes of memory."
            outcome = Outcome(False, 0.0, {}, MEMORY, reason)
        else:
            outcome = Outcome(True, NS_PER_MS / cost, values)
        names = self.problem.groups.names
        parameters = dict(zip(names, found.placement.tolist(), strict=True))
        return Trial(number, _index_of(found.placement), outcome, parameters, seconds, optimizer)

    def _placement(self, trial: Trial) -> Ints:
        devices = [trial.parameters[name] for name in self.problem.groups.names]
        return np.array(devices, np.int64)


def _index_of(placement: Ints) -> int:
    """63 bits that stand for a placement: there are too many to number them."""
    digest = hashlib.sha256(np.ascontiguousarray(placement, np.int64).tobytes()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


@cache
def placement_version() -> str:
    """The package's version and a hash of every source that a placement depends on."""
    digest = hashlib.sha256()
    for path in sorted({path for pattern in _SOURCES for path in _ROOT.glob(pattern)}):
        digest.update(path.relative_to(_ROOT).as_posix().encode())
        digest.update(path.read_bytes())
    return f"{metadata.version('apollo-dse')}+{digest.hexdigest()[:12]}"

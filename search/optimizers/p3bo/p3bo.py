"""P3BO: batches drawn from a population of optimizers, by what each proposed before.

C. Angermueller, D. Belanger, A. Gane et al., "Population-based black-box optimization for
biological sequence design" (2020):

1. Until a batch has enough new points, a member is drawn by its weight, and its next proposal is
   taken unless it is known. A point that two members propose in a batch is kept once, and counts
   for both.
2. Every member is told every trial, whoever proposed it.
3. After each round of trials the members' credits and weights follow from what they proposed, as
   the equations of `credit.py` say.

The proposer of a trial is stored with it, so that credits are a function of the log. A round is
`round` trials of the log, whatever the batch. docs/optimizers.md says what the paper leaves open.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from apollo.arch.space import RADICES
from apollo.search.optimizers.base import (
    Ints,
    Optimizer,
    Proposals,
    Settings,
    check_integer,
    check_number,
)
from apollo.search.optimizers.p3bo.credit import Floats, credits_after, weights
from apollo.search.optimizers.p3bo.member import Member, joined, names_in, parse_members
from apollo.search.trial import Trial

PASSES = 4  # after which a batch that lacks new points is filled at random
MEMBERS = (
    "evolutionary; evolutionary mutation=0.2; evolutionary crossover=0.5 mutation=0.05; "
    "mbo; mbo exploration=2"
)


@dataclass(frozen=True)
class P3BOSettings(Settings):
    """Settings of a population.

    Raises `ValueError` when one is out of its range.
    """

    members: str = MEMBERS  # NAME [SETTING=NUMBER ...]; ...
    round: int = 32  # trials between two updates of the credits
    decay: float = 0.9  # of credits, a round
    temperature: float = 0.5  # of the softmax

    def __post_init__(self) -> None:
        """Check every range; the members are checked when they are made."""
        check_integer("Round", self.round, 1)
        check_number("Decay", self.decay, 0, 1)
        check_number("Temperature", self.temperature, 0.01)
        for kind, _ in parse_members(self.members):
            if kind in ("p3bo", "adaptive_p3bo"):
                raise ValueError(f"A population cannot be a member of a population, as {kind} is.")


class P3BO(Optimizer):
    """Draws from its members; see the module's docstring."""

    settings_type: ClassVar[type[Settings]] = P3BOSettings
    settings: P3BOSettings

    def __init__(
        self, settings: Mapping[str, Any] | None = None, radices: Sequence[int] = RADICES
    ) -> None:
        """A population that was told nothing; `settings` by name, defaults for the rest."""
        super().__init__(settings, radices)
        self._log: list[Trial] = []
        self._known: set[int] = set()  # point indices
        self._best = 0.0  # reward
        self._made = 0  # members
        self.members: list[Member] = []
        for kind, own in parse_members(self.settings.members):
            self.members.append(self.made(kind, own, 0.0))

    def made(self, kind: str, settings: Mapping[str, Any], credit: float) -> Member:
        """A new member."""
        from apollo.search.optimizers.table import make_optimizer  # which has this one

        optimizer = make_optimizer(kind, settings, self.radices.tolist())
        for member in self.members:
            optimizer.share(member.optimizer)
        self._made += 1
        return Member(self._made - 1, kind, settings, optimizer, credit)

    def tell(self, trials: Sequence[Trial]) -> None:
        """Append trials to the log; every full round changes the credits."""
        for trial in trials:
            self._log.append(trial)
            self._known.add(trial.index)
            self._best = max(self._best, trial.reward)
            if len(self._log) % self.settings.round == 0:
                self._end_round(self._log[-self.settings.round :])
                self.after_round(len(self._log) // self.settings.round)

    def after_round(self, rounds: int) -> None:
        """Change the population after so many rounds; here it stays."""

    def weights(self) -> Floats:
        """The probability of drawing each member."""
        return weights([member.credit for member in self.members], self.settings.temperature)

    def ask(self, count: int, generator: np.random.Generator) -> Ints:
        """The points of `propose`."""
        return self.propose(count, generator).points

    def propose(self, count: int, generator: np.random.Generator) -> Proposals:
        """New points of members drawn by weight, with who proposed each."""
        batch: dict[int, list[str]] = {}
        queues: list[deque[int]] = [deque() for _ in self.members]
        for _ in range(PASSES):
            drawn = generator.choice(len(queues), size=count - len(batch), p=self.weights())
            self._fill(queues, np.bincount(drawn, minlength=len(queues)), generator)
            for position in drawn.tolist():
                index, name = queues[position].popleft(), self.members[position].name
                if index not in self._known and name not in batch.setdefault(index, []):
                    batch[index].append(name)
            if len(batch) == count:
                break
        return self._proposals(batch, count, generator)

    def _fill(self, queues: list[deque[int]], wanted: Ints, generator: np.random.Generator) -> None:
        """Ask members for as many proposals as are wanted of each, and some to spare."""
        for member, queue, number in zip(self.members, queues, wanted.tolist(), strict=True):
            if number > len(queue):
                member.tell(self._log)
                asked = number + number // 4 + 2
                queue += self.indices_of(member.optimizer.ask(asked, generator)).tolist()

    def _proposals(
        self, batch: dict[int, list[str]], count: int, generator: np.random.Generator
    ) -> Proposals:
        """The batch; what it lacks is drawn at random, new while there are new points."""
        proposers = {index: joined(names) for index, names in batch.items()}
        chosen: list[tuple[int, str | None]] = [*proposers.items()]
        if len(chosen) < count:
            drawn = self.indices_of(self.random_points(PASSES * count, generator)).tolist()
            known = self._known | batch.keys()
            fresh = [index for index in dict.fromkeys(drawn) if index not in known]
            chosen = (chosen + [(index, None) for index in [*fresh, *drawn]])[:count]
        points = self.points_of(self.index_array(index for index, _ in chosen))
        return Proposals(points, [proposer for _, proposer in chosen])

    def _end_round(self, trials: Sequence[Trial]) -> None:
        """Equations 1 and 2 for the trials of a round."""
        best: dict[int, float] = {}
        for position, member in enumerate(self.members):
            own = [trial.reward for trial in trials if member.name in names_in(trial.proposer)]
            if own:
                best[position] = max(own)
        credits = [member.credit for member in self.members]
        after = credits_after(credits, best, self._best, self.settings.decay)
        for member, credit in zip(self.members, after, strict=True):
            member.credit = credit

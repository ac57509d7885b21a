"""Adaptive P3BO: the hyper-parameters of the members evolve while they search.

As Angermueller et al. (2020) sketch it, every `period` rounds once `warmup` have passed:

1. Those of the greatest credit survive, a share `survivors` of the population; and the best of
   every kind, since a kind that died out could not come back.
2. Every other place is filled by a child. Its parents are survivors that won a tournament by
   credit: the first decides its kind, the second is of the same kind.
3. Each hyper-parameter is taken from either parent, and with probability `mutation` changed: to a
   value near it, or, one time in four, to any of its range.
4. The child inherits the credit of its first parent.

The generator of these draws is seeded by the log, so the population is a function of it. Which
hyper-parameters evolve, and where, the settings of each optimizer say (`Settings.ranges`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from apollo.search.optimizers.base import Settings, check_integer, check_number
from apollo.search.optimizers.p3bo.member import Member
from apollo.search.optimizers.p3bo.p3bo import P3BO, P3BOSettings

_ANYWHERE = 0.25  # of mutations


@dataclass(frozen=True)
class AdaptiveP3BOSettings(P3BOSettings):
    """Settings of a population that adapts.

    Raises `ValueError` when one is out of its range.
    """

    warmup: int = 8  # rounds before the first adaptation
    period: int = 8  # rounds between two
    survivors: float = 0.5  # of the population
    tournament: int = 2  # survivors drawn for a parent; the best becomes it
    mutation: float = 0.5  # probability, per hyper-parameter

    def __post_init__(self) -> None:
        """Check every range."""
        super().__post_init__()
        check_integer("Warmup", self.warmup, 1)
        check_integer("Period", self.period, 1)
        check_number("Survivors", self.survivors, 0, 1)
        check_integer("Tournament", self.tournament, 1)
        check_number("Mutation", self.mutation, 0, 1)


class AdaptiveP3BO(P3BO):
    """Evolves its members' hyper-parameters; see the module's docstring."""

    settings_type: ClassVar[type[Settings]] = AdaptiveP3BOSettings
    settings: AdaptiveP3BOSettings

    def after_round(self, rounds: int) -> None:
        """Adapt when it is time."""
        since = rounds - self.settings.warmup
        if since >= 0 and since % self.settings.period == 0:
            seed = [rounds, self._log[0].index, self._log[-1].index]
            self.members = self._adapted(np.random.default_rng(seed))

    def _adapted(self, generator: np.random.Generator) -> list[Member]:
        survivors = self._survivors()
        parents = [each for each in survivors if each.optimizer.settings.ranges] or survivors
        children = []
        for _ in range(len(self.members) - len(survivors)):
            first = self._winner(parents, generator)
            alike = [each for each in parents if each.kind == first.kind]
            second = self._winner(alike, generator)
            settings = self._crossed(first, second, generator)
            children.append(self.made(first.kind, settings, first.credit))
        return survivors + children

    def _survivors(self) -> list[Member]:
        """The best, and the best of every kind, in the order of the population."""
        ranked = sorted(self.members, key=lambda member: -member.credit)
        kept = ranked[: max(1, round(self.settings.survivors * len(ranked)))]
        for member in ranked:
            if member.kind not in {each.kind for each in kept}:
                kept.append(member)
        return [member for member in self.members if member in kept]

    def _winner(self, members: Sequence[Member], generator: np.random.Generator) -> Member:
        """The best of a few drawn with replacement."""
        drawn = generator.integers(len(members), size=self.settings.tournament)
        winner: Member = max((members[i] for i in drawn), key=lambda member: member.credit)
        return winner

    def _crossed(
        self, first: Member, second: Member, generator: np.random.Generator
    ) -> dict[str, Any]:
        """The settings of a child: the first parent's, where they do not evolve."""
        settings = dict(first.settings)
        for name, ranges in first.optimizer.settings.ranges.items():
            parent = first if generator.random() < 0.5 else second
            value = getattr(parent.optimizer.settings, name)
            if generator.random() < self.settings.mutation:
                anywhere = generator.random() < _ANYWHERE
                value = ranges.drawn(generator) if anywhere else ranges.near(value, generator)
            settings[name] = value
        return settings

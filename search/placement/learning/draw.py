"""Placements drawn from a policy that learns from them: group by group, or by a grouper first."""

from dataclasses import dataclass
from typing import Protocol

import jax
import numpy as np

from apollo.search.placement.learning.exploration import Exploration
from apollo.search.placement.learning.inputs import Inputs
from apollo.search.placement.learning.lesson import Lesson
from apollo.search.placement.learning.observation import Incumbent, devices_of, follow
from apollo.search.placement.learning.policy import Policy
from apollo.search.placement.learning.rollout import Rollout, roll
from apollo.search.placement.learning.settings import LearningSettings
from apollo.search.placement.learning.update import Learned, Rates, improve
from apollo.search.placement.problem import Ints


class Drawn(Protocol):
    """Placements, and what a policy learns from them."""

    @property
    def placements(self) -> Ints:
        """[P, G] Without padding."""
        ...

    def improve(
        self, learned: Learned, advantage: jax.Array, rates: Rates, settings: LearningSettings
    ) -> tuple[Learned, jax.Array]:
        """The policy after these placements of advantage [P], and its mean entropy before."""
        ...


@dataclass(frozen=True)
class Placed:
    """Placements whose groups were placed one by one."""

    placements: Ints
    inputs: Inputs
    rollout: Rollout

    def improve(
        self, learned: Learned, advantage: jax.Array, rates: Rates, settings: LearningSettings
    ) -> tuple[Learned, jax.Array]:
        """As `Drawn` says."""
        better: tuple[Learned, jax.Array] = improve(
            learned, self.inputs, self.rollout, advantage, rates, settings.descent
        )
        return better


def draw(policy: Policy, lesson: Lesson, key: jax.Array, exploration: Exploration) -> Drawn:
    """Placements of a problem, as many as `exploration` is for."""
    if policy.settings.slots:
        from apollo.search.placement.learning.hierarchical import draw_grouped  # which imports us

        return draw_grouped(policy, lesson, key, exploration)
    inputs = lesson.inputs
    followed: Incumbent = _follow(inputs, devices_of(inputs, lesson.followed.placement))
    rollout: Rollout = roll(policy.parameters, inputs, followed, key, exploration)
    groups = len(lesson.problem.groups.names)
    return Placed(np.asarray(rollout.device).T[:, :groups].astype(np.int64), inputs, rollout)


_follow = jax.jit(follow)

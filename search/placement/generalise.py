"""A policy that has learned a family of graphs places members that it has never seen.

Each held-out member is placed three ways with equal counts of simulations: by the policy as it is,
by the policy while it learns the member too, and by a new policy that learns it from nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from apollo.arch.cluster import Cluster
from apollo.search.placement.found import Budget
from apollo.search.placement.graphs.families import Family, Member
from apollo.search.placement.instance import instance_of
from apollo.search.placement.learning.learn import fine_tune, learn, place
from apollo.search.placement.learning.policy import Policy
from apollo.search.placement.problem import PlacementProblem
from apollo.search.placement.step import problem_of
from apollo.search.placement.units import NS_PER_MS


@dataclass(frozen=True)
class Generalisation:
    """A held-out member: steps in ms; infinite where nothing fits the memories."""

    problem: str
    zero_shot_ms: float
    fine_tuned_ms: float
    from_nothing_ms: float
    single_ms: float  # the best single device

    @property
    def loss(self) -> float:
        """What the policy as it is lacks to the fine-tuned one: 0.1 is 10 % longer."""
        return self.zero_shot_ms / self.fine_tuned_ms - 1


def problems_of(
    family: Family, members: Sequence[Member], cluster: Cluster
) -> list[PlacementProblem]:
    """Members of a family on a cluster."""
    return [problem_of(instance_of(family.graph(member), cluster)) for member in members]


def generalise(
    policy: Policy, problems: Sequence[PlacementProblem], budget: Budget, seed: int
) -> Iterator[Generalisation]:
    """How a policy places problems that it has not seen."""
    for problem in problems:
        ways = (
            place(problem, policy, budget, seed),
            fine_tune(problem, policy, budget, seed),
            learn(problem, budget, seed),
        )
        zero_shot, fine_tuned, anew = (found.cost / NS_PER_MS for found in ways)
        single_ms = _single_ns(problem) / NS_PER_MS
        yield Generalisation(problem.name, zero_shot, fine_tuned, anew, single_ms)


def _single_ns(problem: PlacementProblem) -> float:
    from apollo.search.placement.baselines.single import single_device

    devices = len(problem.device_names)
    return single_device(problem, None, Budget(devices), 0).cost

"""A policy that has learned some graphs places others that it has never seen.

Each of those is placed three ways with equal counts of simulations: by the policy as it is, with no
step along a gradient; by the policy while it learns the graph too; and by a new policy that learns
it from nothing. What the policy as it is had found after few placements is told too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

from apollo.arch.cluster import Cluster
from apollo.search.placement.found import Budget, Found
from apollo.search.placement.graphs.catalogue import MODELS, placement_graph
from apollo.search.placement.graphs.families import Family, Member, family
from apollo.search.placement.graphs.random_graphs import RANDOM
from apollo.search.placement.instance import instance_of
from apollo.search.placement.learning.learn import fine_tune, learn, place
from apollo.search.placement.learning.policy import Policy
from apollo.search.placement.problem import PlacementProblem
from apollo.search.placement.step import problem_of
from apollo.search.placement.units import NS_PER_MS

COUNTS = (64, 256)  # placements after which a policy as it is is looked at


@dataclass(frozen=True)
class Generalisation:
    """A held-out graph: steps in ms; infinite where nothing fits the memories."""

    problem: str
    early_ms: tuple[float, ...]  # by the policy as it is, after `COUNTS` placements
    zero_shot_ms: float
    fine_tuned_ms: float
    from_nothing_ms: float
    single_ms: float  # the best single device

    @property
    def losses(self) -> tuple[float, ...]:
        """What the policy as it is lacks to the fine-tuned one, as `early_ms` and at the end.

        0.1 is 10 % longer.
        """
        return tuple(ms / self.fine_tuned_ms - 1 for ms in (*self.early_ms, self.zero_shot_ms))


@dataclass(frozen=True)
class Split:
    """Problems to learn, and others that are held out."""

    known: list[PlacementProblem]
    unseen: list[PlacementProblem]


def split_of(names: str, cluster: Cluster, members: int, held_out: int, seed: int) -> Split:
    """Members of a family, the same for the same counts and seed; or graphs by their names.

    Graphs with commas between are both: who learns takes them, and who places does. Raises
    `ValueError`, one sentence, where there is no such family or graph.
    """
    if not ("," in names or names in MODELS or names.startswith(RANDOM)):
        kind = family(names)
        known, unseen = kind.split(members, held_out, seed)
        return Split(problems_of(kind, known, cluster), problems_of(kind, unseen, cluster))
    graphs = [placement_graph(name.strip()) for name in names.split(",")]
    problems = [problem_of(instance_of(graph, cluster)) for graph in graphs]
    return Split(problems, problems)


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
        zero_shot = place(problem, policy, budget, seed)
        yield Generalisation(
            problem.name,
            early_ms=tuple(_after(zero_shot, count) / NS_PER_MS for count in COUNTS),
            zero_shot_ms=zero_shot.cost / NS_PER_MS,
            fine_tuned_ms=fine_tune(problem, policy, budget, seed).cost / NS_PER_MS,
            from_nothing_ms=learn(problem, budget, seed).cost / NS_PER_MS,
            single_ms=_single_ns(problem) / NS_PER_MS,
        )


def _after(found: Found, count: int) -> float:
    """The best cost after so many placements."""
    return min((cost for simulations, cost in found.curve if simulations <= count), default=inf)


def _single_ns(problem: PlacementProblem) -> float:
    from apollo.search.placement.baselines.single import single_device

    devices = len(problem.device_names)
    return single_device(problem, None, Budget(devices), 0).cost

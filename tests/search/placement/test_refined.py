"""Learning, then local search: counts, and that nothing is lost."""

from dataclasses import replace

import numpy as np

from apollo.arch.cluster_file import load_cluster
from apollo.search.placement.found import Budget
from apollo.search.placement.graphs.catalogue import placement_graph
from apollo.search.placement.instance import instance_of
from apollo.search.placement.problem import Costs, PlacementProblem
from apollo.search.placement.refined import learn_and_search
from apollo.search.placement.step import problem_of


def counted() -> tuple[PlacementProblem, list[int]]:
    """A problem, and the sizes of the batches that were simulated."""
    graph = placement_graph("random:4x3:1")
    problem, batches = problem_of(instance_of(graph, load_cluster("2gpu"))), list[int]()

    def costs(placements: np.ndarray) -> Costs:
        batches.append(len(placements))
        return problem.costs(placements)

    return replace(problem, costs=costs), batches


def test_every_simulation_counts_and_the_curve_ends_at_the_result() -> None:
    problem, batches = counted()
    found = learn_and_search(problem, Budget(200), seed=0)
    assert sum(batches) == found.simulations <= 200
    assert found.curve[-1][1] == found.cost == problem.cost(found.placement)
    assert [cost for _, cost in found.curve] == sorted((c for _, c in found.curve), reverse=True)
    counts = [count for count, _ in found.curve]
    assert counts == sorted(counts)


def test_it_is_no_worse_than_what_was_learned() -> None:
    from apollo.search.placement.learning.learn import learn

    problem, _ = counted()
    learned = learn(problem, Budget(80), 1)
    assert learn_and_search(problem, Budget(100), 1).cost <= learned.cost


def test_a_budget_of_one_is_kept() -> None:
    problem, batches = counted()
    assert learn_and_search(problem, Budget(1), 0).simulations == sum(batches) == 1

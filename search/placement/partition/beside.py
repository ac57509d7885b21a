"""Optimizers of placements on partition graphs, as rows beside the methods of the paper."""

import math
from collections.abc import Iterator, Sequence

from apollo.search.placement.found import Budget
from apollo.search.placement.optimizers import place_problem
from apollo.search.placement.partition.problem import partition_problem
from apollo.search.placement.partition.table import PartitionRow, objective_for


def optimizer_rows(
    graph: str, objective: str | None, optimizers: Sequence[str], simulations: int, seed: int
) -> Iterator[PartitionRow]:
    """A row for each optimizer, with so many placements each.

    Raises `ValueError`, one sentence, for a graph or an optimizer that there is not, and for one
    that needs operators.
    """
    least = objective_for(graph, objective)
    problem = partition_problem(graph, least)
    for name in optimizers:
        found = place_problem(name, problem, None, Budget(simulations), seed)
        costs = problem.costs(found.placement[None, :])
        cost, lacking = float(costs.cost[0]), int(costs.overflow_bytes[0])
        note = "" if math.isfinite(found.cost) else "nothing that was tried fits the memories"
        yield PartitionRow(graph, least, name, cost, lacking, None, None, note)

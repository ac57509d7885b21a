"""The best placement with the best schedule, and a proof of it, by CP-SAT of OR-tools.

L. Perron, F. Didier, S. Gay, "The CP-SAT-LP solver" (CP 2023). The schedule that it finds is in any
order that keeps the rules (`schedule_model.py`); a device of the simulator starts what it must. So
`bound_ns` is below the step time of every placement, and the placement of the best schedule is
what this baseline gives, as the simulator runs it. What is the best for the simulator, and not
merely bounded, `exhaustive.py` says of a small problem.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from apollo.search.placement.baselines.plan import operators_of
from apollo.search.placement.baselines.single import single_placements
from apollo.search.placement.found import Budget, Found, Tries
from apollo.search.placement.instance import Instance
from apollo.search.placement.problem import Ints, PlacementProblem
from apollo.search.placement.step import Simulator, Step

MOST_OPERATORS = 400
_EFFORT = 10.0  # of CP-SAT's deterministic seconds, where the budget names no time


@dataclass(frozen=True)
class Proof:
    """The best schedule known, and what is proved of all. `S` schedules, each better."""

    placements: Ints  # [S, G] of every schedule that was found, the best last
    schedule_ns: float  # of the best, in the best order known; infinite if there is none
    bound_ns: int  # no placement takes less in any order
    is_optimal: bool  # whether the two are the same


def optimal_schedule(
    problem: PlacementProblem, instance: Instance, known: Step | None, budget: Budget, seed: int
) -> Proof:
    """What is found and proved when the time of the budget is over; from a run that is known.

    Raises `ValueError`, one sentence, for a graph of too many operators.
    """
    count = len(instance.graph.names)
    if count > MOST_OPERATORS:
        raise ValueError(
            f"CP-SAT schedules graphs of at most {MOST_OPERATORS} operators, not the {count:,} of "
            f"'{instance.graph.name}'."
        )
    # Imported here, as OR-tools takes long to.
    from ortools.sat.python.cp_model import CpSolver

    from apollo.search.placement.baselines.schedule_model import Collector, ScheduleModel

    made = ScheduleModel(problem, instance, known.step_ns if known else _longest_ns(instance))
    if known:
        made.hint(known)
    solver, found = CpSolver(), Collector(made)
    _set(solver.parameters, budget, seed)
    status = solver.status_name(solver.solve(made.model, found))
    has_one = len(found.placements) > 0
    return Proof(
        np.array(found.placements, np.int64).reshape(-1, len(made.is_on)),
        solver.objective_value if has_one else np.inf,
        int(solver.best_objective_bound),
        is_optimal=has_one and status == "OPTIMAL",
    )


def cp_sat(
    problem: PlacementProblem, instance: Instance | None, budget: Budget, seed: int
) -> Found:
    """The best of single devices and of the placements of ever better schedules."""
    instance = operators_of("CP-SAT", problem, instance)
    tries = Tries(problem, budget)
    costs = tries.costs(single_placements(problem)[: tries.left])
    fits = np.isfinite(costs.ranked).any()
    known = Simulator(instance).run(tries.found().placement) if fits else None
    proof = optimal_schedule(problem, instance, known, budget, seed)
    # The time is spent; what was found with it is simulated all the same.
    left = budget.simulations - tries.simulations
    tries.costs(proof.placements[::-1][:left])
    return tries.found()


def _set(parameters: Any, budget: Budget, seed: int) -> None:
    parameters.num_workers = 1  # several do not give the same answer twice
    parameters.random_seed = seed % (1 << 31)
    if np.isfinite(budget.seconds):
        parameters.max_time_in_seconds = budget.seconds
    else:
        parameters.max_deterministic_time = _EFFORT


def _longest_ns(instance: Instance) -> int:
    """No schedule need take longer than one thing after the other."""
    links, sizes = instance.links, instance.edges.sent_bytes
    sending = 1 + int(links.overhead_ns.max()) + int(links.latency_ns.max())
    bytes_ns = -(-1000 * int(sizes.sum()) // int(links.bytes_per_us.min()))
    return int(instance.duration_ns.max(axis=1).sum()) + (sending + 1) * len(sizes) + bytes_ns

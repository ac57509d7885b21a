import numpy as np
import pytest

from apollo.search.placement.baselines.cp_sat import cp_sat, optimal_schedule
from apollo.search.placement.baselines.exhaustive import exhaustive
from apollo.search.placement.found import Budget
from apollo.search.placement.graphs.known import chain, fork_join
from apollo.search.placement.instance import Instance, instance_of
from apollo.search.placement.step import Simulator, problem_of
from tests.search.placement.baselines.problems import layered
from tests.search.placement.graphs.clusters import equal_devices

ALL = Budget(5000)


def small(seed: int) -> Instance:
    return layered(seed, operators=7, groups=4)


@pytest.mark.parametrize("seed", range(6))
def test_the_proof_bounds_every_placement(seed: int) -> None:
    instance = small(seed)
    problem = problem_of(instance)
    best = exhaustive(problem, instance, ALL, 0)
    proof = optimal_schedule(problem, instance, None, ALL, 0)
    assert proof.is_optimal
    assert proof.bound_ns == proof.schedule_ns <= best.cost
    # a schedule is no shorter than the work of its operators where each is fastest
    least = np.where(instance.duration_ns > 0, instance.duration_ns, 1 << 40).min(axis=1)
    assert proof.bound_ns >= least.max()
    assert cp_sat(problem, instance, ALL, 0).cost >= best.cost


def test_a_known_run_changes_no_proof() -> None:
    instance = small(0)
    problem = problem_of(instance)
    known = Simulator(instance).run(exhaustive(problem, instance, ALL, 0).placement)
    one, two = (optimal_schedule(problem, instance, each, ALL, 0) for each in (None, known))
    assert (one.schedule_ns, one.bound_ns) == (two.schedule_ns, two.bound_ns)


def test_known_optima_are_proved() -> None:
    for known, transfer_ns in ((chain(6, seed=1), 1), (fork_join(4, 10, 4), 4)):
        instance = instance_of(known.graph, equal_devices(2, transfer_ns))
        proof = optimal_schedule(problem_of(instance), instance, None, ALL, 0)
        assert (proof.schedule_ns, proof.bound_ns, proof.is_optimal) == (
            known.step_ns,
            known.step_ns,
            True,
        )


def test_parameters_that_no_placement_holds_have_no_schedule() -> None:
    instance = layered(4, operators=8, groups=5, memory_bytes=250)
    problem = problem_of(instance)
    if problem.groups.memory_bytes.sum() > problem.memory_bytes.sum():
        proof = optimal_schedule(problem, instance, None, ALL, 0)
        assert (len(proof.placements), proof.schedule_ns, proof.is_optimal) == (0, np.inf, False)


def test_a_large_graph_is_refused() -> None:
    instance = layered(0, operators=401)
    with pytest.raises(
        ValueError,
        match=r"^CP-SAT schedules graphs of at most 400 operators, not the 401 of 'case'\.$",
    ):
        optimal_schedule(problem_of(instance), instance, None, ALL, 0)

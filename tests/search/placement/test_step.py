"""The kernel against the tick-by-tick reference, and what no step can break."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from apollo.arch.cluster import Cluster, Link
from apollo.search.placement.instance import Instance
from apollo.search.placement.step import Simulator, problem_of
from tests.search.placement.agreement import assert_agree
from tests.search.placement.cases import Case, cases, instance_of_columns, random_case, with_gaps

ROOT = Path(__file__).resolve().parents[3]
SEEDS = range(200)


@settings(max_examples=150, deadline=None)
@given(case=cases())
def test_kernel_agrees_with_reference(case: Case) -> None:
    assert_agree(*case)


@pytest.mark.parametrize("hundred", range(4))
def test_kernel_agrees_with_reference_on_hundreds(hundred: int) -> None:
    for seed in range(100 * hundred, 100 * (hundred + 1)):
        assert_agree(*random_case(seed))


@pytest.mark.parametrize("seed", range(5))
def test_kernel_agrees_with_reference_on_larger_graphs(seed: int) -> None:
    assert_agree(*random_case(10_000 + seed, most=50))


@pytest.mark.slow
@settings(max_examples=5000, deadline=None)
@given(case=cases(most=16))
def test_kernel_agrees_with_reference_on_thousands(case: Case) -> None:
    assert_agree(*case)


@pytest.mark.slow
@pytest.mark.parametrize("hundred", range(10))
def test_kernel_agrees_with_reference_on_larger_graphs_by_the_hundred(hundred: int) -> None:
    for seed in range(100 * hundred, 100 * (hundred + 1)):
        assert_agree(*random_case(1_000_000 + seed, most=50))


def in_subprocess(seeds: int, **variables: str) -> None:
    script = (
        "from tests.search.placement.agreement import assert_agree\n"
        "from tests.search.placement.cases import random_case\n"
        f"for seed in range({seeds}): assert_agree(*random_case(20_000 + seed, most=30))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", script],
        cwd=ROOT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


def test_kernel_agrees_with_reference_without_jit() -> None:
    # as Python: an index beyond an array or an overflow is an error there
    in_subprocess(12, NUMBA_DISABLE_JIT="1")


@pytest.mark.slow
def test_no_index_is_out_of_range(tmp_path: Path) -> None:
    in_subprocess(100, NUMBA_BOUNDSCHECK="1", NUMBA_CACHE_DIR=str(tmp_path))


def test_a_step_is_not_shorter_than_its_critical_path() -> None:
    for seed in SEEDS:
        instance, placement = random_case(seed)
        step = Simulator(instance).run(np.array(placement))
        graph = instance.graph
        longest = instance.duration_ns[np.arange(len(graph.names)), step.device].tolist()
        taken = list(longest)
        for edge in np.lexsort((graph.source, graph.target)):
            one, two = graph.source[edge], graph.target[edge]
            longest[two] = max(longest[two], longest[one] + taken[two])
        assert step.step_ns >= max(longest)


def test_a_step_is_not_shorter_than_its_busiest_device() -> None:
    for seed in SEEDS:
        instance, placement = random_case(seed)
        step = Simulator(instance).run(np.array(placement))
        for device in range(len(instance.cluster.devices)):
            mine = step.device == device
            assert step.step_ns >= instance.duration_ns[mine, device].sum()


def test_one_device_takes_the_sum_of_durations_and_sends_nothing() -> None:
    for seed in SEEDS:
        instance, placement = random_case(seed)
        for device in range(len(instance.cluster.devices)):
            step = Simulator(instance).run(np.full(len(placement), device))
            assert step.step_ns == instance.duration_ns[:, device].sum()
            assert len(step.transfers.operator) == 0


def test_many_placements_cost_what_each_costs_alone() -> None:
    generator = np.random.default_rng(0)
    for seed in range(50):
        instance, _ = random_case(seed)
        devices = len(instance.cluster.devices)
        placements = generator.integers(0, devices, (7, instance.graph.groups))
        together = Simulator(instance).costs(placements)
        for number, placement in enumerate(placements):
            alone = Simulator(instance).run(placement)
            assert together.cost[number] == alone.step_ns
            assert together.overflow_bytes[number] == alone.overflow_bytes


def two_devices(instance: Instance) -> bool:
    return len(instance.cluster.devices) > 1


def test_a_placement_on_a_device_that_cannot_run_an_operator_is_none() -> None:
    instance, placement = next(
        (one, two) for one, two in map(random_case, SEEDS) if two_devices(one) and len(two) > 1
    )
    gaps = with_gaps(instance, operator=0, device=1)
    placement[int(gaps.graph.group[0])] = 1
    problem = problem_of(gaps)
    assert problem.cost(np.array(placement)) == np.inf
    assert not problem.groups.allowed[gaps.graph.group[0], 1]
    with pytest.raises(ValueError, match=r"^Device 'd1' cannot run operator 'op0' \(Case\)\.$"):
        Simulator(gaps).run(np.array(placement))


def test_a_device_without_memory_for_any_operator_is_refused() -> None:
    instance, _ = random_case(0)
    device = instance.cluster.devices[0]
    cluster = Cluster("case", (device,), {})
    with pytest.raises(
        ValueError,
        match=rf"^Device 'd0' of cluster 'case' has no memory for any operator of 'case' that it "
        rf"can run: the least takes {device.memory_bytes + 1:,} bytes, not "
        rf"{device.memory_bytes:,}\.$",
    ):
        instance_of_columns([[1]], [], cluster, parameter_bytes=[device.memory_bytes + 1])


def test_a_device_that_can_run_nothing_is_refused() -> None:
    devices = tuple(random_case(0)[0].cluster.devices[:2])
    names = [device.name for device in devices]
    links = {(one, two): Link("bus", 1) for one in names for two in names if one != two}
    with pytest.raises(ValueError, match=r"^Device 'd1' of cluster 'case' can run no operator of "):
        instance_of_columns([[1, 0], [2, 0]], [], Cluster("case", devices, links))

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings

from apollo.simulator import engine
from apollo.simulator.stalls import stall_cycles
from tests.simulator.agreement import Case, assert_agree, random_case
from tests.strategies import cases

ROOT = Path(__file__).resolve().parents[2]


@settings(max_examples=200, deadline=None)
@given(case=cases())
def test_kernel_agrees_with_reference(case: Case) -> None:
    assert_agree(*case)


@pytest.mark.parametrize("ten", range(10))
def test_kernel_agrees_with_reference_on_hundreds(ten: int) -> None:
    for seed in range(30 * ten, 30 * (ten + 1)):
        assert_agree(*random_case(seed, most=24))


@pytest.mark.parametrize("seed", range(20))
def test_kernel_agrees_with_reference_on_longer_programs(seed: int) -> None:
    assert_agree(*random_case(10_000 + seed, most=80))


@pytest.mark.slow
@settings(max_examples=3000, deadline=None)
@given(case=cases(max_instructions=40))
def test_kernel_agrees_with_reference_on_thousands(case: Case) -> None:
    assert_agree(*case)


@pytest.mark.slow
@pytest.mark.parametrize("hundred", range(15))
def test_kernel_agrees_with_reference_on_longer_programs_by_the_hundred(hundred: int) -> None:
    for seed in range(100 * hundred, 100 * (hundred + 1)):
        assert_agree(*random_case(1_000_000 + seed, most=100))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_kernel_agrees_with_reference_on_long_programs(seed: int) -> None:
    assert_agree(*random_case(2_000_000 + seed, most=1500))


def test_kernel_agrees_with_reference_without_jit() -> None:
    # as Python: an index beyond an array or an overflow is an error there
    script = (
        "from tests.simulator.agreement import assert_agree, random_case\n"
        "for seed in range(12): assert_agree(*random_case(20_000 + seed, most=30))\n"
    )
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    ran = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-c", script],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr


def test_every_cause_of_stalls_is_compared() -> None:
    idle = sum(stall_cycles(engine.simulate(*random_case(seed, most=24))) for seed in range(300))
    for unit, causes in enumerate(idle):
        waits = [cause for cause in range(len(causes)) if cause != unit + 2]
        assert (causes[waits] > 0).all()
        assert causes[unit + 2] == 0

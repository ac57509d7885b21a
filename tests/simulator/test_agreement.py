import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import Program
from tests.simulator.agreement import assert_agree, random_case
from tests.strategies import accelerators, programs

ROOT = Path(__file__).resolve().parents[2]


@settings(max_examples=300, deadline=None)
@given(program=programs(), accelerator=accelerators())
def test_kernel_agrees_with_reference(program: Program, accelerator: Accelerator) -> None:
    assert_agree(program, accelerator)


@pytest.mark.parametrize("seed", range(20))
def test_kernel_agrees_with_reference_on_longer_programs(seed: int) -> None:
    assert_agree(*random_case(seed, most=80))


@pytest.mark.slow
@settings(max_examples=3000, deadline=None)
@given(program=programs(max_instructions=40), accelerator=accelerators())
def test_kernel_agrees_with_reference_on_thousands(
    program: Program, accelerator: Accelerator
) -> None:
    assert_agree(program, accelerator)


@pytest.mark.slow
@pytest.mark.parametrize("hundred", range(30))
def test_kernel_agrees_with_reference_on_thousands_of_longer_programs(hundred: int) -> None:
    for seed in range(100 * hundred, 100 * (hundred + 1)):
        assert_agree(*random_case(1_000_000 + seed, most=100))


def test_kernel_agrees_with_reference_without_jit() -> None:
    # as Python: an index beyond an array or an overflow is an error there
    script = (
        "from tests.simulator.agreement import assert_agree, random_case\n"
        "for seed in range(12): assert_agree(*random_case(seed, most=30))\n"
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

"""Every compute opcode against its meaning, on random shapes, pitches, grids and flags."""

import numpy as np
import pytest

from tests.simulator.functional.build import run_on
from tests.simulator.functional.draw import OPCODES, Case, draw
from tests.simulator.functional.meaning import expected


def assert_agrees(case: Case) -> None:
    machine = run_on(case.chip, case.pe, case.core, {"opcode": case.opcode, **case.operands})
    wanted = expected(case.opcode, case.operands, case.pe, case.core)
    np.testing.assert_array_equal(machine.pe_memory[:, : wanted.shape[1]], wanted)


@pytest.mark.parametrize("seed", range(16))
@pytest.mark.parametrize("opcode", OPCODES)
def test_opcodes_mean_what_the_manual_says(opcode: str, seed: int) -> None:
    assert_agrees(draw(np.random.default_rng([seed, len(opcode), ord(opcode[0])]), opcode))

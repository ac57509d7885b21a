"""A sample of the zoo, executed: the rest is `python -m tests.compiler.zoo`."""

import pytest

from apollo.arch.accelerator import load_design
from tests.compiler.checks import random_designs
from tests.compiler.zoo.cases import THIRD_PARTY
from tests.compiler.zoo.runs import executed


@pytest.mark.parametrize("name", ["transformer_encoder_tiny_4", "rnnt_joint", *THIRD_PARTY])
def test_programs_leave_the_integers_of_the_reference(name):
    designs = [load_design("edge_tpu_v1"), *random_designs(2, seed=5)]
    outcomes, seen = executed(name, designs)
    assert {outcome.state for outcome in outcomes.values()} <= {"equal", "does not fit"}, outcomes
    assert outcomes["0 edge_tpu_v1"].state == "equal"
    assert seen["STORE"]

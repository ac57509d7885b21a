"""Compiled programs take the same cycles in both simulators."""

import pytest

from apollo.arch.accelerator import load_design
from apollo.compiler.pipeline import compile_network
from apollo.simulator import reference
from apollo.simulator.engine import simulate
from tests.compiler.checks import network, random_designs
from tests.simulator.agreement import differing_columns


@pytest.mark.parametrize("name", ["conv:15x17x24x40x3x2", "gemm:30x200x77", "odd"])
def test_compiled_programs_take_the_same_cycles_in_the_reference(name: str) -> None:
    designs = [load_design("edge_tpu_v2"), load_design("edge_tpu_v3"), *random_designs(3, seed=11)]
    for design in designs:
        program = compile_network(network(name), design).cold
        expected = reference.simulate(program, design)
        assert differing_columns(simulate(program, design), expected) == []

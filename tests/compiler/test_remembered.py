"""Programs that are remembered are those that would be compiled."""

from dataclasses import replace

import numpy as np
import pytest

from apollo.arch.accelerator import Accelerator, load_design
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.lower import lower
from apollo.compiler.network import Network
from apollo.compiler.options import Fixed, Options
from apollo.compiler.pipeline import Compiled, compile_network
from apollo.compiler.remembered import Remembered
from apollo.workloads.catalogue import load_model

NETWORK = lower(load_model("mobilenet_v1_0.25_128", 1).graph)
OTHER = lower(load_model("mobilenet_v2_0.35_96", 1).graph)
DESIGN = load_design("edge_tpu_v1")


def _programs(compiled: Compiled) -> tuple[bytes, ...]:
    columns = ("opcode", "layer", "wait", "operand")
    programs = (compiled.cold, compiled.warm)
    return tuple(getattr(each, name).tobytes() for each in programs for name in columns)


def test_a_design_that_the_compiler_sees_alike_has_the_same_program() -> None:
    remembered = Remembered()
    first = remembered(NETWORK, DESIGN)
    unseen = replace(DESIGN, parameter_memory_bytes=2 * DESIGN.parameter_memory_bytes)
    again = remembered(NETWORK, unseen)
    assert again.cold is first.cold
    assert again.accelerator == unseen
    assert first.accelerator == DESIGN
    assert _programs(again) == _programs(compile_network(NETWORK, unseen))


@pytest.mark.parametrize(
    ("network", "design", "options"),
    [
        (OTHER, DESIGN, Options()),
        (NETWORK, replace(DESIGN, cores=DESIGN.cores * 2), Options()),
        (NETWORK, DESIGN, Options(fixed=(Fixed.of("*:resident=no"),))),
    ],
)
def test_what_the_compiler_sees_is_compiled_anew(
    network: Network, design: Accelerator, options: Options
) -> None:
    remembered = Remembered()
    remembered(NETWORK, DESIGN)
    assert _programs(remembered(network, design, options)) == _programs(
        compile_network(network, design, options)
    )


def test_only_so_many_instructions_are_known() -> None:
    count = len(compile_network(NETWORK, DESIGN).cold.opcode)
    remembered = Remembered(most=5 * count)
    designs = [replace(DESIGN, core_memory_bytes=DESIGN.core_memory_bytes << i) for i in range(6)]
    for design in designs:
        remembered(NETWORK, design)
        known = [program for found in remembered._known.values() for program in _programs(found)]
        assert np.sum([len(each) for each in known[::4]]) <= 5 * count * 4
    assert remembered(NETWORK, designs[-1]).cold is remembered(NETWORK, designs[-1]).cold


def test_what_does_not_fit_is_said_each_time() -> None:
    remembered = Remembered()
    small = replace(DESIGN, pe_memory_bytes=64)
    for _ in range(2):
        with pytest.raises(DoesNotFit):
            remembered(NETWORK, small)

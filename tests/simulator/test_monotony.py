"""More of something is never slower, where it is not: programs that are fetched without the DRAM.

The rule holds when at most one of PARAM, ACT and STORE uses the DRAM, and its bus is its own. With
two of them, or with MOVE beside ACT or STORE, in-order engines and round-robin allow anomalies.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import SPECIFICATIONS, Engine, Opcode
from tests.choices import OF_ARRAYS, OF_LANES
from tests.instructions import make_program
from tests.simulator.agreement import Case
from tests.simulator.build import load_activations, move, tile
from tests.simulator.conftest import Simulate
from tests.simulator.designs import V1
from tests.strategies import random_accelerator, random_program

# Instructions come over a link of their own.
FETCHED: dict[str, Any] = dict(
    host_streams=("FETCH",), host_gb_per_s=1, host_latency_ns=1, instruction_memory_bytes=1 << 14
)


def fetched_case(rng: np.random.Generator, stream: Engine) -> Case:
    """A program in which of the engines with DRAM only this one has instructions."""
    chip = replace(random_accelerator(rng), **FETCHED)
    sharing = {Engine.PARAM, Engine.ACT, Engine.STORE} - {stream}
    if stream != Engine.PARAM:
        sharing.add(Engine.MOVE)
    missing = {opcode for opcode in Opcode if SPECIFICATIONS[opcode].engine in sharing}
    missing.update(OF_LANES if chip.is_systolic else OF_ARRAYS)
    return random_program(rng, int(rng.integers(2, 20)), chip, missing), chip


def better(chip: Accelerator, rng: np.random.Generator) -> list[Accelerator]:
    """The same with more bandwidth, with lower latency and with more staging."""
    burst = chip.burst_bytes
    most = burst * chip.clock_mhz // 900  # a burst a cycle
    more = int(rng.integers(1, 4 * burst))
    return [
        replace(chip, dram_gb_per_s=int(rng.integers(chip.dram_gb_per_s, most + 1))),
        replace(chip, dram_latency_ns=int(rng.integers(1, chip.dram_latency_ns + 1))),
        replace(
            chip,
            parameter_memory_bytes=chip.parameter_memory_bytes + more,
            activation_memory_bytes=chip.activation_memory_bytes + more,
        ),
    ]


@pytest.mark.parametrize("stream", [Engine.PARAM, Engine.ACT, Engine.STORE])
def test_more_is_never_slower(simulate: Simulate, stream: Engine) -> None:
    faster = 0
    for seed in range(40):
        rng = np.random.default_rng(9000 + seed)
        program, chip = fetched_case(rng, stream)
        before = simulate(program, chip)
        for design in better(chip, rng):
            after = simulate(program, design)
            assert (after.finish <= before.finish).all()
            faster += after.latency_cycles < before.latency_cycles
    assert faster >= 10


def test_a_load_that_comes_earlier_may_delay_a_move(simulate: Simulate) -> None:
    # An anomaly: with a latency of 80 the load asks for the bus in the same cycle as the move, and
    # has it first, for 32 cycles; with 81 the move has it, and all that waits for it is earlier.
    rows = [load_activations(256), tile(80), move(64, COMPUTE=1), tile(1000, MOVE=1)]
    design = replace(V1, **FETCHED, activation_bus_bytes=8)
    slower = replace(design, dram_latency_ns=102)
    assert (design.dram_latency_cycles, slower.dram_latency_cycles) == (80, 82)
    program = make_program(rows)
    assert simulate(program, design).latency_cycles > simulate(program, slower).latency_cycles

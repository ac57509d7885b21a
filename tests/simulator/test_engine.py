"""What the kernel refuses, what it skips, and how little memory it takes."""

from dataclasses import replace

import numpy as np
import pytest

from apollo.arch.accelerator import Accelerator, load_design
from apollo.arch.isa import ENGINES, SPECIFICATIONS, Opcode
from apollo.arch.operands import OPERANDS
from apollo.arch.program import Program
from apollo.simulator.engine import machine_of, simulate

V1 = load_design("edge_tpu_v1")
ARRAY = replace(V1, pes_x=1, pes_y=1, cores=1, array_rows=8, array_columns=8, accumulator_rows=64)


def program_of(*instructions: tuple[Opcode, dict[str, int]]) -> Program:
    """These instructions without waits; operands not given have their least value, or zero."""
    operand = np.zeros((len(instructions), OPERANDS), np.int64)
    for row, (opcode, operands) in zip(operand, instructions, strict=True):
        for field in SPECIFICATIONS[opcode].fields:
            row[field.slot] = operands.get(field.name, max(field.low, 0))
    opcodes = np.array([opcode for opcode, _ in instructions])
    zeros = np.zeros(len(instructions), np.int64)
    return Program(opcodes, zeros, np.zeros((len(instructions), ENGINES), int), operand, ("all",))


@pytest.mark.parametrize(
    ("design", "opcode", "sentence"),
    [
        *(
            (V1, opcode, "needs a systolic array, which design 'edge_tpu_v1' does not have")
            for opcode in (Opcode.SHIFT_WEIGHTS, Opcode.MATMUL, Opcode.DRAIN)
        ),
        *(
            (ARRAY, opcode, "needs lanes that multiply, but design 'edge_tpu_v1' has a systolic ")
            for opcode in (Opcode.CONVOLVE, Opcode.DEPTHWISE, Opcode.CONVOLVE_SPARSE)
        ),
    ],
)
def test_opcodes_without_a_unit_are_refused(
    design: Accelerator, opcode: Opcode, sentence: str
) -> None:
    ending = "array" if sentence.endswith(" ") else ""
    with pytest.raises(ValueError, match="needs") as caught:
        simulate(program_of((Opcode.COPY, {}), (opcode, {})), design)
    assert str(caught.value) == f"Instruction 1 of 2 ({opcode.name}) {sentence}{ending}."


@pytest.mark.parametrize("design", [V1, ARRAY])
def test_vector_operations_run_on_both(design: Accelerator) -> None:
    vector = [opcode for opcode in Opcode if Opcode.POOL_MAX <= opcode <= Opcode.NORMALIZE]
    program = program_of(*((opcode, {}) for opcode in vector))
    assert simulate(program, design).latency_cycles > 0


LARGEST = {
    Opcode.CONVOLVE: ("rows", "columns", "in_channels", "out_channels", "kernel_rows"),
    Opcode.LOAD_PARAMETERS: ("segments", "segment_bytes"),
}


@pytest.mark.parametrize("opcode", LARGEST)
def test_what_cannot_be_counted_is_refused(opcode: Opcode) -> None:
    fields = {field.name: field.high for field in SPECIFICATIONS[opcode].fields}
    slow = replace(V1, dram_gb_per_s=1, clock_mhz=100_000, dram_efficiency_percent=1)
    operands = {name: fields[name] for name in LARGEST[opcode]}
    program = program_of(*[(Opcode.COPY, {})] + [(opcode, operands)] * 3)
    with pytest.raises(ValueError, match="counted") as caught:
        simulate(program, slow)
    assert str(caught.value).endswith("let the program run for more cycles than can be counted.")


def test_long_loads_are_skipped_over_exactly() -> None:
    # A thousand bursts take the credit of a thousand bursts, wherever the program is.
    program = program_of((Opcode.LOAD_PARAMETERS, {"segment_bytes": 256 * 10**9 // 512}))
    machine = machine_of(V1)
    timeline = simulate(program, V1)
    assert machine.param_flows
    bursts = timeline.channel_bytes[1] // 256
    last = timeline.start[0] + -(-((bursts - 1) * machine.cost[0] - 152) // machine.gain[0])
    assert timeline.finish[0] == last + 80 + 4


@pytest.mark.parametrize(
    ("fields", "flows"),
    [
        ({}, True),
        ({"parameter_memory_bytes": 256}, False),
        ({"parameter_memory_bytes": 6 * 256}, False),  # 80 cycles at least; latency and bus: 84
        ({"parameter_memory_bytes": 7 * 256}, True),
        ({"parameter_bus_bytes": 256 // 13}, False),  # 14 cycles a burst; credit takes 13 at times
        ({"parameter_bus_bytes": 256 // 12}, True),
    ],
)
def test_parameters_flow_where_staging_and_bus_cannot_bind(
    fields: dict[str, int], flows: bool
) -> None:
    assert machine_of(replace(V1, **fields)).param_flows == flows

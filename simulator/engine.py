"""Programs and accelerators in, timelines out: here objects stop and the kernel's columns begin."""

from apollo.arch.accelerator import BURST_BYTES, Accelerator
from apollo.arch.isa import Program
from apollo.simulator.kernels.columns import columns
from apollo.simulator.kernels.simulate import simulate as simulate_columns
from apollo.simulator.kernels.state import (
    FINISH,
    NEVER,
    START,
    VISIBLE,
    WRITE_BUFFER_SLOTS,
    Machine,
)
from apollo.simulator.timeline import Timeline


def machine_of(accelerator: Accelerator, skip: bool = True) -> Machine:
    """The numbers that the timing rules need of an accelerator."""
    rate = accelerator.dram_bytes_per_cycle
    cost = BURST_BYTES * rate.denominator
    param_slots = accelerator.parameter_memory_bytes // BURST_BYTES
    act_slots = accelerator.activation_memory_bytes // BURST_BYTES
    return Machine(
        burst_bytes=BURST_BYTES,
        credit_num=rate.numerator,
        burst_cost=cost,
        credit_cap=cost + rate.numerator - 1,
        latency_cycles=accelerator.dram_latency_cycles,
        ring_bytes=accelerator.instruction_memory_bytes,
        param_slots=param_slots,
        act_slots=act_slots,
        param_bus_bytes=accelerator.parameter_bus_bytes,
        act_bus_bytes=accelerator.activation_bus_bytes,
        burst_wait=-(-cost // rate.numerator),
        param_burst_cycles=-(-BURST_BYTES // accelerator.parameter_bus_bytes),
        act_burst_cycles=-(-BURST_BYTES // accelerator.activation_bus_bytes),
        queue_mask=(1 << (max(param_slots, act_slots, WRITE_BUFFER_SLOTS) - 1).bit_length()) - 1,
        skip=skip,
    )


def simulate(program: Program, accelerator: Accelerator, *, skip: bool = True) -> Timeline:
    """Run a program, exactly. `skip=False` visits every event: slower, the same answer.

    Raises `ValueError` for a program that the machine cannot finish (none that is valid).
    """
    table, first = columns(program.opcode, program.operand, accelerator.lanes, BURST_BYTES)
    times, channel_bytes, bus_bytes = simulate_columns(
        table, program.wait, first, machine_of(accelerator, skip)
    )
    finish = times[FINISH]
    if len(program) and int(finish.max()) == NEVER:
        stuck = int((finish == NEVER).argmax())
        raise ValueError(f"Instruction {stuck} of {len(program)} never finishes on this design.")
    return Timeline(program, times[VISIBLE], times[START], finish, channel_bytes, bus_bytes)

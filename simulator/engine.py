"""Programs and accelerators in, timelines out: here objects stop and the kernel's columns begin."""

from functools import lru_cache

import numpy as np

from apollo.arch.accelerator import STREAMS, Accelerator, Channel
from apollo.arch.isa import ENGINES, Opcode
from apollo.arch.program import Program
from apollo.simulator.kernels.initial import initial_state
from apollo.simulator.kernels.queues import queues
from apollo.simulator.kernels.simulate import simulate as simulate_columns
from apollo.simulator.kernels.state import FINISH, START, VISIBLE, Machine
from apollo.simulator.kernels.work import NEEDS_ARRAY, NEEDS_LANES, TOO_LONG, work
from apollo.simulator.timeline import Timeline

_SENTENCES = {
    NEEDS_ARRAY: "({opcode}) needs a systolic array, which design '{design}' does not have",
    NEEDS_LANES: "({opcode}) needs lanes that multiply, but design '{design}' has a systolic array",
    TOO_LONG: "({opcode}) would let the program run for more cycles than can be counted",
}


@lru_cache(maxsize=256)
def machine_of(accelerator: Accelerator, skip: bool = True) -> Machine:
    """The numbers that the timing rules need of an accelerator."""
    dram, *links = accelerator.channels
    link = links[0] if links else dram
    burst_bytes = accelerator.burst_bytes
    on_link = [bool(links) and stream in link.streams for stream in STREAMS]
    fetch, param, act, store = (int(is_on_link) for is_on_link in on_link)
    rates = dram.bytes_per_cycle, link.bytes_per_cycle
    return Machine(
        burst_bytes=burst_bytes,
        gain=(rates[0].numerator, rates[1].numerator),
        cost=(burst_bytes * rates[0].denominator, burst_bytes * rates[1].denominator),
        latency=(dram.latency_cycles, link.latency_cycles),
        channel_of=(fetch, param, act, store),
        ring_bytes=accelerator.instruction_memory_bytes,
        param_slots=accelerator.parameter_memory_bytes // burst_bytes,
        act_slots=accelerator.activation_memory_bytes // burst_bytes,
        param_bus_bytes=accelerator.parameter_bus_bytes,
        act_bus_bytes=accelerator.activation_bus_bytes,
        lanes=accelerator.lanes,
        cores=accelerator.cores,
        array_rows=accelerator.array_rows,
        array_columns=accelerator.array_columns,
        param_flows=_param_flows(accelerator, link if param else dram),
        skip=skip,
    )


def _param_flows(accelerator: Accelerator, channel: Channel) -> bool:
    """Whether parameter bursts, as fast as the credit allows, find bus and a staging slot free.

    `n` bursts after one start no earlier than the credit of n bursts takes, less what one burst
    can leave over. If the bus needs no longer for one than that, a packet is granted when it
    arrives; if as many bursts as there are slots then take at least latency and bus, there is
    always a slot.
    """
    rate, latency = channel.bytes_per_cycle, channel.latency_cycles
    gain, cost = rate.numerator, accelerator.burst_bytes * rate.denominator
    slots = accelerator.parameter_memory_bytes // accelerator.burst_bytes
    bus_cycles = -(-accelerator.burst_bytes // accelerator.parameter_bus_bytes)

    def least_cycles(bursts: int) -> int:
        return -(-(bursts * cost - (gain - 1)) // gain)

    return least_cycles(1) >= bus_cycles and least_cycles(slots) >= latency + bus_cycles


def simulate(program: Program, accelerator: Accelerator, *, skip: bool = True) -> Timeline:
    """Run a program, exactly. `skip=False` visits every event: slower, the same answer.

    Raises `ValueError`, naming the instruction, for a program with an opcode that the chip has no
    unit for (M1), or that the machine cannot finish (none that is valid).
    """
    machine = machine_of(accelerator, skip)
    count = len(program)
    times = np.empty((3, count), np.int64)
    bursts, bus_bytes = np.zeros(len(STREAMS), np.int64), np.zeros(ENGINES, np.int64)
    columns = program.opcode, program.operand
    number, reason = work(*columns, machine, times[START], bursts, bus_bytes)
    if number >= 0:
        raise ValueError(
            f"Instruction {number} of {count} "
            + _SENTENCES[reason].format(
                opcode=Opcode(int(program.opcode[number])).name, design=accelerator.name
            )
            + "."
        )
    queue, first = queues(program.opcode)
    retired = simulate_columns(
        program.opcode,
        program.wait,
        program.operand,
        queue,
        bursts[0],
        machine,
        *initial_state(machine, first, bursts),
        times,
    )
    if retired < count:
        stuck = int(times[FINISH].argmax())
        raise ValueError(f"Instruction {stuck} of {count} never finishes on this design.")
    channel_bytes = bursts * accelerator.burst_bytes
    return Timeline(program, times[VISIBLE], times[START], times[FINISH], channel_bytes, bus_bytes)

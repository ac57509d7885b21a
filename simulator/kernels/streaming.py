"""Bursts and packets in a row: what the rules give while nobody else can ask for channel or bus.

The same steps as a run event by event, in local variables: nearly every burst of a network whose
parameters stream is started here.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import Engine
from apollo.arch.jit import inlined
from apollo.simulator.kernels.state import (
    BUS_BYTES,
    BUS_END,
    BYTES_LEFT,
    CHANNEL_BYTES,
    CREDIT,
    CREDIT_CYCLE,
    LAST_STREAM,
    PARAM_BUS_END,
    PARAM_END,
    PARAM_FREED,
    PARAM_ISSUED,
    PARAM_STREAM,
    Machine,
)

Ints = npt.NDArray[np.int64]

_PARAM, _MOVE = int(Engine.PARAM), int(Engine.MOVE)


@inlined
def credit_wait(credit: int, m: Machine) -> int:
    """Cycles from one with this credit to the first later one with credit for a burst (M5)."""
    missing = m.burst_cost - credit
    if credit >= m.credit_num:
        return max(1, (missing + m.credit_num - 1) // m.credit_num)
    # Less than a cycle's credit is left: the division would give one of these two.
    early = (m.burst_wait - 1) * m.credit_num >= missing
    return max(1, m.burst_wait - (1 if early else 0))


@inlined
def whole_bursts(x: Ints, f: Ints, m: Machine, now: int, horizon: int) -> int:
    """Start bursts of the front load's segment, all but its last, before the horizon.

    Credit is counted up to `now`. Returns the cycle of the last start, `now` if there is none.
    """
    left = (x[BYTES_LEFT + _PARAM] - 1) // m.burst_bytes
    credit, bus_end = x[CREDIT], x[PARAM_BUS_END]
    issued, freed = x[PARAM_ISSUED], x[PARAM_FREED]
    first = issued
    while left > 0:
        cycle = now + credit_wait(credit, m)
        if issued - freed >= m.param_slots:
            cycle = max(cycle, f[PARAM_END, freed & m.queue_mask])
        if cycle >= horizon:
            break
        while freed < issued and f[PARAM_END, freed & m.queue_mask] <= cycle:
            freed += 1
        credit = min(credit + m.credit_num * (cycle - now), m.credit_cap) - m.burst_cost
        now = cycle
        bus_end = max(cycle + m.latency_cycles, bus_end) + m.param_burst_cycles
        f[PARAM_END, issued & m.queue_mask] = bus_end
        issued += 1
        left -= 1
    moved = (issued - first) * m.burst_bytes
    if moved > 0:
        x[CREDIT], x[CREDIT_CYCLE] = credit, now
        x[PARAM_BUS_END] = bus_end
        x[PARAM_ISSUED], x[PARAM_FREED] = issued, freed
        x[LAST_STREAM] = PARAM_STREAM
        x[BYTES_LEFT + _PARAM] -= moved
        x[CHANNEL_BYTES + PARAM_STREAM] += moved
        x[BUS_BYTES + _PARAM] += moved
    return now


@inlined
def packets_before(x: Ints, m: Machine, cycle: int) -> int:
    """Whole packets granted back to back from the end of the one on the bus, before a cycle."""
    cycles = m.act_burst_cycles
    return max(0, (cycle - x[BUS_END] + cycles - 1) // cycles)


@inlined
def move_packets(x: Ints, m: Machine, packets: int) -> None:
    """Grant that many whole packets of the move on the bus."""
    cycles = m.act_burst_cycles
    x[BYTES_LEFT + _MOVE] -= packets * m.burst_bytes
    x[BUS_BYTES + _MOVE] += packets * m.burst_bytes
    x[BUS_END] += packets * cycles

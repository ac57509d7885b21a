"""Bursts and packets in a row, exact: what the rules give while nobody else can ask.

An event has consequences for another resource only if an instruction starts or retires by it, or
if a stream's state changes that the other one reads; and they lie after it. Parameter bursts but
the last of a load have none for bus and other channel, nor have packets but the last of a move for
the channels. So each runs ahead of the other, up to the next event that may have consequences.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined
from apollo.simulator.kernels.bus import next_packet
from apollo.simulator.kernels.channel import channel_cycle, pay
from apollo.simulator.kernels.starts import MOVE, PARAM, param_slot
from apollo.simulator.kernels.state import (
    ACT_PLACE,
    ASK,
    BEGIN,
    BUS_END,
    CHANNELS,
    COUNTDOWN,
    ELIGIBLE,
    GAIN,
    GAP,
    LATENCY,
    LEFT,
    MOVE_PLACE,
    PARAM_BUS_END,
    PARAM_END,
    PARAM_ISSUED,
    PARAM_STREAM,
    PLACE,
    READY,
    REMAINDER,
    STORE_PLACE,
    STREAMS,
    WHOLE_CYCLES,
    Machine,
)

Ints = npt.NDArray[np.int64]

_FEW = 8  # bursts that are stepped through faster than they are divided out
_MANY = 1 << 30  # bursts at once, so that their cost is inside 64 bits


@bare_inlined
def _others_cycle(x: Ints, channel: int) -> int:
    """From when on another stream than PARAM has a burst for the channel."""
    e = ELIGIBLE + STREAMS * channel
    return min(x[e], min(x[e + 2], x[e + 3]))


@bare_inlined
def _bus_consequence(x: Ints) -> int:
    """No grant before this cycle has consequences for a channel or a start."""
    cycle = max(x[BUS_END], min(x[ASK + ACT_PLACE], x[ASK + STORE_PLACE]))
    packets = (x[LEFT + MOVE] - 1) * x[WHOLE_CYCLES + MOVE]
    return min(cycle, max(x[BUS_END], x[ASK + MOVE_PLACE]) + packets)


@bare_inlined
def _channel_consequence(x: Ints, channel: int) -> int:
    """No burst of the channel before this cycle has consequences for the bus or a start."""
    cycle = max(x[READY + channel], _others_cycle(x, channel))
    param = x[ELIGIBLE + STREAMS * channel + PARAM_STREAM]
    bursts = (x[LEFT + PARAM] - 1) * (x[GAP + channel] - 1)
    return min(cycle, max(x[READY + channel], param) + bursts)


@bare_inlined
def move_packets(x: Ints) -> None:
    """Grant whole packets of the move that has just been granted one."""
    last = min(_channel_consequence(x, 0), _channel_consequence(x, 1))
    last = min(last, min(x[ASK + ACT_PLACE], x[ASK + STORE_PLACE]) - 1)
    if last < x[BUS_END] or x[ASK + MOVE_PLACE] > x[BUS_END]:
        return
    cycles = x[WHOLE_CYCLES + MOVE]
    packets = min((last - x[BUS_END]) // cycles + 1, x[LEFT + MOVE] - 1)
    x[LEFT + MOVE] -= packets
    x[COUNTDOWN + MOVE] -= packets
    x[BUS_END] += packets * cycles


@bare_inlined
def _flowing_bursts(x: Ints, m: Machine, channel: int, last: int) -> None:
    """Parameter bursts up to a cycle, held up by credit alone."""
    left, ready, remainder = x[LEFT + PARAM], x[READY + channel], x[REMAINDER + channel]
    gain = x[GAIN + channel]
    if left > _FEW and last - ready > _FEW * x[GAP + channel]:
        # Burst n after the one at `ready` starts with the credit that all n cost.
        cost = m.cost[channel]
        bursts = min(left - 2, _MANY)
        cycles = (bursts * cost - remainder + gain - 1) // gain
        if cycles > last - ready:
            bursts = (remainder + (last - ready) * gain) // cost
            cycles = (bursts * cost - remainder + gain - 1) // gain
        x[REMAINDER + channel] = remainder + cycles * gain - bursts * cost
        x[READY + channel] = ready + cycles
        x[LEFT + PARAM] -= bursts
    while x[READY + channel] <= last and x[LEFT + PARAM] > 1:
        x[LEFT + PARAM] -= 1
        pay(x, channel, x[READY + channel])
    x[COUNTDOWN + PARAM] = x[LEFT + PARAM]


@bare_inlined
def _staged_bursts(x: Ints, f: Ints, m: Machine, channel: int, last: int) -> None:
    """Parameter bursts up to a cycle, held up by credit, staging and bus."""
    mask = f.shape[1] - 1
    place = ELIGIBLE + x[PLACE + PARAM_STREAM]
    while x[LEFT + PARAM] > 1:
        cycle = max(x[READY + channel], x[place])
        if cycle > last:
            break
        pay(x, channel, cycle)
        end = max(cycle + x[LATENCY + PARAM_STREAM], x[PARAM_BUS_END]) + next_packet(x, PARAM)
        x[PARAM_BUS_END] = end
        f[PARAM_END, x[PARAM_ISSUED] & mask] = end
        x[PARAM_ISSUED] += 1
        x[place] = max(x[BEGIN + PARAM], param_slot(x, f, m))


@bare_inlined
def param_bursts(x: Ints, f: Ints, m: Machine, channel: int) -> None:
    """Start bursts of the load that has just had one, all but its last."""
    last = min(_bus_consequence(x), channel_cycle(x, CHANNELS - 1 - channel))
    last = min(last, _others_cycle(x, channel) - 1)
    if not m.param_flows:
        _staged_bursts(x, f, m, channel, last)
    elif x[ELIGIBLE + x[PLACE + PARAM_STREAM]] <= x[READY + channel] <= last:
        _flowing_bursts(x, m, channel, last)

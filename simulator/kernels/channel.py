"""Phase 4: the channels (M5, M6).

After a burst the credit left is below one cycle's gain, and it never matters how long it has been
at its cap. So a channel is two numbers: the first cycle with credit for a burst, and what a burst
in that cycle leaves. A later burst finds the cap, and leaves gain - 1.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import BYTES_OF
from apollo.arch.jit import bare_inlined
from apollo.simulator.kernels.bus import next_packet
from apollo.simulator.kernels.starts import ACT, PARAM, STORE, act_slot, param_slot, release, retire
from apollo.simulator.kernels.state import (
    ACT_ARRIVAL,
    ACT_CYCLES,
    ACT_GRANTED,
    ACT_ISSUED,
    ACT_LAST,
    ACT_PLACE,
    ACT_STREAM,
    ASK,
    BEGIN,
    ELIGIBLE,
    EXCESS,
    FETCH_STREAM,
    FETCHED,
    GAIN,
    GAP,
    LAST_STREAM,
    LATENCY,
    LEFT,
    NAMED,
    NAMED_BYTES,
    NEVER,
    PARAM_BUS_END,
    PARAM_END,
    PARAM_ISSUED,
    PARAM_STREAM,
    PLACE,
    READY,
    REMAINDER,
    STORE_END,
    STORE_GRANTED,
    STORE_LAST,
    STORE_PLACE,
    STORE_STREAM,
    STORE_TAKEN,
    STREAMS,
    VISIBLE,
    WRITE_BUFFER_SLOTS,
    Machine,
)

Ints = npt.NDArray[np.int64]
Column = npt.NDArray[np.int32]


@bare_inlined
def channel_cycle(x: Ints, channel: int) -> int:
    """The cycle of the channel's next burst, as far as is known."""
    e = ELIGIBLE + STREAMS * channel
    return max(x[READY + channel], min(min(x[e], x[e + 1]), min(x[e + 2], x[e + 3])))


@bare_inlined
def pay(x: Ints, channel: int, cycle: int) -> None:
    """A burst starts in that cycle."""
    late = cycle > x[READY + channel]
    left = x[GAIN + channel] - 1 if late else x[REMAINDER + channel]
    left += x[EXCESS + channel]
    carry = left >= x[GAIN + channel]
    x[READY + channel] = cycle + x[GAP + channel] - (1 if carry else 0)
    x[REMAINDER + channel] = left - (x[GAIN + channel] if carry else 0)


@bare_inlined
def _serve_fetch(x: Ints, opcode: Column, t: Ints, m: Machine, now: int) -> bool:
    x[FETCHED] += 1
    arrived = x[FETCHED] * m.burst_bytes
    arrival = now + x[LATENCY + FETCH_STREAM]
    named, end = x[NAMED], x[NAMED_BYTES]
    while named < len(opcode) and end + BYTES_OF[opcode[named]] <= arrived:
        end += BYTES_OF[opcode[named]]
        t[VISIBLE, named] = arrival
        named += 1
    x[NAMED], x[NAMED_BYTES] = named, end
    # Room in the ring for the next burst is looked for by `settle`.
    x[ELIGIBLE + x[PLACE + FETCH_STREAM]] = NEVER
    return True


@bare_inlined
def _serve_param(x: Ints, f: Ints, q: Column, t: Ints, m: Machine, now: int) -> bool:
    end = max(now + x[LATENCY + PARAM_STREAM], x[PARAM_BUS_END]) + next_packet(x, PARAM)
    x[PARAM_BUS_END] = end
    f[PARAM_END, x[PARAM_ISSUED] & (f.shape[1] - 1)] = end
    x[PARAM_ISSUED] += 1
    place = ELIGIBLE + x[PLACE + PARAM_STREAM]
    if x[LEFT + PARAM] > 0:
        x[place] = max(x[BEGIN + PARAM], param_slot(x, f, m))
        return False
    x[place] = NEVER
    retire(x, q, t, PARAM, end)
    release(x, q, PARAM, now + 1)
    return True


@bare_inlined
def _serve_act(x: Ints, f: Ints, q: Column, m: Machine, now: int) -> bool:
    packet = x[ACT_ISSUED]
    slot = packet & (f.shape[1] - 1)
    arrival = now + x[LATENCY + ACT_STREAM]
    f[ACT_CYCLES, slot] = next_packet(x, ACT)
    f[ACT_ARRIVAL, slot] = arrival
    f[ACT_LAST, slot] = 1 if x[LEFT + ACT] == 0 else 0
    x[ACT_ISSUED] = packet + 1
    if x[ACT_GRANTED] == packet:
        x[ASK + ACT_PLACE] = arrival
    place = ELIGIBLE + x[PLACE + ACT_STREAM]
    if x[LEFT + ACT] > 0:
        x[place] = max(x[BEGIN + ACT], act_slot(x, f, m))
        return False
    x[place] = NEVER
    release(x, q, ACT, now + 1)
    return True


@bare_inlined
def _serve_store(x: Ints, f: Ints, q: Column, t: Ints, now: int) -> bool:
    packet = x[STORE_TAKEN]
    x[STORE_TAKEN] = packet + 1
    more = packet + 1 < x[STORE_GRANTED]
    following = f[STORE_END, (packet + 1) % WRITE_BUFFER_SLOTS]
    x[ELIGIBLE + x[PLACE + STORE_STREAM]] = following if more else NEVER
    if x[LEFT + STORE] > 0 and x[STORE_GRANTED] - packet == WRITE_BUFFER_SLOTS:
        x[ASK + STORE_PLACE] = max(x[BEGIN + STORE], now + 1)
    if f[STORE_LAST, packet % WRITE_BUFFER_SLOTS] == 0:
        return False
    retire(x, q, t, STORE, now + 1)
    return True


@bare_inlined
def serve(
    x: Ints,
    f: Ints,
    q: Column,
    opcode: Column,
    t: Ints,
    m: Machine,
    channel: int,
    now: int,
) -> bool:
    """Start one burst of the channel's next stream that has one; whether starts may follow."""
    pay(x, channel, now)
    stream = x[LAST_STREAM + channel]
    for _ in range(STREAMS):
        stream = (stream + 1) % STREAMS
        if x[ELIGIBLE + STREAMS * channel + stream] <= now:
            break
    x[LAST_STREAM + channel] = stream
    if stream == PARAM_STREAM:
        return _serve_param(x, f, q, t, m, now)
    if stream == ACT_STREAM:
        return _serve_act(x, f, q, m, now)
    if stream == FETCH_STREAM:
        return _serve_fetch(x, opcode, t, m, now)
    return _serve_store(x, f, q, t, now)

"""Event-driven simulation, exact: the four phases of M2, only in cycles where something happens.

A retirement is entered in `finish` as soon as it is certain, and counted when its cycle comes.
The parameter bus is private and first-in first-out (M9), so a parameter burst's whole way is
known when it starts. Two skips, each exact because the state that the rules read cannot change
before `horizon`, the next event of anything else: parameter bursts while no other stream is
eligible, and packets of a move while nothing else can ask for the bus.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import ENGINES, Engine
from apollo.arch.jit import inlined, kernel
from apollo.simulator.kernels.columns import (
    DURATION,
    ENCODED_BYTES,
    LAST_BURST,
    QUEUE,
    SEGMENT_BYTES,
    SEGMENTS,
)
from apollo.simulator.kernels.state import (
    ACT_ARRIVAL,
    ACT_BYTES,
    ACT_FREED,
    ACT_GRANTED,
    ACT_ISSUED,
    ACT_LAST,
    ACT_STREAM,
    BUS_BYTES,
    BUS_END,
    BUS_ORDER,
    BUS_OWNER,
    BYTES_LEFT,
    CHANNEL_BYTES,
    CREDIT,
    CREDIT_CYCLE,
    FETCH_STREAM,
    FETCHED,
    FINISH,
    FIRST,
    FREED_BYTES,
    LAST_BUS,
    LAST_STREAM,
    NAMED,
    NEVER,
    NOBODY,
    PARAM_BUS_END,
    PARAM_END,
    PARAM_FREED,
    PARAM_ISSUED,
    PARAM_STREAM,
    PREFIX,
    QUEUES,
    RETIRED,
    SCHEDULED,
    SEGMENTS_LEFT,
    START,
    STARTED,
    STATE,
    STORE_GRANTED,
    STORE_LAST,
    STORE_READY,
    STORE_STREAM,
    STORE_TAKEN,
    STREAMS,
    VISIBLE,
    WRITE_BUFFER_SLOTS,
    Machine,
)
from apollo.simulator.kernels.streaming import (
    credit_wait,
    move_packets,
    packets_before,
    whole_bursts,
)

Ints = npt.NDArray[np.int64]

PARAM, ACT, MOVE = int(Engine.PARAM), int(Engine.ACT), int(Engine.MOVE)
COMPUTE, STORE = int(Engine.COMPUTE), int(Engine.STORE)

# The helpers take bare arrays, compiled in line: a tuple of arrays would be copied and
# reference-counted at every access, which costs more than the rules themselves.
#   x state   f queues   p program [COLUMNS, I]   w waits [I, E]   t times [3, I]   m machine


@inlined
def _next_packet(x: Ints, p: Ints, engine: int, burst_bytes: int) -> int:
    """Take the next packet of the engine's front transfer; its useful bytes."""
    size = min(burst_bytes, x[BYTES_LEFT + engine])
    x[BYTES_LEFT + engine] -= size
    if x[BYTES_LEFT + engine] == 0:
        x[SEGMENTS_LEFT + engine] -= 1
        if x[SEGMENTS_LEFT + engine] > 0:
            front = p[QUEUE, x[FIRST + engine] + x[STARTED + engine] - 1]
            x[BYTES_LEFT + engine] = p[SEGMENT_BYTES, front]
    return size


@inlined
def _schedule(x: Ints, p: Ints, t: Ints, engine: int, cycle: int) -> None:
    """The engine's next unscheduled instruction retires in that cycle."""
    t[FINISH, p[QUEUE, x[FIRST + engine] + x[SCHEDULED + engine]]] = cycle
    x[SCHEDULED + engine] += 1


@inlined
def _complete(x: Ints, f: Ints, p: Ints, t: Ints, m: Machine, now: int) -> None:
    """Phase 1."""
    if x[BUS_OWNER] != NOBODY and x[BUS_END] <= now:
        if x[BUS_OWNER] == ACT:
            x[ACT_FREED] += 1
        elif x[BUS_OWNER] == STORE:
            x[STORE_READY] += 1
        x[BUS_OWNER] = NOBODY
    for e in range(ENGINES):
        while (
            x[RETIRED + e] < x[SCHEDULED + e]
            and t[FINISH, p[QUEUE, x[FIRST + e] + x[RETIRED + e]]] <= now
        ):
            x[RETIRED + e] += 1
    while x[PREFIX] < p.shape[1] and t[FINISH, x[PREFIX]] <= now:
        x[FREED_BYTES] += p[ENCODED_BYTES, x[PREFIX]]
        x[PREFIX] += 1
    _free_param_slots(x, f, m, now)


@inlined
def _free_param_slots(x: Ints, f: Ints, m: Machine, now: int) -> None:
    while x[PARAM_FREED] < x[PARAM_ISSUED] and f[PARAM_END, x[PARAM_FREED] & m.queue_mask] <= now:
        x[PARAM_FREED] += 1


@inlined
def _is_free(x: Ints, engine: int) -> bool:
    """Whether the engine may start its head as far as the one before is concerned."""
    if engine in (MOVE, COMPUTE):
        return bool(x[RETIRED + engine] == x[STARTED + engine])
    return bool(x[SEGMENTS_LEFT + engine] == 0)


@inlined
def _start(x: Ints, p: Ints, w: Ints, t: Ints, now: int) -> None:
    """Phase 2."""
    for e in range(ENGINES):
        if x[FIRST + e] + x[STARTED + e] == x[FIRST + e + 1] or not _is_free(x, e):
            continue
        head = p[QUEUE, x[FIRST + e] + x[STARTED + e]]
        if t[VISIBLE, head] > now:
            continue
        ready = True
        for other in range(ENGINES):
            ready = ready and w[head, other] <= x[RETIRED + other]
        if ready:
            t[START, head] = now
            x[STARTED + e] += 1
            if e == COMPUTE:
                _schedule(x, p, t, e, now + p[DURATION, head])
            else:
                x[SEGMENTS_LEFT + e] = p[SEGMENTS, head]
                x[BYTES_LEFT + e] = p[SEGMENT_BYTES, head]


@inlined
def _asks(x: Ints, f: Ints, m: Machine, engine: int, now: int) -> bool:
    """Whether the engine has a packet for the activation bus."""
    if engine == ACT:
        waiting = x[ACT_GRANTED] < x[ACT_ISSUED]
        return bool(waiting and f[ACT_ARRIVAL, x[ACT_GRANTED] & m.queue_mask] <= now)
    if engine == MOVE:
        return bool(x[SEGMENTS_LEFT + MOVE] > 0)
    has_room = x[STORE_GRANTED] - x[STORE_TAKEN] < WRITE_BUFFER_SLOTS
    return bool(x[SEGMENTS_LEFT + STORE] > 0 and has_room)


@inlined
def _grant(x: Ints, f: Ints, p: Ints, t: Ints, m: Machine, now: int) -> bool:
    """Phase 3, activation bus; whether it freed the STORE engine."""
    if x[BUS_OWNER] != NOBODY:
        return False
    for turn in range(1, 4):
        place = (x[LAST_BUS] + turn) % 3
        engine = BUS_ORDER[place]
        if not _asks(x, f, m, engine, now):
            continue
        if engine == ACT:
            slot = x[ACT_GRANTED] & m.queue_mask
            size = f[ACT_BYTES, slot]
            last = f[ACT_LAST, slot] == 1
            x[ACT_GRANTED] += 1
        else:
            size = _next_packet(x, p, engine, m.burst_bytes)
            last = x[SEGMENTS_LEFT + engine] == 0
        x[BUS_OWNER] = engine
        x[LAST_BUS] = place
        x[BUS_END] = now + (size + m.act_bus_bytes - 1) // m.act_bus_bytes
        x[BUS_BYTES + engine] += size
        if engine == STORE:
            f[STORE_LAST, x[STORE_GRANTED] % WRITE_BUFFER_SLOTS] = 1 if last else 0
            x[STORE_GRANTED] += 1
            return bool(last)
        if last:
            _schedule(x, p, t, engine, x[BUS_END])
        return False
    return False


@inlined
def _eligible(x: Ints, p: Ints, m: Machine, stream: int) -> bool:
    """Whether the stream has a burst for the channel (M6), credit aside."""
    if stream == FETCH_STREAM:
        more = p.shape[1] > 0 and x[FETCHED] <= p[LAST_BURST, -1]
        fits = (x[FETCHED] + 1) * m.burst_bytes <= m.ring_bytes + x[FREED_BYTES]
        return bool(more and fits)
    if stream == PARAM_STREAM:
        has_slot = x[PARAM_ISSUED] - x[PARAM_FREED] < m.param_slots
        return bool(x[SEGMENTS_LEFT + PARAM] > 0 and has_slot)
    if stream == ACT_STREAM:
        has_slot = x[ACT_ISSUED] - x[ACT_FREED] < m.act_slots
        return bool(x[SEGMENTS_LEFT + ACT] > 0 and has_slot)
    return bool(x[STORE_TAKEN] < x[STORE_READY])


@inlined
def _gain(x: Ints, m: Machine, now: int) -> None:
    """Count credit up to this cycle (M5)."""
    x[CREDIT] = min(x[CREDIT] + m.credit_num * (now - x[CREDIT_CYCLE]), m.credit_cap)
    x[CREDIT_CYCLE] = now


@inlined
def _param_bus_cycles(m: Machine, size: int) -> int:
    """Cycles of a packet on the parameter bus (M9), nearly always of a whole burst."""
    if size == m.burst_bytes:
        return m.param_burst_cycles
    return (size + m.param_bus_bytes - 1) // m.param_bus_bytes


@inlined
def _issue(x: Ints, f: Ints, p: Ints, t: Ints, m: Machine, stream: int, now: int) -> None:
    """Start a burst of the stream on the channel."""
    _gain(x, m, now)
    x[CREDIT] -= m.burst_cost
    x[LAST_STREAM] = stream
    x[CHANNEL_BYTES + stream] += m.burst_bytes
    arrival = now + m.latency_cycles
    if stream == FETCH_STREAM:
        while x[NAMED] < p.shape[1] and p[LAST_BURST, x[NAMED]] == x[FETCHED]:
            t[VISIBLE, x[NAMED]] = arrival
            x[NAMED] += 1
        x[FETCHED] += 1
    elif stream == PARAM_STREAM:
        size = _next_packet(x, p, PARAM, m.burst_bytes)
        granted = max(arrival, x[PARAM_BUS_END])
        x[PARAM_BUS_END] = granted + _param_bus_cycles(m, size)
        f[PARAM_END, x[PARAM_ISSUED] & m.queue_mask] = x[PARAM_BUS_END]
        x[PARAM_ISSUED] += 1
        x[BUS_BYTES + PARAM] += size
        if x[SEGMENTS_LEFT + PARAM] == 0:
            _schedule(x, p, t, PARAM, x[PARAM_BUS_END])
    elif stream == ACT_STREAM:
        slot = x[ACT_ISSUED] & m.queue_mask
        f[ACT_BYTES, slot] = _next_packet(x, p, ACT, m.burst_bytes)
        f[ACT_ARRIVAL, slot] = arrival
        f[ACT_LAST, slot] = 1 if x[SEGMENTS_LEFT + ACT] == 0 else 0
        x[ACT_ISSUED] += 1
    else:
        if f[STORE_LAST, x[STORE_TAKEN] % WRITE_BUFFER_SLOTS] == 1:
            _schedule(x, p, t, STORE, now + 1)
        x[STORE_TAKEN] += 1


@inlined
def _serve(x: Ints, f: Ints, p: Ints, t: Ints, m: Machine, now: int) -> bool:
    """Phase 4; whether it freed a load engine, or a write buffer slot before a free bus."""
    _gain(x, m, now)
    if x[CREDIT] < m.burst_cost:
        return False
    for turn in range(1, STREAMS + 1):
        stream = (x[LAST_STREAM] + turn) % STREAMS
        if _eligible(x, p, m, stream):
            _issue(x, f, p, t, m, stream, now)
            if stream == PARAM_STREAM:
                return bool(x[SEGMENTS_LEFT + PARAM] == 0)
            if stream == ACT_STREAM:
                return bool(x[SEGMENTS_LEFT + ACT] == 0)
            return bool(stream == STORE_STREAM and x[BUS_OWNER] == NOBODY)
    return False


@inlined
def _credit_cycle(x: Ints, m: Machine, now: int) -> int:
    """The first cycle after `now`, up to which credit is counted, with credit for a burst."""
    return now + credit_wait(x[CREDIT], m)


@inlined
def _wake(x: Ints, p: Ints, t: Ints, now: int) -> int:
    """The next retirement, or arrival of an instruction that a free engine waits for."""
    cycle = NEVER
    for e in range(ENGINES):
        if x[RETIRED + e] < x[SCHEDULED + e]:
            cycle = min(cycle, t[FINISH, p[QUEUE, x[FIRST + e] + x[RETIRED + e]]])
        if x[FIRST + e] + x[STARTED + e] < x[FIRST + e + 1] and _is_free(x, e):
            visible = t[VISIBLE, p[QUEUE, x[FIRST + e] + x[STARTED + e]]]
            if visible > now:
                cycle = min(cycle, visible)
    return cycle


@inlined
def _skippable_packets(x: Ints, f: Ints, m: Machine, now: int) -> int:
    """Further packets that the move on the bus is granted before anything else can ask for it.

    The last packet is never skipped: its grant schedules the retirement.
    """
    if not m.skip or x[SEGMENTS_LEFT + MOVE] == 0 or _asks(x, f, m, STORE, now):
        return 0
    packets = (x[BYTES_LEFT + MOVE] - 1) // m.burst_bytes
    if x[ACT_GRANTED] < x[ACT_ISSUED]:
        arrival = f[ACT_ARRIVAL, x[ACT_GRANTED] & m.queue_mask]
        packets = min(packets, packets_before(x, m, arrival))
    return max(0, packets)


@inlined
def _horizon(x: Ints, f: Ints, p: Ints, t: Ints, m: Machine, now: int, packets: int) -> int:
    """The next event of anything but a parameter burst and a skippable packet."""
    cycle = _wake(x, p, t, now)
    if x[BUS_OWNER] != NOBODY:
        cycles = m.act_burst_cycles
        cycle = min(cycle, x[BUS_END] + packets * cycles)
    elif x[ACT_GRANTED] < x[ACT_ISSUED]:
        cycle = min(cycle, f[ACT_ARRIVAL, x[ACT_GRANTED] & m.queue_mask])
    for stream in (FETCH_STREAM, ACT_STREAM, STORE_STREAM):
        if _eligible(x, p, m, stream):
            cycle = min(cycle, _credit_cycle(x, m, now))
    return cycle


@inlined
def _param_bursts(x: Ints, f: Ints, p: Ints, t: Ints, m: Machine, now: int, horizon: int) -> int:
    """Start parameter bursts before the horizon; the next cycle to run in full."""
    alone = m.skip
    for stream in (FETCH_STREAM, ACT_STREAM, STORE_STREAM):
        alone = alone and not _eligible(x, p, m, stream)
    while x[SEGMENTS_LEFT + PARAM] > 0:
        if alone:
            now = whole_bursts(x, f, m, now, horizon)
        cycle = _credit_cycle(x, m, now)
        if x[PARAM_ISSUED] - x[PARAM_FREED] >= m.param_slots:
            cycle = max(cycle, f[PARAM_END, x[PARAM_FREED] & m.queue_mask])
        if cycle >= horizon:
            break
        if not alone:
            return cycle
        now = cycle
        _free_param_slots(x, f, m, now)
        _issue(x, f, p, t, m, PARAM_STREAM, now)
        if x[SEGMENTS_LEFT + PARAM] == 0:
            return now + 1
    return horizon


@kernel
def simulate(p: Ints, w: Ints, first: Ints, m: Machine) -> tuple[Ints, Ints, Ints]:
    """Run a program, given as `columns`; times [3, I], channel bytes [4] and bus bytes [E].

    A program that stops before its end (impossible when M3 holds) keeps NEVER as finish.
    """
    count = p.shape[1]
    t = np.full((3, count), NEVER, np.int64)
    f = np.zeros((QUEUES, m.queue_mask + 1), np.int64)
    x = np.zeros(STATE, np.int64)
    x[LAST_STREAM] = STREAMS - 1
    x[LAST_BUS] = len(BUS_ORDER) - 1
    x[BUS_OWNER] = NOBODY
    x[FIRST : FIRST + ENGINES + 1] = first
    now = 0
    while now < NEVER:
        _complete(x, f, p, t, m, now)
        if x[PREFIX] == count:
            break
        _start(x, p, w, t, now)
        freed_store = _grant(x, f, p, t, m, now)
        freed_load = _serve(x, f, p, t, m, now)
        if freed_store or freed_load:
            now += 1
            continue
        packets = _skippable_packets(x, f, m, now) if x[BUS_OWNER] == MOVE else 0
        now = _param_bursts(x, f, p, t, m, now, _horizon(x, f, p, t, m, now, packets))
        if packets > 0:
            move_packets(x, m, min(packets, packets_before(x, m, now)))
    channel_bytes = x[CHANNEL_BYTES : CHANNEL_BYTES + STREAMS].copy()
    return t, channel_bytes, x[BUS_BYTES : BUS_BYTES + ENGINES].copy()

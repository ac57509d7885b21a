"""Event-driven simulation, exact: the four phases of M2, only in cycles where something happens.

A retirement is entered in `finish` as soon as it is certain, and counted when its cycle comes. The
parameter bus is private and first-in first-out (M9), so a parameter burst's whole way is known when it
starts. Two skips, each exact because the state that the rules read cannot change before `horizon`,
the next event of anything else: parameter bursts while no other stream is eligible, and packets of
a move while nothing else can ask for the bus.
"""

from typing import NamedTuple

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

Ints = npt.NDArray[np.int64]

NEVER = 1 << 60
WRITE_BUFFER_SLOTS = 4
STREAMS = 4
_FETCH_STREAM, _PARAM_STREAM, _ACT_STREAM, _STORE_STREAM = 0, 1, 2, 3
_PARAM, _ACT, _MOVE = int(Engine.PARAM), int(Engine.ACT), int(Engine.MOVE)
_COMPUTE, _STORE = int(Engine.COMPUTE), int(Engine.STORE)
_NOBODY = -1
_BUS_ORDER = (_ACT, _MOVE, _STORE)

# The state `x`: scalars, then sections with one place an engine (or stream).
_CREDIT = 0
_CREDIT_CYCLE = 1  # the cycle up to which credit is counted
_FETCHED = 2  # bursts of the program whose fetch has started
_NAMED = 3  # instructions whose visibility is known
_PREFIX = 4  # leading retired instructions ...
_FREED_BYTES = 5  # ... and their bytes
_LAST_STREAM = 6  # round-robin of the channel
_LAST_BUS = 7  # round-robin of the activation bus, position in _BUS_ORDER
_BUS_OWNER = 8
_BUS_END = 9
_PARAM_BUS_END = 10
_PARAM_ISSUED, _PARAM_FREED = 11, 12  # staging slots taken, freed, ever
_ACT_ISSUED, _ACT_GRANTED, _ACT_FREED = 13, 14, 15
_STORE_GRANTED, _STORE_READY, _STORE_TAKEN = 16, 17, 18  # packets through the write buffer
_FIRST = 20  # [E + 1] where each engine's group begins in the queue
_STARTED = 30  # [E]
_SCHEDULED = 35  # [E] instructions whose retirement is certain
_RETIRED = 40  # [E]
_SEGMENTS_LEFT = 45  # [E] of the front transfer
_BYTES_LEFT = 50  # [E] of its current segment
_CHANNEL_BYTES = 55  # [STREAMS]
_BUS_BYTES = 60  # [E]
_STATE = 65

# Rows of the queues `f`, a ring each: staging and write buffer.
_PARAM_END, _ACT_ARRIVAL, _ACT_BYTES, _ACT_LAST, _STORE_LAST = range(5)
_QUEUES = 5

# Rows of the times `t`.
VISIBLE, START, FINISH = range(3)


class Machine(NamedTuple):
    """What the rules need of the accelerator."""

    burst_bytes: int
    credit_num: int  # credit a cycle (M5)
    burst_cost: int
    credit_cap: int
    latency_cycles: int
    ring_bytes: int
    param_slots: int
    act_slots: int
    param_bus_bytes: int
    act_bus_bytes: int
    skip: bool  # False runs every event, for tests


# The helpers take bare arrays, compiled in line: a tuple of arrays would be copied and
# reference-counted at every access, which costs more than the rules themselves.
#   x state   f queues   p program [COLUMNS, I]   w waits [I, E]   t times [3, I]   m machine


@inlined
def _next_packet(x: Ints, p: Ints, engine: int, burst_bytes: int) -> int:
    """Take the next packet of the engine's front transfer; its useful bytes."""
    size = min(burst_bytes, x[_BYTES_LEFT + engine])
    x[_BYTES_LEFT + engine] -= size
    if x[_BYTES_LEFT + engine] == 0:
        x[_SEGMENTS_LEFT + engine] -= 1
        if x[_SEGMENTS_LEFT + engine] > 0:
            front = p[QUEUE, x[_FIRST + engine] + x[_STARTED + engine] - 1]
            x[_BYTES_LEFT + engine] = p[SEGMENT_BYTES, front]
    return size


@inlined
def _schedule(x: Ints, p: Ints, t: Ints, engine: int, cycle: int) -> None:
    """The engine's next unscheduled instruction retires in that cycle."""
    t[FINISH, p[QUEUE, x[_FIRST + engine] + x[_SCHEDULED + engine]]] = cycle
    x[_SCHEDULED + engine] += 1


@inlined
def _complete(x: Ints, f: Ints, p: Ints, t: Ints, m: Machine, now: int) -> None:
    """Phase 1."""
    if x[_BUS_OWNER] != _NOBODY and x[_BUS_END] <= now:
        if x[_BUS_OWNER] == _ACT:
            x[_ACT_FREED] += 1
        elif x[_BUS_OWNER] == _STORE:
            x[_STORE_READY] += 1
        x[_BUS_OWNER] = _NOBODY
    for e in range(ENGINES):
        while (
            x[_RETIRED + e] < x[_SCHEDULED + e]
            and t[FINISH, p[QUEUE, x[_FIRST + e] + x[_RETIRED + e]]] <= now
        ):
            x[_RETIRED + e] += 1
    while x[_PREFIX] < p.shape[1] and t[FINISH, x[_PREFIX]] <= now:
        x[_FREED_BYTES] += p[ENCODED_BYTES, x[_PREFIX]]
        x[_PREFIX] += 1
    _free_param_slots(x, f, m, now)


@inlined
def _free_param_slots(x: Ints, f: Ints, m: Machine, now: int) -> None:
    while (
        x[_PARAM_FREED] < x[_PARAM_ISSUED] and f[_PARAM_END, x[_PARAM_FREED] % m.param_slots] <= now
    ):
        x[_PARAM_FREED] += 1


@inlined
def _is_free(x: Ints, engine: int) -> bool:
    """Whether the engine may start its head as far as the one before is concerned."""
    if engine in (_MOVE, _COMPUTE):
        return bool(x[_RETIRED + engine] == x[_STARTED + engine])
    return bool(x[_SEGMENTS_LEFT + engine] == 0)


@inlined
def _start(x: Ints, p: Ints, w: Ints, t: Ints, now: int) -> None:
    """Phase 2."""
    for e in range(ENGINES):
        if x[_FIRST + e] + x[_STARTED + e] == x[_FIRST + e + 1] or not _is_free(x, e):
            continue
        head = p[QUEUE, x[_FIRST + e] + x[_STARTED + e]]
        if t[VISIBLE, head] > now:
            continue
        ready = True
        for other in range(ENGINES):
            ready = ready and w[head, other] <= x[_RETIRED + other]
        if ready:
            t[START, head] = now
            x[_STARTED + e] += 1
            if e == _COMPUTE:
                _schedule(x, p, t, e, now + p[DURATION, head])
            else:
                x[_SEGMENTS_LEFT + e] = p[SEGMENTS, head]
                x[_BYTES_LEFT + e] = p[SEGMENT_BYTES, head]


@inlined
def _asks(x: Ints, f: Ints, m: Machine, engine: int, now: int) -> bool:
    """Whether the engine has a packet for the activation bus."""
    if engine == _ACT:
        waiting = x[_ACT_GRANTED] < x[_ACT_ISSUED]
        return bool(waiting and f[_ACT_ARRIVAL, x[_ACT_GRANTED] % m.act_slots] <= now)
    if engine == _MOVE:
        return bool(x[_SEGMENTS_LEFT + _MOVE] > 0)
    has_room = x[_STORE_GRANTED] - x[_STORE_TAKEN] < WRITE_BUFFER_SLOTS
    return bool(x[_SEGMENTS_LEFT + _STORE] > 0 and has_room)


@inlined
def _grant(x: Ints, f: Ints, p: Ints, t: Ints, m: Machine, now: int) -> bool:
    """Phase 3, activation bus; whether it freed the STORE engine."""
    if x[_BUS_OWNER] != _NOBODY:
        return False
    for turn in range(1, 4):
        place = (x[_LAST_BUS] + turn) % 3
        engine = _BUS_ORDER[place]
        if not _asks(x, f, m, engine, now):
            continue
        if engine == _ACT:
            slot = x[_ACT_GRANTED] % m.act_slots
            size = f[_ACT_BYTES, slot]
            last = f[_ACT_LAST, slot] == 1
            x[_ACT_GRANTED] += 1
        else:
            size = _next_packet(x, p, engine, m.burst_bytes)
            last = x[_SEGMENTS_LEFT + engine] == 0
        x[_BUS_OWNER] = engine
        x[_LAST_BUS] = place
        x[_BUS_END] = now + (size + m.act_bus_bytes - 1) // m.act_bus_bytes
        x[_BUS_BYTES + engine] += size
        if engine == _STORE:
            f[_STORE_LAST, x[_STORE_GRANTED] % WRITE_BUFFER_SLOTS] = 1 if last else 0
            x[_STORE_GRANTED] += 1
            return bool(last)
        if last:
            _schedule(x, p, t, engine, x[_BUS_END])
        return False
    return False


@inlined
def _eligible(x: Ints, p: Ints, m: Machine, stream: int) -> bool:
    """Whether the stream has a burst for the channel (M6), credit aside."""
    if stream == _FETCH_STREAM:
        more = p.shape[1] > 0 and x[_FETCHED] <= p[LAST_BURST, -1]
        fits = (x[_FETCHED] + 1) * m.burst_bytes <= m.ring_bytes + x[_FREED_BYTES]
        return bool(more and fits)
    if stream == _PARAM_STREAM:
        has_slot = x[_PARAM_ISSUED] - x[_PARAM_FREED] < m.param_slots
        return bool(x[_SEGMENTS_LEFT + _PARAM] > 0 and has_slot)
    if stream == _ACT_STREAM:
        has_slot = x[_ACT_ISSUED] - x[_ACT_FREED] < m.act_slots
        return bool(x[_SEGMENTS_LEFT + _ACT] > 0 and has_slot)
    return bool(x[_STORE_TAKEN] < x[_STORE_READY])


@inlined
def _gain(x: Ints, m: Machine, now: int) -> None:
    """Count credit up to this cycle (M5)."""
    x[_CREDIT] = min(x[_CREDIT] + m.credit_num * (now - x[_CREDIT_CYCLE]), m.credit_cap)
    x[_CREDIT_CYCLE] = now


@inlined
def _issue(x: Ints, f: Ints, p: Ints, t: Ints, m: Machine, stream: int, now: int) -> None:
    """Start a burst of the stream on the channel."""
    _gain(x, m, now)
    x[_CREDIT] -= m.burst_cost
    x[_LAST_STREAM] = stream
    x[_CHANNEL_BYTES + stream] += m.burst_bytes
    arrival = now + m.latency_cycles
    if stream == _FETCH_STREAM:
        while x[_NAMED] < p.shape[1] and p[LAST_BURST, x[_NAMED]] == x[_FETCHED]:
            t[VISIBLE, x[_NAMED]] = arrival
            x[_NAMED] += 1
        x[_FETCHED] += 1
    elif stream == _PARAM_STREAM:
        size = _next_packet(x, p, _PARAM, m.burst_bytes)
        granted = max(arrival, x[_PARAM_BUS_END])
        x[_PARAM_BUS_END] = granted + (size + m.param_bus_bytes - 1) // m.param_bus_bytes
        f[_PARAM_END, x[_PARAM_ISSUED] % m.param_slots] = x[_PARAM_BUS_END]
        x[_PARAM_ISSUED] += 1
        x[_BUS_BYTES + _PARAM] += size
        if x[_SEGMENTS_LEFT + _PARAM] == 0:
            _schedule(x, p, t, _PARAM, x[_PARAM_BUS_END])
    elif stream == _ACT_STREAM:
        slot = x[_ACT_ISSUED] % m.act_slots
        f[_ACT_BYTES, slot] = _next_packet(x, p, _ACT, m.burst_bytes)
        f[_ACT_ARRIVAL, slot] = arrival
        f[_ACT_LAST, slot] = 1 if x[_SEGMENTS_LEFT + _ACT] == 0 else 0
        x[_ACT_ISSUED] += 1
    else:
        if f[_STORE_LAST, x[_STORE_TAKEN] % WRITE_BUFFER_SLOTS] == 1:
            _schedule(x, p, t, _STORE, now + 1)
        x[_STORE_TAKEN] += 1


@inlined
def _serve(x: Ints, f: Ints, p: Ints, t: Ints, m: Machine, now: int) -> bool:
    """Phase 4; whether it freed a load engine, or a write buffer slot before a free bus."""
    _gain(x, m, now)
    if x[_CREDIT] < m.burst_cost:
        return False
    for turn in range(1, STREAMS + 1):
        stream = (x[_LAST_STREAM] + turn) % STREAMS
        if _eligible(x, p, m, stream):
            _issue(x, f, p, t, m, stream, now)
            if stream == _PARAM_STREAM:
                return bool(x[_SEGMENTS_LEFT + _PARAM] == 0)
            if stream == _ACT_STREAM:
                return bool(x[_SEGMENTS_LEFT + _ACT] == 0)
            return bool(stream == _STORE_STREAM and x[_BUS_OWNER] == _NOBODY)
    return False


@inlined
def _credit_cycle(x: Ints, m: Machine, now: int) -> int:
    """The first cycle after `now`, up to which credit is counted, with credit for a burst."""
    missing = m.burst_cost - x[_CREDIT]
    return now + max(1, (missing + m.credit_num - 1) // m.credit_num)


@inlined
def _wake(x: Ints, p: Ints, t: Ints, now: int) -> int:
    """The next retirement, or arrival of an instruction that a free engine waits for."""
    cycle = NEVER
    for e in range(ENGINES):
        if x[_RETIRED + e] < x[_SCHEDULED + e]:
            cycle = min(cycle, t[FINISH, p[QUEUE, x[_FIRST + e] + x[_RETIRED + e]]])
        if x[_FIRST + e] + x[_STARTED + e] < x[_FIRST + e + 1] and _is_free(x, e):
            visible = t[VISIBLE, p[QUEUE, x[_FIRST + e] + x[_STARTED + e]]]
            if visible > now:
                cycle = min(cycle, visible)
    return cycle


@inlined
def _skippable_packets(x: Ints, f: Ints, m: Machine, now: int) -> int:
    """Further packets that the move on the bus is granted before anything else can ask for it.

    The last packet is never skipped: its grant schedules the retirement.
    """
    if not m.skip or x[_SEGMENTS_LEFT + _MOVE] == 0 or _asks(x, f, m, _STORE, now):
        return 0
    packets = (x[_BYTES_LEFT + _MOVE] - 1) // m.burst_bytes
    if x[_ACT_GRANTED] < x[_ACT_ISSUED]:
        arrival = f[_ACT_ARRIVAL, x[_ACT_GRANTED] % m.act_slots]
        packets = min(packets, _packets_before(x, m, arrival))
    return max(0, packets)


@inlined
def _packets_before(x: Ints, m: Machine, cycle: int) -> int:
    """Whole packets granted back to back from the end of the one on the bus, before a cycle."""
    cycles = (m.burst_bytes + m.act_bus_bytes - 1) // m.act_bus_bytes
    return max(0, (cycle - x[_BUS_END] + cycles - 1) // cycles)


@inlined
def _move_packets(x: Ints, m: Machine, packets: int) -> None:
    """Grant that many whole packets of the move on the bus."""
    cycles = (m.burst_bytes + m.act_bus_bytes - 1) // m.act_bus_bytes
    x[_BYTES_LEFT + _MOVE] -= packets * m.burst_bytes
    x[_BUS_BYTES + _MOVE] += packets * m.burst_bytes
    x[_BUS_END] += packets * cycles


@inlined
def _horizon(x: Ints, f: Ints, p: Ints, t: Ints, m: Machine, now: int, packets: int) -> int:
    """The next event of anything but a parameter burst and a skippable packet."""
    cycle = _wake(x, p, t, now)
    if x[_BUS_OWNER] != _NOBODY:
        cycles = (m.burst_bytes + m.act_bus_bytes - 1) // m.act_bus_bytes
        cycle = min(cycle, x[_BUS_END] + packets * cycles)
    elif x[_ACT_GRANTED] < x[_ACT_ISSUED]:
        cycle = min(cycle, f[_ACT_ARRIVAL, x[_ACT_GRANTED] % m.act_slots])
    for stream in (_FETCH_STREAM, _ACT_STREAM, _STORE_STREAM):
        if _eligible(x, p, m, stream):
            cycle = min(cycle, _credit_cycle(x, m, now))
    return cycle


@inlined
def _param_bursts(x: Ints, f: Ints, p: Ints, t: Ints, m: Machine, now: int, horizon: int) -> int:
    """Start parameter bursts before the horizon; the next cycle to run in full."""
    alone = m.skip
    for stream in (_FETCH_STREAM, _ACT_STREAM, _STORE_STREAM):
        alone = alone and not _eligible(x, p, m, stream)
    while x[_SEGMENTS_LEFT + _PARAM] > 0:
        cycle = _credit_cycle(x, m, now)
        if x[_PARAM_ISSUED] - x[_PARAM_FREED] >= m.param_slots:
            cycle = max(cycle, f[_PARAM_END, x[_PARAM_FREED] % m.param_slots])
        if cycle >= horizon:
            break
        if not alone:
            return cycle
        now = cycle
        _free_param_slots(x, f, m, now)
        _issue(x, f, p, t, m, _PARAM_STREAM, now)
        if x[_SEGMENTS_LEFT + _PARAM] == 0:
            return now + 1
    return horizon


@kernel
def simulate(p: Ints, w: Ints, first: Ints, m: Machine) -> tuple[Ints, Ints, Ints]:
    """Run a program, given as `columns`; times [3, I], channel bytes [4] and bus bytes [E].

    A program that stops before its end (impossible when M3 holds) keeps NEVER as finish.
    """
    count = p.shape[1]
    t = np.full((3, count), NEVER, np.int64)
    f = np.zeros((_QUEUES, max(m.param_slots, m.act_slots, WRITE_BUFFER_SLOTS)), np.int64)
    x = np.zeros(_STATE, np.int64)
    x[_LAST_STREAM] = STREAMS - 1
    x[_LAST_BUS] = len(_BUS_ORDER) - 1
    x[_BUS_OWNER] = _NOBODY
    x[_FIRST : _FIRST + ENGINES + 1] = first
    now = 0
    while now < NEVER:
        _complete(x, f, p, t, m, now)
        if x[_PREFIX] == count:
            break
        _start(x, p, w, t, now)
        freed_store = _grant(x, f, p, t, m, now)
        freed_load = _serve(x, f, p, t, m, now)
        if freed_store or freed_load:
            now += 1
            continue
        packets = _skippable_packets(x, f, m, now) if x[_BUS_OWNER] == _MOVE else 0
        now = _param_bursts(x, f, p, t, m, now, _horizon(x, f, p, t, m, now, packets))
        if packets > 0:
            _move_packets(x, m, min(packets, _packets_before(x, m, now)))
    channel_bytes = x[_CHANNEL_BYTES : _CHANNEL_BYTES + STREAMS].copy()
    return t, channel_bytes, x[_BUS_BYTES : _BUS_BYTES + ENGINES].copy()

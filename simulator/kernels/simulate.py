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
from apollo.arch.jit import kernel
from apollo.simulator.kernels.columns import Columns

Ints = npt.NDArray[np.int64]

NEVER = 1 << 60
WRITE_BUFFER_SLOTS = 4
STREAMS = 4
_FETCH_STREAM, _PARAM_STREAM, _ACT_STREAM, _STORE_STREAM = 0, 1, 2, 3
_PARAM, _ACT, _MOVE = int(Engine.PARAM), int(Engine.ACT), int(Engine.MOVE)
_COMPUTE, _STORE = int(Engine.COMPUTE), int(Engine.STORE)
_NOBODY = -1
_BUS_ORDER = (_ACT, _MOVE, _STORE)

# Scalars of the state, by position in State.scalar.
_CREDIT = 0
_FETCHED = 1  # bursts of the program whose fetch has started
_NAMED = 2  # instructions whose visibility is known
_PREFIX = 3  # leading retired instructions ...
_FREED_BYTES = 4  # ... and their bytes
_LAST_STREAM = 5  # round-robin of the channel
_LAST_BUS = 6  # round-robin of the activation bus, position in _BUS_ORDER
_BUS_OWNER = 7
_BUS_END = 8
_PARAM_BUS_END = 9
_PARAM_ISSUED, _PARAM_FREED = 10, 11  # staging slots taken, freed, ever
_ACT_ISSUED, _ACT_GRANTED, _ACT_FREED = 12, 13, 14
_STORE_GRANTED, _STORE_READY, _STORE_TAKEN = 15, 16, 17  # packets through the write buffer
_CREDIT_CYCLE = 18  # the cycle up to which credit is counted
_SCALARS = 19


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


class State(NamedTuple):
    """Everything that changes, beside the tables that are the result."""

    scalar: Ints
    started: Ints  # [E]
    scheduled: Ints  # [E] instructions whose retirement is certain
    retired: Ints  # [E]
    segments_left: Ints  # [E] of the front transfer
    bytes_left: Ints  # [E] of its current segment
    param_end: Ints  # [param slots] bus end
    act_arrival: Ints  # [act slots]
    act_bytes: Ints  # [act slots]
    act_last: Ints  # [act slots] 1 for the last burst of its load
    store_last: Ints  # [write buffer]
    visible_out: Ints  # [I]
    start_out: Ints  # [I]
    finish_out: Ints  # [I]
    channel_bytes_out: Ints  # [STREAMS]
    bus_bytes_out: Ints  # [E]


@kernel
def _next_packet(s: State, c: Columns, engine: int, burst_bytes: int) -> int:
    """Take the next packet of the engine's front transfer; its useful bytes."""
    size = min(burst_bytes, s.bytes_left[engine])
    s.bytes_left[engine] -= size
    if s.bytes_left[engine] == 0:
        s.segments_left[engine] -= 1
        if s.segments_left[engine] > 0:
            front = c.queue[c.first[engine] + s.started[engine] - 1]
            s.bytes_left[engine] = c.segment_bytes[front]
    return size


@kernel
def _schedule(s: State, c: Columns, engine: int, cycle: int) -> None:
    """The engine's next unscheduled instruction retires in that cycle."""
    s.finish_out[c.queue[c.first[engine] + s.scheduled[engine]]] = cycle
    s.scheduled[engine] += 1


@kernel
def _complete(s: State, c: Columns, m: Machine, now: int) -> None:
    """Phase 1."""
    x = s.scalar
    if x[_BUS_OWNER] != _NOBODY and x[_BUS_END] <= now:
        if x[_BUS_OWNER] == _ACT:
            x[_ACT_FREED] += 1
        elif x[_BUS_OWNER] == _STORE:
            x[_STORE_READY] += 1
        x[_BUS_OWNER] = _NOBODY
    for e in range(ENGINES):
        while (
            s.retired[e] < s.scheduled[e]
            and s.finish_out[c.queue[c.first[e] + s.retired[e]]] <= now
        ):
            s.retired[e] += 1
    while x[_PREFIX] < len(c.queue) and s.finish_out[x[_PREFIX]] <= now:
        x[_FREED_BYTES] += c.encoded_bytes[x[_PREFIX]]
        x[_PREFIX] += 1
    _free_param_slots(s, m, now)


@kernel
def _free_param_slots(s: State, m: Machine, now: int) -> None:
    x = s.scalar
    while (
        x[_PARAM_FREED] < x[_PARAM_ISSUED] and s.param_end[x[_PARAM_FREED] % m.param_slots] <= now
    ):
        x[_PARAM_FREED] += 1


@kernel
def _is_free(s: State, engine: int) -> bool:
    """Whether the engine may start its head as far as the one before is concerned."""
    if engine in (_MOVE, _COMPUTE):
        return bool(s.retired[engine] == s.started[engine])
    return bool(s.segments_left[engine] == 0)


@kernel
def _start(s: State, c: Columns, now: int) -> None:
    """Phase 2."""
    for e in range(ENGINES):
        if c.first[e] + s.started[e] == c.first[e + 1] or not _is_free(s, e):
            continue
        head = c.queue[c.first[e] + s.started[e]]
        if s.visible_out[head] > now:
            continue
        ready = True
        for other in range(ENGINES):
            ready = ready and c.wait[head, other] <= s.retired[other]
        if ready:
            s.start_out[head] = now
            s.started[e] += 1
            if e == _COMPUTE:
                _schedule(s, c, e, now + c.duration[head])
            else:
                s.segments_left[e] = c.segments[head]
                s.bytes_left[e] = c.segment_bytes[head]


@kernel
def _asks(s: State, m: Machine, engine: int, now: int) -> bool:
    """Whether the engine has a packet for the activation bus."""
    x = s.scalar
    if engine == _ACT:
        waiting = x[_ACT_GRANTED] < x[_ACT_ISSUED]
        return bool(waiting and s.act_arrival[x[_ACT_GRANTED] % m.act_slots] <= now)
    if engine == _MOVE:
        return bool(s.segments_left[_MOVE] > 0)
    has_room = x[_STORE_GRANTED] - x[_STORE_TAKEN] < WRITE_BUFFER_SLOTS
    return bool(s.segments_left[_STORE] > 0 and has_room)


@kernel
def _grant(s: State, c: Columns, m: Machine, now: int) -> bool:
    """Phase 3, activation bus; whether it freed the STORE engine."""
    x = s.scalar
    if x[_BUS_OWNER] != _NOBODY:
        return False
    for turn in range(1, 4):
        place = (x[_LAST_BUS] + turn) % 3
        engine = _BUS_ORDER[place]
        if not _asks(s, m, engine, now):
            continue
        if engine == _ACT:
            slot = x[_ACT_GRANTED] % m.act_slots
            size = s.act_bytes[slot]
            last = s.act_last[slot] == 1
            x[_ACT_GRANTED] += 1
        else:
            size = _next_packet(s, c, engine, m.burst_bytes)
            last = s.segments_left[engine] == 0
        x[_BUS_OWNER] = engine
        x[_LAST_BUS] = place
        x[_BUS_END] = now + (size + m.act_bus_bytes - 1) // m.act_bus_bytes
        s.bus_bytes_out[engine] += size
        if engine == _STORE:
            s.store_last[x[_STORE_GRANTED] % WRITE_BUFFER_SLOTS] = 1 if last else 0
            x[_STORE_GRANTED] += 1
            return bool(last)
        if last:
            _schedule(s, c, engine, x[_BUS_END])
        return False
    return False


@kernel
def _eligible(s: State, c: Columns, m: Machine, stream: int) -> bool:
    """Whether the stream has a burst for the channel (M6), credit aside."""
    x = s.scalar
    if stream == _FETCH_STREAM:
        more = len(c.queue) > 0 and x[_FETCHED] <= c.last_burst[-1]
        fits = (x[_FETCHED] + 1) * m.burst_bytes <= m.ring_bytes + x[_FREED_BYTES]
        return bool(more and fits)
    if stream == _PARAM_STREAM:
        has_slot = x[_PARAM_ISSUED] - x[_PARAM_FREED] < m.param_slots
        return bool(s.segments_left[_PARAM] > 0 and has_slot)
    if stream == _ACT_STREAM:
        has_slot = x[_ACT_ISSUED] - x[_ACT_FREED] < m.act_slots
        return bool(s.segments_left[_ACT] > 0 and has_slot)
    return bool(x[_STORE_TAKEN] < x[_STORE_READY])


@kernel
def _gain(s: State, m: Machine, now: int) -> None:
    """Count credit up to this cycle (M5)."""
    x = s.scalar
    x[_CREDIT] = min(x[_CREDIT] + m.credit_num * (now - x[_CREDIT_CYCLE]), m.credit_cap)
    x[_CREDIT_CYCLE] = now


@kernel
def _issue(s: State, c: Columns, m: Machine, stream: int, now: int) -> None:
    """Start a burst of the stream on the channel."""
    x = s.scalar
    _gain(s, m, now)
    x[_CREDIT] -= m.burst_cost
    x[_LAST_STREAM] = stream
    s.channel_bytes_out[stream] += m.burst_bytes
    arrival = now + m.latency_cycles
    if stream == _FETCH_STREAM:
        while x[_NAMED] < len(c.queue) and c.last_burst[x[_NAMED]] == x[_FETCHED]:
            s.visible_out[x[_NAMED]] = arrival
            x[_NAMED] += 1
        x[_FETCHED] += 1
    elif stream == _PARAM_STREAM:
        size = _next_packet(s, c, _PARAM, m.burst_bytes)
        granted = max(arrival, x[_PARAM_BUS_END])
        x[_PARAM_BUS_END] = granted + (size + m.param_bus_bytes - 1) // m.param_bus_bytes
        s.param_end[x[_PARAM_ISSUED] % m.param_slots] = x[_PARAM_BUS_END]
        x[_PARAM_ISSUED] += 1
        s.bus_bytes_out[_PARAM] += size
        if s.segments_left[_PARAM] == 0:
            _schedule(s, c, _PARAM, x[_PARAM_BUS_END])
    elif stream == _ACT_STREAM:
        slot = x[_ACT_ISSUED] % m.act_slots
        s.act_bytes[slot] = _next_packet(s, c, _ACT, m.burst_bytes)
        s.act_arrival[slot] = arrival
        s.act_last[slot] = 1 if s.segments_left[_ACT] == 0 else 0
        x[_ACT_ISSUED] += 1
    else:
        if s.store_last[x[_STORE_TAKEN] % WRITE_BUFFER_SLOTS] == 1:
            _schedule(s, c, _STORE, now + 1)
        x[_STORE_TAKEN] += 1


@kernel
def _serve(s: State, c: Columns, m: Machine, now: int) -> bool:
    """Phase 4; whether it freed a load engine, or a write buffer slot before a free bus."""
    _gain(s, m, now)
    if s.scalar[_CREDIT] < m.burst_cost:
        return False
    for turn in range(1, STREAMS + 1):
        stream = (s.scalar[_LAST_STREAM] + turn) % STREAMS
        if _eligible(s, c, m, stream):
            _issue(s, c, m, stream, now)
            if stream == _PARAM_STREAM:
                return bool(s.segments_left[_PARAM] == 0)
            if stream == _ACT_STREAM:
                return bool(s.segments_left[_ACT] == 0)
            return bool(stream == _STORE_STREAM and s.scalar[_BUS_OWNER] == _NOBODY)
    return False


@kernel
def _credit_cycle(s: State, m: Machine, now: int) -> int:
    """The first cycle after `now`, up to which credit is counted, with credit for a burst."""
    missing = m.burst_cost - s.scalar[_CREDIT]
    return now + max(1, (missing + m.credit_num - 1) // m.credit_num)


@kernel
def _wake(s: State, c: Columns, now: int) -> int:
    """The next retirement, or arrival of an instruction that a free engine waits for."""
    cycle = NEVER
    for e in range(ENGINES):
        if s.retired[e] < s.scheduled[e]:
            cycle = min(cycle, s.finish_out[c.queue[c.first[e] + s.retired[e]]])
        if c.first[e] + s.started[e] < c.first[e + 1] and _is_free(s, e):
            visible = s.visible_out[c.queue[c.first[e] + s.started[e]]]
            if visible > now:
                cycle = min(cycle, visible)
    return cycle


@kernel
def _skippable_packets(s: State, m: Machine, now: int) -> int:
    """Further packets that the move on the bus is granted before anything else can ask for it.

    The last packet is never skipped: its grant schedules the retirement.
    """
    x = s.scalar
    if not m.skip or s.segments_left[_MOVE] == 0 or _asks(s, m, _STORE, now):
        return 0
    packets = (s.bytes_left[_MOVE] - 1) // m.burst_bytes
    if x[_ACT_GRANTED] < x[_ACT_ISSUED]:
        arrival = s.act_arrival[x[_ACT_GRANTED] % m.act_slots]
        packets = min(packets, _packets_before(s, m, arrival))
    return max(0, packets)


@kernel
def _packets_before(s: State, m: Machine, cycle: int) -> int:
    """Whole packets granted back to back from the end of the one on the bus, before a cycle."""
    cycles = (m.burst_bytes + m.act_bus_bytes - 1) // m.act_bus_bytes
    return max(0, (cycle - s.scalar[_BUS_END] + cycles - 1) // cycles)


@kernel
def _move_packets(s: State, m: Machine, packets: int) -> None:
    """Grant that many whole packets of the move on the bus."""
    cycles = (m.burst_bytes + m.act_bus_bytes - 1) // m.act_bus_bytes
    s.bytes_left[_MOVE] -= packets * m.burst_bytes
    s.bus_bytes_out[_MOVE] += packets * m.burst_bytes
    s.scalar[_BUS_END] += packets * cycles


@kernel
def _horizon(s: State, c: Columns, m: Machine, now: int, packets: int) -> int:
    """The next event of anything but a parameter burst and a skippable packet."""
    x = s.scalar
    cycle = _wake(s, c, now)
    if x[_BUS_OWNER] != _NOBODY:
        cycles = (m.burst_bytes + m.act_bus_bytes - 1) // m.act_bus_bytes
        cycle = min(cycle, x[_BUS_END] + packets * cycles)
    elif x[_ACT_GRANTED] < x[_ACT_ISSUED]:
        cycle = min(cycle, s.act_arrival[x[_ACT_GRANTED] % m.act_slots])
    for stream in (_FETCH_STREAM, _ACT_STREAM, _STORE_STREAM):
        if _eligible(s, c, m, stream):
            cycle = min(cycle, _credit_cycle(s, m, now))
    return cycle


@kernel
def _param_bursts(s: State, c: Columns, m: Machine, now: int, horizon: int) -> int:
    """Start parameter bursts before the horizon; the next cycle to run in full."""
    x = s.scalar
    alone = m.skip
    for stream in (_FETCH_STREAM, _ACT_STREAM, _STORE_STREAM):
        alone = alone and not _eligible(s, c, m, stream)
    while s.segments_left[_PARAM] > 0:
        cycle = _credit_cycle(s, m, now)
        if x[_PARAM_ISSUED] - x[_PARAM_FREED] >= m.param_slots:
            cycle = max(cycle, s.param_end[x[_PARAM_FREED] % m.param_slots])
        if cycle >= horizon:
            break
        if not alone:
            return cycle
        now = cycle
        _free_param_slots(s, m, now)
        _issue(s, c, m, _PARAM_STREAM, now)
        if s.segments_left[_PARAM] == 0:
            return now + 1
    return horizon


@kernel
def _state(c: Columns, m: Machine, visible: Ints, start: Ints, finish: Ints) -> State:
    scalar = np.zeros(_SCALARS, np.int64)
    scalar[_LAST_STREAM] = STREAMS - 1
    scalar[_LAST_BUS] = len(_BUS_ORDER) - 1
    scalar[_BUS_OWNER] = _NOBODY
    return State(
        scalar,
        np.zeros(ENGINES, np.int64),
        np.zeros(ENGINES, np.int64),
        np.zeros(ENGINES, np.int64),
        np.zeros(ENGINES, np.int64),
        np.zeros(ENGINES, np.int64),
        np.zeros(m.param_slots, np.int64),
        np.zeros(m.act_slots, np.int64),
        np.zeros(m.act_slots, np.int64),
        np.zeros(m.act_slots, np.int64),
        np.zeros(WRITE_BUFFER_SLOTS, np.int64),
        visible,
        start,
        finish,
        np.zeros(STREAMS, np.int64),
        np.zeros(ENGINES, np.int64),
    )


@kernel
def simulate(c: Columns, m: Machine) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Run a program; its visible, start and finish cycles [I], channel and bus bytes.

    A program that stops before its end (impossible when M3 holds) keeps NEVER in `finish`.
    """
    count = len(c.queue)
    visible = np.full(count, NEVER, np.int64)
    start = np.full(count, NEVER, np.int64)
    finish = np.full(count, NEVER, np.int64)
    s = _state(c, m, visible, start, finish)
    now = 0
    while now < NEVER:
        _complete(s, c, m, now)
        if s.scalar[_PREFIX] == count:
            break
        _start(s, c, now)
        freed_store = _grant(s, c, m, now)
        freed_load = _serve(s, c, m, now)
        if freed_store or freed_load:
            now += 1
            continue
        moving = s.scalar[_BUS_OWNER] == _MOVE
        packets = _skippable_packets(s, m, now) if moving else 0
        now = _param_bursts(s, c, m, now, _horizon(s, c, m, now, packets))
        if packets > 0:
            _move_packets(s, m, min(packets, _packets_before(s, m, now)))
    return visible, start, finish, s.channel_bytes_out, s.bus_bytes_out

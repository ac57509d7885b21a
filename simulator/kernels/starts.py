"""Phases 1 and 2: what is known of starts follows from what is known of retirements.

An engine's head starts in the cycle in which it is visible, its waits hold and the front before it
is done (M7, M10, M11, M13): the latest of cycles that are each known as soon as a burst starts or a
packet is granted, and always lie after that. So starts and retirements are not events: they are
entered when the last thing that they wait for becomes known, `BLOCKER` and `NEEDED`, and streams
learn from which cycle on they have a burst. The same holds for the bytes freed in the ring (M12).
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import BYTES_OF, ENGINES, Engine
from apollo.arch.jit import bare_inlined
from apollo.arch.operands import Load
from apollo.simulator.kernels.state import (
    ACT_END,
    ACT_GRANTED,
    ACT_ISSUED,
    ACT_STREAM,
    ASK,
    BEGIN,
    BLOCKER,
    COUNTDOWN,
    ELIGIBLE,
    FETCH_STREAM,
    FETCHED,
    FINISH,
    FIRST,
    FREE_FROM,
    KNOWN,
    LEFT,
    MOVE_PLACE,
    NAMED,
    NEEDED,
    NEVER,
    NOTHING,
    PARAM_END,
    PARAM_ISSUED,
    PARAM_STREAM,
    PERIOD,
    PLACE,
    PREFIX,
    PREFIX_BYTES,
    PREFIX_CYCLE,
    START,
    STARTED,
    STORE_GRANTED,
    STORE_PLACE,
    STORE_TAKEN,
    TAIL_CYCLES,
    VISIBLE,
    WRITE_BUFFER_SLOTS,
    Machine,
)
from apollo.simulator.kernels.work import moved_bytes

Ints = npt.NDArray[np.int64]
Column = npt.NDArray[np.int32]

PARAM, ACT, MOVE = int(Engine.PARAM), int(Engine.ACT), int(Engine.MOVE)
COMPUTE, STORE = int(Engine.COMPUTE), int(Engine.STORE)

# The helpers take bare arrays, compiled in line: a tuple of arrays would be copied and
# reference-counted at every access, which costs more than the rules themselves.
#   x state   f rings   q queues [I]   t times [3, I]   m machine


@bare_inlined
def retire(x: Ints, q: Column, t: Ints, engine: int, cycle: int) -> None:
    """The engine's next instruction retires in that cycle."""
    t[FINISH, q[x[FIRST + engine] + x[KNOWN + engine]]] = cycle
    x[KNOWN + engine] += 1


@bare_inlined
def release(x: Ints, q: Column, engine: int, cycle: int) -> None:
    """The engine may start its next instruction from that cycle on."""
    x[FREE_FROM + engine] = cycle
    place = x[FIRST + engine] + x[STARTED + engine]
    if place < x[FIRST + engine + 1]:
        x[BLOCKER + engine] = NAMED
        x[NEEDED + engine] = q[place] + 1


@bare_inlined
def param_slot(x: Ints, f: Ints, m: Machine) -> int:
    """The cycle from which the next parameter burst has a staging slot (M8)."""
    packet = x[PARAM_ISSUED] - m.param_slots
    if packet < 0 or (m.skip and m.param_flows):
        return 0
    return f[PARAM_END, packet & (f.shape[1] - 1)]


@bare_inlined
def act_slot(x: Ints, f: Ints, m: Machine) -> int:
    """The same of activations; NEVER as long as it is not known."""
    packet = x[ACT_ISSUED] - m.act_slots
    if packet < 0:
        return 0
    return f[ACT_END, packet & (f.shape[1] - 1)] if packet < x[ACT_GRANTED] else NEVER


@bare_inlined
def _front(x: Ints, engine: int, segments: int, size: int, bus_bytes: int, m: Machine) -> None:
    """The packets of a transfer (M4); its last one in a segment carries what is left."""
    period = (size + m.burst_bytes - 1) // m.burst_bytes
    tail = size - (period - 1) * m.burst_bytes
    x[LEFT + engine] = segments * period
    x[COUNTDOWN + engine] = period
    x[PERIOD + engine] = period
    x[TAIL_CYCLES + engine] = (tail + bus_bytes - 1) // bus_bytes


@bare_inlined
def _begin_move(
    x: Ints, q: Column, operand: Column, t: Ints, m: Machine, i: int, code: int, cycle: int
) -> None:
    """M10; the column of starts held the delay."""
    ask = cycle + t[START, i]
    size = moved_bytes(operand, i, code)
    if size == 0:
        retire(x, q, t, MOVE, ask)
        release(x, q, MOVE, ask)
    else:
        _front(x, MOVE, 1, size, m.act_bus_bytes, m)
        x[ASK + MOVE_PLACE] = ask


@bare_inlined
def _begin_transfer(
    x: Ints, f: Ints, operand: Column, m: Machine, i: int, engine: int, cycle: int
) -> None:
    """M7, M11."""
    segments = int(operand[i, Load.SEGMENTS])
    size = int(operand[i, Load.SEGMENT_BYTES])
    bus_bytes = m.param_bus_bytes if engine == PARAM else m.act_bus_bytes
    _front(x, engine, segments, size, bus_bytes, m)
    if engine == PARAM:
        if m.skip and m.param_flows:  # nothing but the last burst's end is read
            x[COUNTDOWN + PARAM] = x[LEFT + PARAM]
        x[ELIGIBLE + x[PLACE + PARAM_STREAM]] = max(cycle, param_slot(x, f, m))
    elif engine == ACT:
        x[ELIGIBLE + x[PLACE + ACT_STREAM]] = max(cycle, act_slot(x, f, m))
    elif x[STORE_GRANTED] - x[STORE_TAKEN] < WRITE_BUFFER_SLOTS:
        x[ASK + STORE_PLACE] = cycle


@bare_inlined
def _start_cycle(x: Ints, q: Column, w: Column, t: Ints, head: int, engine: int) -> int:
    """When the engine's head starts; -1, with its blocker, if that is not known."""
    cycle = max(x[FREE_FROM + engine], t[VISIBLE, head])
    for other in range(ENGINES):
        needed = int(w[head, other])
        if needed > x[KNOWN + other]:
            x[BLOCKER + engine] = KNOWN + other
            x[NEEDED + engine] = needed
            return -1
        if needed > 0:
            cycle = max(cycle, t[FINISH, q[x[FIRST + other] + needed - 1]])
    return cycle


@bare_inlined
def _start(
    x: Ints,
    f: Ints,
    q: Column,
    opcode: Column,
    w: Column,
    operand: Column,
    t: Ints,
    m: Machine,
    engine: int,
) -> None:
    """Start the engine's head, or name its next blocker."""
    head = int(q[x[FIRST + engine] + x[STARTED + engine]])
    cycle = _start_cycle(x, q, w, t, head, engine)
    if cycle < 0:
        return
    x[STARTED + engine] += 1
    x[BLOCKER + engine] = NOTHING
    x[BEGIN + engine] = cycle
    if engine == COMPUTE:
        end = cycle + t[START, head]
        retire(x, q, t, COMPUTE, end)
        release(x, q, COMPUTE, end)
    elif engine == MOVE:
        _begin_move(x, q, operand, t, m, head, opcode[head], cycle)
    else:
        _begin_transfer(x, f, operand, m, head, engine, cycle)
    t[START, head] = cycle


@bare_inlined
def _free_ring(x: Ints, opcode: Column, t: Ints, m: Machine) -> None:
    """From when on the ring has room for the next burst of the program (M12)."""
    needed = (x[FETCHED] + 1) * m.burst_bytes - m.ring_bytes
    while x[PREFIX_BYTES] < needed and t[FINISH, x[PREFIX]] < NEVER:
        x[PREFIX_CYCLE] = max(x[PREFIX_CYCLE], t[FINISH, x[PREFIX]])
        x[PREFIX_BYTES] += BYTES_OF[opcode[x[PREFIX]]]
        x[PREFIX] += 1
    if x[PREFIX_BYTES] >= needed:
        x[ELIGIBLE + x[PLACE + FETCH_STREAM]] = x[PREFIX_CYCLE]


@bare_inlined
def settle(
    x: Ints,
    f: Ints,
    q: Column,
    opcode: Column,
    w: Column,
    operand: Column,
    t: Ints,
    m: Machine,
    fetch_bursts: int,
) -> None:
    """Enter all that follows from what has become known."""
    again = True
    while again:
        again = False
        for engine in range(ENGINES):
            if x[x[BLOCKER + engine]] >= x[NEEDED + engine]:
                _start(x, f, q, opcode, w, operand, t, m, engine)
                again = True
    if x[ELIGIBLE + x[PLACE + FETCH_STREAM]] == NEVER and x[FETCHED] < fetch_bursts:
        _free_ring(x, opcode, t, m)

"""Phase 3: the activation bus (M9). The parameter bus is private: `channel` knows its whole way."""

import numpy as np
import numpy.typing as npt

from apollo.arch.jit import bare_inlined
from apollo.simulator.kernels.starts import ACT, MOVE, STORE, release, retire
from apollo.simulator.kernels.state import (
    ACT_ARRIVAL,
    ACT_CYCLES,
    ACT_END,
    ACT_GRANTED,
    ACT_ISSUED,
    ACT_LAST,
    ACT_PLACE,
    ACT_STREAM,
    ASK,
    BEGIN,
    BUS_END,
    COUNTDOWN,
    ELIGIBLE,
    LAST_PLACE,
    LEFT,
    MOVE_PLACE,
    NEVER,
    PERIOD,
    PLACE,
    PLACES,
    STORE_END,
    STORE_GRANTED,
    STORE_LAST,
    STORE_PLACE,
    STORE_STREAM,
    STORE_TAKEN,
    TAIL_CYCLES,
    WHOLE_CYCLES,
    WRITE_BUFFER_SLOTS,
    Machine,
)

Ints = npt.NDArray[np.int64]
Column = npt.NDArray[np.int32]


@bare_inlined
def bus_cycle(x: Ints) -> int:
    """The cycle of the next grant, as far as is known."""
    ask = min(x[ASK + ACT_PLACE], x[ASK + MOVE_PLACE], x[ASK + STORE_PLACE])
    return max(x[BUS_END], ask)


@bare_inlined
def next_packet(x: Ints, engine: int) -> int:
    """Take the next packet of the engine's front; its cycles on the bus."""
    x[LEFT + engine] -= 1
    x[COUNTDOWN + engine] -= 1
    if x[COUNTDOWN + engine] > 0:
        return x[WHOLE_CYCLES + engine]
    x[COUNTDOWN + engine] = x[PERIOD + engine]
    return x[TAIL_CYCLES + engine]


@bare_inlined
def _grant_act(x: Ints, f: Ints, q: Column, t: Ints, m: Machine, now: int) -> bool:
    packet = x[ACT_GRANTED]
    mask = f.shape[1] - 1
    end = now + f[ACT_CYCLES, packet & mask]
    x[BUS_END] = end
    f[ACT_END, packet & mask] = end
    x[ACT_GRANTED] = packet + 1
    more = packet + 1 < x[ACT_ISSUED]
    x[ASK + ACT_PLACE] = f[ACT_ARRIVAL, (packet + 1) & mask] if more else NEVER
    if packet == x[ACT_ISSUED] - m.act_slots and x[LEFT + ACT] > 0:
        x[ELIGIBLE + x[PLACE + ACT_STREAM]] = max(x[BEGIN + ACT], end)
    if f[ACT_LAST, packet & mask] == 0:
        return False
    retire(x, q, t, ACT, end)
    return True


@bare_inlined
def _grant_move(x: Ints, q: Column, t: Ints, now: int) -> bool:
    end = now + next_packet(x, MOVE)
    x[BUS_END] = end
    if x[LEFT + MOVE] > 0:
        return False
    x[ASK + MOVE_PLACE] = NEVER
    retire(x, q, t, MOVE, end)
    release(x, q, MOVE, end)
    return True


@bare_inlined
def _grant_store(x: Ints, f: Ints, q: Column, now: int) -> bool:
    packet = x[STORE_GRANTED]
    slot = packet % WRITE_BUFFER_SLOTS
    end = now + next_packet(x, STORE)
    x[BUS_END] = end
    f[STORE_END, slot] = end
    f[STORE_LAST, slot] = 1 if x[LEFT + STORE] == 0 else 0
    x[STORE_GRANTED] = packet + 1
    if x[STORE_TAKEN] == packet:
        x[ELIGIBLE + x[PLACE + STORE_STREAM]] = end
    if x[LEFT + STORE] == 0:
        x[ASK + STORE_PLACE] = NEVER
        release(x, q, STORE, now + 1)
        return True
    if packet + 1 - x[STORE_TAKEN] == WRITE_BUFFER_SLOTS:
        x[ASK + STORE_PLACE] = NEVER
    return False


@bare_inlined
def grant(x: Ints, f: Ints, q: Column, t: Ints, m: Machine, now: int) -> bool:
    """Grant one packet to the next engine that asks; whether starts may follow."""
    place = x[LAST_PLACE]
    for _ in range(PLACES):
        place = place + 1 if place < PLACES - 1 else 0
        if x[ASK + place] <= now:
            break
    x[LAST_PLACE] = place
    if place == ACT_PLACE:
        return _grant_act(x, f, q, t, m, now)
    if place == MOVE_PLACE:
        return _grant_move(x, q, t, now)
    return _grant_store(x, f, q, now)

"""Event-driven simulation, exact: the cycles in which a channel or the activation bus serves.

Only those two choose between engines, and what they do in a cycle has consequences in later cycles
only. So the next service of each is known, the earliest is done, and everything else follows by
`settle`. The order of phases 3 and 4 in a cycle does not matter then.
"""

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import ENGINES
from apollo.arch.jit import bare_inlined, bare_kernel
from apollo.simulator.kernels.bus import bus_cycle, grant
from apollo.simulator.kernels.channel import channel_cycle, serve
from apollo.simulator.kernels.skips import move_packets, param_bursts
from apollo.simulator.kernels.starts import MOVE, PARAM, release, settle
from apollo.simulator.kernels.state import (
    CHANNELS,
    FINISH,
    KNOWN,
    LAST_PLACE,
    LAST_STREAM,
    LEFT,
    MOVE_PLACE,
    NEVER,
    PARAM_STREAM,
    VISIBLE,
    Machine,
)

Ints = npt.NDArray[np.int64]
Column = npt.NDArray[np.int32]


@bare_inlined
def _run_ahead(x: Ints, f: Ints, m: Machine) -> None:
    """Skip what has no consequences."""
    param_channel = m.channel_of[PARAM_STREAM]
    if x[LEFT + PARAM] > 1 and x[LAST_STREAM + param_channel] == PARAM_STREAM:
        param_bursts(x, f, m, param_channel)
    if x[LEFT + MOVE] > 1 and x[LAST_PLACE] == MOVE_PLACE:
        move_packets(x)


@bare_inlined
def _serve_cycle(
    x: Ints, f: Ints, q: Column, opcode: Column, t: Ints, m: Machine, now: int
) -> bool:
    """All services of a cycle; whether starts may follow."""
    changed = False
    if bus_cycle(x) == now:
        changed = grant(x, f, q, t, m, now)
    for channel in range(CHANNELS):
        if channel_cycle(x, channel) == now:
            changed = serve(x, f, q, opcode, t, m, channel, now) or changed
    return changed


@bare_kernel
def simulate(
    # Program:
    opcode: Column,
    wait: Column,
    operand: Column,
    queue: Column,
    fetch_bursts: int,
    # Machine:
    m: Machine,
    x: Ints,
    f: Ints,
    # Out:
    times_out: Ints,
) -> int:
    """Times [3, I], of which the starts hold delays and durations before; returns what retired.

    An instruction that never finishes (there is none when M3 holds) keeps NEVER.
    """
    q, w, t = queue, wait, times_out
    for i in range(len(opcode)):
        t[VISIBLE, i] = t[FINISH, i] = NEVER
    for engine in range(ENGINES):
        release(x, q, engine, 0)
    now, changed = 0, True
    while now < NEVER:
        if changed:
            settle(x, f, q, opcode, w, operand, t, m, fetch_bursts)
        if m.skip:
            _run_ahead(x, f, m)
        now = min(bus_cycle(x), min(channel_cycle(x, 0), channel_cycle(x, 1)))
        changed = now < NEVER and _serve_cycle(x, f, q, opcode, t, m, now)
    retired = 0
    for engine in range(ENGINES):
        retired += x[KNOWN + engine]
    return retired

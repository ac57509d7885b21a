"""The state before cycle 0."""

import numpy as np
import numpy.typing as npt

from apollo.arch.isa import ENGINES, Engine
from apollo.arch.jit import inlined, kernel
from apollo.simulator.kernels.state import (
    ACT_STREAM,
    ASK,
    BLOCKER,
    CHANNELS,
    ELIGIBLE,
    EXCESS,
    FIRST,
    GAIN,
    GAP,
    LAST_PLACE,
    LAST_STREAM,
    LATENCY,
    NEVER,
    NOTHING,
    PARAM_STREAM,
    PLACE,
    PLACES,
    READY,
    REMAINDER,
    RINGS,
    STATE,
    STREAMS,
    WHOLE_CYCLES,
    WRITE_BUFFER_SLOTS,
    Machine,
)

Ints = npt.NDArray[np.int64]
PARAM = int(Engine.PARAM)


@inlined
def _channels(x: Ints, m: Machine) -> None:
    for channel in range(CHANNELS):
        gain, cost = m.gain[channel], m.cost[channel]
        gap = (cost + gain - 1) // gain
        x[LAST_STREAM + channel] = STREAMS - 1
        x[GAIN + channel] = gain
        x[GAP + channel] = gap
        x[EXCESS + channel] = gap * gain - cost
        # Credit is 0 in cycle 0, as if a burst had just left nothing over.
        x[READY + channel] = gap
        x[REMAINDER + channel] = x[EXCESS + channel]
        for stream in range(STREAMS):
            x[ELIGIBLE + STREAMS * channel + stream] = NEVER
    for stream in range(STREAMS):
        x[LATENCY + stream] = m.latency[m.channel_of[stream]]
        x[PLACE + stream] = STREAMS * m.channel_of[stream] + stream


@kernel
def initial_state(m: Machine, first: Ints, bursts: Ints) -> tuple[Ints, Ints]:
    """State and rings, for queues of engines that begin at `first`, and so many bursts a stream."""
    x = np.zeros(STATE, np.int64)
    _channels(x, m)
    x[NOTHING] = -1
    x[LAST_PLACE] = PLACES - 1
    for place in range(PLACES):
        x[ASK + place] = NEVER
    x[FIRST + ENGINES] = first[ENGINES]
    for engine in range(ENGINES):
        x[FIRST + engine] = first[engine]
        x[BLOCKER + engine] = NOTHING
        bus_bytes = m.param_bus_bytes if engine == PARAM else m.act_bus_bytes
        x[WHOLE_CYCLES + engine] = (m.burst_bytes + bus_bytes - 1) // bus_bytes
    # There are never more packets in staging than in the program.
    slots = min(m.act_slots, bursts[ACT_STREAM])
    if not (m.skip and m.param_flows):
        slots = max(slots, min(m.param_slots, bursts[PARAM_STREAM]))
    room = WRITE_BUFFER_SLOTS
    while room < slots:
        room *= 2
    return x, np.zeros((RINGS, room), np.int64)

"""How much there was at a time: bytes on the channels, instructions, instruction memory.

A run records instructions, not bursts. So a load or store counts whole when it retires, and a
burst of the program when it arrives.
"""

from typing import NamedTuple

import numpy as np

from apollo.arch.accelerator import STREAMS, Accelerator
from apollo.arch.isa import Engine
from apollo.arch.operands import Transfer
from apollo.arch.program import Ints
from apollo.simulator.timeline import Timeline
from apollo.simulator.trace.window import Window


class Counter(NamedTuple):
    """A value over time: `value[n]` from `cycle[n]` on; cycles ascend, the first is 0."""

    name: str
    unit: str
    cycle: Ints  # [N]
    value: Ints  # [N]

    def within(self, window: Window) -> "Counter":
        """The part inside a window, from the value on entry to the one on leaving it."""
        entry = int(np.searchsorted(self.cycle, window.first, side="right")) - 1
        end = int(np.searchsorted(self.cycle, window.last, side="right"))
        cycle = np.maximum(self.cycle[entry:end], window.first)
        return self._replace(cycle=cycle, value=self.value[entry:end])


def counters(timeline: Timeline, accelerator: Accelerator) -> list[Counter]:
    """All counters of a run."""
    ones = np.ones(len(timeline.program), np.int64)
    flight = _sum("instructions in flight", "", (timeline.start, ones), (timeline.finish, -ones))
    moved = _channel_bytes(timeline, accelerator)
    return [*moved, _instruction_memory(timeline, accelerator), flight]


def _sum(name: str, unit: str, *changes: tuple[Ints, Ints]) -> Counter:
    """The running sum of changes, given as cycles and amounts."""
    cycles = np.concatenate([[0], *(cycle for cycle, _ in changes)]).astype(np.int64)
    amounts = np.concatenate([[0], *(amount for _, amount in changes)]).astype(np.int64)
    cycle, where = np.unique(cycles, return_inverse=True)
    total = np.zeros(len(cycle), np.int64)
    np.add.at(total, where, amounts)
    return Counter(name, unit, cycle, np.cumsum(total))


def _channel_bytes(timeline: Timeline, accelerator: Accelerator) -> list[Counter]:
    """Bytes moved so far by each stream on its channel, whole bursts (M4, M5)."""
    program, burst_bytes = timeline.program, accelerator.burst_bytes
    arrival = _fetch_arrivals(timeline, burst_bytes)
    moved = {"FETCH": (arrival, np.full(len(arrival), burst_bytes))}
    sizes = program.operand[:, Transfer.SEGMENT_BYTES].astype(np.int64)
    transfer = program.operand[:, Transfer.SEGMENTS] * -(-sizes // burst_bytes) * burst_bytes
    for engine in (Engine.PARAM, Engine.ACT, Engine.STORE):
        mine = program.engine == engine
        moved[engine.name] = (timeline.finish[mine], transfer[mine])
    return [_sum(counter_name(stream, accelerator), "B", moved[stream]) for stream in STREAMS]


def counter_name(stream: str, accelerator: Accelerator) -> str:
    """The name of a stream's counter of bytes: it begins with the stream's channel."""
    return f"{'host link' if stream in accelerator.host_streams else 'DRAM'} {stream}"


def _fetch_arrivals(timeline: Timeline, burst_bytes: int) -> Ints:
    """When each burst of the program had arrived: the last byte of some instruction is in it.

    Of bursts that end no instruction, which are smaller than one, the next one's time is taken.
    """
    ends = np.cumsum(timeline.program.encoded_bytes)
    bursts = -(-int(ends.max(initial=0)) // burst_bytes)
    return timeline.visible[np.searchsorted(ends, np.arange(bursts) * burst_bytes, side="right")]


def _instruction_memory(timeline: Timeline, accelerator: Accelerator) -> Counter:
    """Bytes of the ring in use: bursts on their way or arrived, less what has retired (M12)."""
    (latency,) = (c.latency_cycles for c in accelerator.channels if "FETCH" in c.streams)
    begin = _fetch_arrivals(timeline, accelerator.burst_bytes) - latency
    leading = np.maximum.accumulate(timeline.finish)
    sizes = timeline.program.encoded_bytes
    fetched = (begin, np.full(len(begin), accelerator.burst_bytes))
    return _sum("instruction memory", "B", fetched, (leading, -sizes))

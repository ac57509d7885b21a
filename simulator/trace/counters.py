"""How much there was at a time: bytes on the DRAM channel, instructions, instruction memory.

A run records instructions, not bursts. So a load or store counts whole when it retires, and a
burst of the program when it arrives.
"""

from typing import NamedTuple

import numpy as np

from apollo.arch.accelerator import BURST_BYTES, Accelerator
from apollo.arch.isa import Engine, Ints, Transfer
from apollo.simulator.timeline import STREAMS, Timeline
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
    return [*_dram_bytes(timeline), _instruction_memory(timeline, accelerator), flight]


def _sum(name: str, unit: str, *changes: tuple[Ints, Ints]) -> Counter:
    """The running sum of changes, given as cycles and amounts."""
    cycles = np.concatenate([[0], *(cycle for cycle, _ in changes)]).astype(np.int64)
    amounts = np.concatenate([[0], *(amount for _, amount in changes)]).astype(np.int64)
    cycle, where = np.unique(cycles, return_inverse=True)
    total = np.zeros(len(cycle), np.int64)
    np.add.at(total, where, amounts)
    return Counter(name, unit, cycle, np.cumsum(total))


def _dram_bytes(timeline: Timeline) -> list[Counter]:
    """Bytes moved so far by each stream, whole bursts (M4)."""
    program = timeline.program
    arrival = _fetch_arrivals(timeline)
    moved = {"FETCH": (arrival, np.full(len(arrival), BURST_BYTES))}
    bursts = -(-program.operand[:, Transfer.SEGMENT_BYTES] // BURST_BYTES)
    transfer = program.operand[:, Transfer.SEGMENTS] * bursts * BURST_BYTES
    for engine in (Engine.PARAM, Engine.ACT, Engine.STORE):
        mine = program.engine == engine
        moved[engine.name] = (timeline.finish[mine], transfer[mine])
    return [_sum(f"DRAM {stream}", "B", moved[stream]) for stream in STREAMS]


def _fetch_arrivals(timeline: Timeline) -> Ints:
    """When each burst of the program had arrived: the last byte of some instruction is in it."""
    ends = np.cumsum(timeline.program.encoded_bytes)
    _, first = np.unique((ends - 1) // BURST_BYTES, return_index=True)
    return timeline.visible[first]


def _instruction_memory(timeline: Timeline, accelerator: Accelerator) -> Counter:
    """Bytes of the ring in use: bursts on their way or arrived, less what has retired (M12)."""
    begin = _fetch_arrivals(timeline) - accelerator.dram_latency_cycles
    leading = np.maximum.accumulate(timeline.finish)
    sizes = timeline.program.encoded_bytes
    fetched = (begin, np.full(len(begin), BURST_BYTES))
    return _sum("instruction memory", "B", fetched, (leading, -sizes))

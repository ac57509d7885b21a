"""What happened from when to when: instructions in flight, stalls and layers of a run.

Everything here follows from the tables of a run (docs/machine.md, M15); `N` spans.
"""

from typing import NamedTuple

import numpy as np

from apollo.arch.isa import ENGINES, Engine
from apollo.arch.program import Ints
from apollo.simulator.stalls import StallCause
from apollo.simulator.timeline import Timeline
from apollo.simulator.trace.window import Window

NO_INSTRUCTION = -1


class Spans(NamedTuple):
    """Intervals of cycles in order, `end` not included."""

    begin: Ints  # [N] cycle
    end: Ints  # [N] cycle
    code: Ints  # [N] lane, StallCause or layer
    instruction: Ints  # [N] number in the program, or NO_INSTRUCTION

    def within(self, window: Window) -> "Spans":
        """The parts inside a window."""
        begin = np.maximum(self.begin, window.first)
        end = np.minimum(self.end, window.last)
        kept = begin < end
        return Spans(begin[kept], end[kept], self.code[kept], self.instruction[kept])


def in_flight(timeline: Timeline, engine: Engine) -> Spans:
    """Every instruction of an engine from start to retirement; spans of a lane do not overlap."""
    mine = np.flatnonzero(timeline.program.engine == engine)
    begin, end = timeline.start[mine], timeline.finish[mine]
    free_from: list[int] = []
    lanes = []
    for start, finish in zip(begin.tolist(), end.tolist(), strict=True):
        lane = next((n for n, cycle in enumerate(free_from) if cycle <= start), len(free_from))
        free_from[lane : lane + 1] = [finish]
        lanes.append(lane)
    return Spans(begin, end, np.array(lanes, np.int64), mine)


def oldest_in_flight(timeline: Timeline, engine: Engine) -> Spans:
    """The instruction of an engine that retires next, while one is in flight; code is 0."""
    mine = np.flatnonzero(timeline.program.engine == engine)
    end = timeline.finish[mine]
    begin = np.maximum(timeline.start[mine], _idle_from(end))
    return Spans(begin, end, np.zeros(len(mine), np.int64), mine)


def stalls(timeline: Timeline, engine: Engine) -> Spans:
    """Every wait of an engine that has nothing in flight, by `StallCause` (M15)."""
    mine = np.flatnonzero(timeline.program.engine == engine)
    finish = timeline.finish[mine]
    bounds = np.column_stack(
        [_idle_from(finish), timeline.visible[mine], release_cycles(timeline)[mine]]
    )
    bounds = np.maximum.accumulate(bounds, axis=1)
    causes = np.arange(StallCause.FETCH, len(StallCause))
    head, column = np.nonzero(np.diff(bounds, axis=1))
    last = int(finish.max(initial=0))
    ends = [timeline.latency_cycles] if last < timeline.latency_cycles else []
    at_end = np.full(len(ends), StallCause.END)
    return Spans(
        np.append(bounds[head, column], [last] * len(ends)).astype(np.int64),
        np.append(bounds[head, column + 1], ends).astype(np.int64),
        np.append(causes[column], at_end).astype(np.int64),
        np.append(mine[head], [NO_INSTRUCTION] * len(ends)).astype(np.int64),
    )


def layers(timeline: Timeline) -> Spans:
    """Every layer from the end of the layers before it to its own end, as in `layer_rows`."""
    ends = np.zeros(len(timeline.program.layer_names), np.int64)
    np.maximum.at(ends, timeline.program.layer, timeline.finish)
    ends = np.maximum.accumulate(ends)
    begins = np.concatenate([[0], ends[:-1]])[: len(ends)]
    kept = np.flatnonzero(begins < ends)
    return Spans(begins[kept], ends[kept], kept, np.full(len(kept), NO_INSTRUCTION))


def release_cycles(timeline: Timeline) -> Ints:
    """When the waits of each instruction came to hold, by engine waited for, [I, E]; 0 without."""
    numbers = waited_for(timeline)
    return np.where(numbers == NO_INSTRUCTION, 0, _at(timeline.finish, numbers))


def waited_for(timeline: Timeline) -> Ints:
    """The last instruction of each engine that an instruction waits for, [I, E]."""
    program = timeline.program
    numbers = np.full(program.wait.shape, NO_INSTRUCTION)
    for engine in range(ENGINES):
        queue = np.flatnonzero(program.engine == engine)
        waits = program.wait[:, engine] > 0
        numbers[waits, engine] = queue[program.wait[waits, engine] - 1]
    return numbers


def released_by(timeline: Timeline) -> Ints:
    """Of all that an instruction waits for, the one that retired last, [I]; or NO_INSTRUCTION."""
    last = np.argmax(release_cycles(timeline), axis=1)
    return np.asarray(waited_for(timeline)[np.arange(len(timeline.program)), last])


def _idle_from(finish: Ints) -> Ints:
    """When the instructions before each of an engine had retired; they retire in order."""
    return np.concatenate([[0], finish[:-1]])[: len(finish)].astype(np.int64)


def _at(values: Ints, numbers: Ints) -> Ints:
    """The values of those numbers; any value where there is none, also of no values."""
    return np.append(values, 0)[numbers]

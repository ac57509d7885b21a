"""The best pipelines: a network cut into consecutive stages over a chain of chips.

With `t(k, i, j)` the time of chip `k` for the units `i` up to `j`, `o(k, i)` the time for which the
transfer at cut `i` into chip `k` takes its link, and `a(k, i)` the time until it has arrived, the
least over all cuts is found chip by chip (Bellman):

    period  P(k, j) = min over i of max(P(k-1, i), o(k, i), t(k, i, j))
    latency L(k, j) = min over i of     L(k-1, i) + a(k, i) + t(k, i, j)

A chip may have no units: it hands on what it gets.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from apollo.search.placement.codesign.stages import NEVER, StageTable
from apollo.search.placement.problem import Ints


@dataclass(frozen=True)
class Pipeline:
    """A cut of a network over a chain of chips: chip `k` has the units `ends[k]` to `ends[k+1]`."""

    ends: tuple[int, ...]  # [K + 1] from 0 to the number of units
    stage_ns: tuple[int, ...]  # [K]
    occupied_ns: tuple[int, ...]  # [K] the link into the chip
    latency_ns: int  # of one inference, from its first stage's start to its last one's end

    @property
    def period_ns(self) -> int:
        """From one inference to the next: the slowest stage or link."""
        return max(*self.stage_ns, *self.occupied_ns)

    @property
    def throughput_per_s(self) -> float:
        """Inferences (of the whole batch) a second."""
        return 1e9 / self.period_ns


def fastest(table: StageTable) -> Pipeline | None:
    """The pipeline of the shortest period, of those the one of least latency; None if none runs."""
    period = _least_period(table)
    return None if period >= NEVER else _least_latency(table, period)


def quickest(table: StageTable) -> Pipeline | None:
    """The pipeline of the least latency; None if none runs."""
    return _least_latency(table, NEVER - 1)


def pipeline_at(table: StageTable, ends: tuple[int, ...]) -> Pipeline | None:
    """The pipeline that is cut there; None if a stage cannot run."""
    stages = list(enumerate(pairwise(ends)))
    times = tuple(int(table.stage_ns[chip, first, end]) for chip, (first, end) in stages)
    occupied = tuple(int(table.occupied_ns[chip, first]) for chip, (first, _) in stages)
    arriving = sum(int(table.arriving_ns[chip, first]) for chip, (first, _) in stages)
    if max(times) >= NEVER:
        return None
    return Pipeline(ends, times, occupied, sum(times) + arriving)


def _least_period(table: StageTable) -> int:
    best = _start(table)
    for chip in range(table.chips):
        entered = np.maximum(best, table.occupied_ns[chip])
        best = np.maximum(entered[:, None], table.stage_ns[chip]).min(axis=0)
    return int(best[-1])


def _least_latency(table: StageTable, period: int) -> Pipeline | None:
    """The quickest of the pipelines whose period is at most that; of equals, the earliest cuts."""
    best = _start(table)
    came_from: list[Ints] = []
    for chip in range(table.chips):
        waits = np.where(table.occupied_ns[chip] > period, NEVER, table.arriving_ns[chip])
        times = np.where(table.stage_ns[chip] > period, NEVER, table.stage_ns[chip])
        through = (best + waits)[:, None] + times
        came_from.append(through.argmin(axis=0))
        best = np.minimum(through.min(axis=0), NEVER)
    if best[-1] >= NEVER:
        return None
    ends = [table.units]
    for choice in reversed(came_from):
        ends.append(int(choice[ends[-1]]))
    return pipeline_at(table, tuple(reversed(ends)))


def _start(table: StageTable) -> Ints:
    """[U + 1] Nothing has run before the first chip."""
    best = np.full(table.units + 1, NEVER, np.int64)
    best[0] = 0
    return best

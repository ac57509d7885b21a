"""Inequalities that hold for every valid program and design, on every implementation."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import numpy.typing as npt
import pytest

from apollo.arch.accelerator import STREAMS
from apollo.arch.isa import ENGINES, Engine
from apollo.simulator import engine, reference
from apollo.simulator.stalls import StallCause, stall_cycles
from apollo.simulator.timeline import Timeline
from tests.simulator.agreement import Case, differing_columns, random_case
from tests.simulator.conftest import Simulate
from tests.simulator.work import multiply_accumulates, useful_bytes

IMPLEMENTATIONS: dict[str, tuple[Simulate, range]] = {
    "reference": (reference.simulate, range(7000, 7100)),
    "kernel": (engine.simulate, range(7000, 7400)),
    "kernel_without_skips": (partial(engine.simulate, skip=False), range(7000, 7400)),
}
MOST = 48  # instructions

Runs = list[tuple[Case, Timeline]]


@pytest.fixture(scope="module", params=IMPLEMENTATIONS)
def implementation(request: pytest.FixtureRequest) -> tuple[Simulate, range]:
    return IMPLEMENTATIONS[request.param]


@pytest.fixture(scope="module")
def runs(implementation: tuple[Simulate, range]) -> Runs:
    simulate, seeds = implementation
    return [(case, simulate(*case)) for case in (random_case(seed, most=MOST) for seed in seeds)]


def in_flight(timeline: Timeline) -> npt.NDArray[np.bool_]:
    """Whether an engine has at least one instruction in flight, [E, cycles]."""
    busy = np.zeros((ENGINES, timeline.latency_cycles), dtype=bool)
    for unit, start, finish in zip(
        timeline.program.engine, timeline.start, timeline.finish, strict=True
    ):
        busy[unit, start:finish] = True
    return busy


def by_engine(timeline: Timeline) -> Iterator[tuple[Engine, npt.NDArray[np.int64]]]:
    """The numbers of the instructions of each engine."""
    for unit in Engine:
        yield unit, np.flatnonzero(timeline.program.engine == unit)


def test_instructions_start_visible_and_last_at_least_a_cycle(runs: Runs) -> None:
    for _, timeline in runs:
        assert (timeline.visible <= timeline.start).all()
        assert (timeline.start < timeline.finish).all()


def test_instructions_of_an_engine_start_and_retire_in_order(runs: Runs) -> None:
    for _, timeline in runs:
        assert (np.diff(timeline.visible) >= 0).all()
        for unit, mine in by_engine(timeline):
            start, finish = timeline.start[mine], timeline.finish[mine]
            assert (np.diff(start) > 0).all()
            assert (np.diff(finish) > 0).all()
            if unit in (Engine.MOVE, Engine.COMPUTE):
                assert (start[1:] >= finish[:-1]).all()


def test_waits_hold_at_every_start(runs: Runs) -> None:
    for (program, _), timeline in runs:
        for unit, mine in by_engine(timeline):
            retired = np.searchsorted(timeline.finish[mine], timeline.start, side="right")
            assert (retired >= program.wait[:, unit]).all()


def test_latency_is_between_busy_cycles_and_all_cycles_in_a_row(runs: Runs) -> None:
    for _, timeline in runs:
        busy = in_flight(timeline)
        nothing = int((~busy.any(axis=0)).sum())
        assert busy.sum(axis=1).max() <= timeline.latency_cycles
        assert timeline.latency_cycles <= (timeline.finish - timeline.start).sum() + nothing


def test_a_cycle_with_nothing_in_flight_waits_for_fetch(runs: Runs) -> None:
    for _, timeline in runs:
        nothing = ~in_flight(timeline).any(axis=0)
        for cycle in np.flatnonzero(nothing[:-1] & ~nothing[1:]):  # the last of each such time
            heads = [mine[timeline.start[mine] > cycle][:1] for _, mine in by_engine(timeline)]
            assert any((timeline.visible[head] > cycle).any() for head in heads)


def test_busy_and_stall_cycles_are_all_cycles(runs: Runs) -> None:
    for _, timeline in runs:
        stalls = stall_cycles(timeline)
        assert (in_flight(timeline).sum(axis=1) + stalls.sum(axis=1)).tolist() == (
            [timeline.latency_cycles] * ENGINES
        )
        assert all(stalls[unit, StallCause[unit.name]] == 0 for unit in Engine)


def test_whole_bursts_do_not_exceed_the_bandwidth_of_their_channel(runs: Runs) -> None:
    for (_, accelerator), timeline in runs:
        for channel in accelerator.channels:
            mine = [STREAMS.index(stream) for stream in channel.streams]
            moved = int(timeline.channel_bytes[mine].sum())
            assert moved <= channel.bytes_per_cycle * timeline.latency_cycles


def test_buses_are_used_at_most_all_the_time(runs: Runs) -> None:
    for (_, accelerator), timeline in runs:
        param, *others = timeline.bus_bytes.tolist()
        assert param <= accelerator.parameter_bus_bytes * timeline.latency_cycles
        assert sum(others) <= accelerator.activation_bus_bytes * timeline.latency_cycles


def test_useful_bytes_are_those_of_the_program(runs: Runs) -> None:
    for (program, _), timeline in runs:
        assert timeline.bus_bytes.tolist() == useful_bytes(program).tolist()


def test_whole_bursts_hold_the_useful_bytes(runs: Runs) -> None:
    for (program, accelerator), timeline in runs:
        burst = accelerator.burst_bytes
        useful = np.append(program.encoded_bytes.sum(), timeline.bus_bytes[[0, 1, 4]])
        assert (timeline.channel_bytes % burst == 0).all()
        assert (timeline.channel_bytes >= useful).all()
        assert timeline.channel_bytes[0] - useful[0] < burst


def test_multiply_accumulates_do_not_exceed_the_peak(runs: Runs) -> None:
    for (program, accelerator), timeline in runs:
        executed = multiply_accumulates(program, accelerator)
        compute = program.engine == Engine.COMPUTE
        busy = int((timeline.finish - timeline.start)[compute].sum())
        assert executed <= accelerator.peak_macs_per_cycle * busy
        assert busy <= timeline.latency_cycles


def test_same_inputs_same_cycles(runs: Runs, implementation: tuple[Simulate, range]) -> None:
    simulate, _ = implementation
    for case, timeline in runs[:50]:
        assert differing_columns(simulate(*case), timeline) == []

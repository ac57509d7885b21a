"""Inequalities that hold for every valid program and design (docs/machine.md, M2 to M16)."""

from collections.abc import Iterator

import numpy as np
import pytest

from apollo.arch.accelerator import BURST_BYTES
from apollo.arch.isa import ENGINES, Compute, Engine, Opcode
from apollo.simulator import engine, reference
from apollo.simulator.stalls import StallCause, stall_cycles
from apollo.simulator.timeline import Timeline
from tests.simulator.agreement import Case, differing_columns, random_case

SEEDS = range(7000, 7120)


@pytest.fixture(scope="module")
def runs() -> list[tuple[Case, Timeline]]:
    cases = [random_case(seed, most=60) for seed in SEEDS]
    return [(case, engine.simulate(*case)) for case in cases]


def in_flight(timeline: Timeline) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Whether an engine has at least one instruction in flight, [E, cycles]."""
    busy = np.zeros((ENGINES, timeline.latency_cycles), dtype=bool)
    for unit, start, finish in zip(
        timeline.program.engine, timeline.start, timeline.finish, strict=True
    ):
        busy[unit, start:finish] = True
    return busy


def by_engine(timeline: Timeline) -> Iterator[tuple[Engine, Timeline]]:
    """The start and finish columns of each engine."""
    for unit in Engine:
        mine = timeline.program.engine == unit
        yield (
            unit,
            Timeline(
                timeline.program,
                timeline.visible[mine],
                timeline.start[mine],
                timeline.finish[mine],
                timeline.channel_bytes,
                timeline.bus_bytes,
            ),
        )


def test_instructions_start_visible_and_last_at_least_a_cycle(
    runs: list[tuple[Case, Timeline]],
) -> None:
    for _, timeline in runs:
        assert (timeline.visible <= timeline.start).all()
        assert (timeline.start < timeline.finish).all()


def test_instructions_of_an_engine_start_and_retire_in_order(
    runs: list[tuple[Case, Timeline]],
) -> None:
    for _, timeline in runs:
        for unit, mine in by_engine(timeline):
            assert (np.diff(mine.start) > 0).all()
            assert (np.diff(mine.finish) > 0).all()
            if unit in (Engine.MOVE, Engine.COMPUTE):
                assert (mine.start[1:] >= mine.finish[:-1]).all()


def test_waits_hold_at_every_start(runs: list[tuple[Case, Timeline]]) -> None:
    for (program, _), timeline in runs:
        for unit, mine in by_engine(timeline):
            retired = np.searchsorted(mine.finish, timeline.start, side="right")
            assert (retired >= program.wait[:, unit]).all()


def test_latency_is_between_busy_cycles_and_all_cycles_in_a_row(
    runs: list[tuple[Case, Timeline]],
) -> None:
    for _, timeline in runs:
        busy = in_flight(timeline)
        nothing = int((~busy.any(axis=0)).sum())
        assert busy.sum(axis=1).max() <= timeline.latency_cycles
        assert timeline.latency_cycles <= (timeline.finish - timeline.start).sum() + nothing


def test_busy_and_stall_cycles_are_all_cycles(runs: list[tuple[Case, Timeline]]) -> None:
    for _, timeline in runs:
        cycles = in_flight(timeline).sum(axis=1) + stall_cycles(timeline).sum(axis=1)
        assert (cycles == timeline.latency_cycles).all()


def test_a_cycle_with_nothing_in_flight_waits_for_fetch() -> None:
    for seed in SEEDS[:30]:
        causes = reference.stall_causes(*random_case(seed, most=20))
        nothing = (causes != reference.BUSY).all(axis=1)
        assert (causes[nothing] == StallCause.FETCH).any(axis=1).all()


def test_an_engine_never_waits_for_itself(runs: list[tuple[Case, Timeline]]) -> None:
    for _, timeline in runs:
        counted = stall_cycles(timeline)
        for unit in Engine:
            assert counted[unit, StallCause[unit.name]] == 0


def test_whole_bursts_do_not_exceed_the_bandwidth(runs: list[tuple[Case, Timeline]]) -> None:
    for (_, accelerator), timeline in runs:
        rate = accelerator.dram_bytes_per_cycle
        assert int(timeline.channel_bytes.sum()) <= rate * timeline.latency_cycles


def test_useful_bytes_are_those_of_the_program(runs: list[tuple[Case, Timeline]]) -> None:
    for (program, _), timeline in runs:
        size = program.operand[:, 0] * program.operand[:, 1]
        for unit in (Engine.PARAM, Engine.ACT, Engine.MOVE, Engine.STORE):
            assert timeline.bus_bytes[unit] == size[program.engine == unit].sum()
        assert timeline.bus_bytes[Engine.COMPUTE] == 0


def test_whole_bursts_hold_the_useful_bytes(runs: list[tuple[Case, Timeline]]) -> None:
    for (program, _), timeline in runs:
        useful = np.append(program.encoded_bytes.sum(), timeline.bus_bytes[[0, 1, 4]])
        assert (timeline.channel_bytes % BURST_BYTES == 0).all()
        assert (timeline.channel_bytes >= useful).all()
        assert timeline.channel_bytes[0] - useful[0] < BURST_BYTES


def test_multiply_accumulates_do_not_exceed_the_peak(runs: list[tuple[Case, Timeline]]) -> None:
    for (program, accelerator), timeline in runs:
        sizes = program.operand[program.opcode == Opcode.CONVOLVE, : Compute.FLAGS]
        assert sizes.prod(axis=1).sum() <= 4 * accelerator.lanes * timeline.latency_cycles


def test_same_inputs_same_cycles(runs: list[tuple[Case, Timeline]]) -> None:
    for case, timeline in runs:
        assert differing_columns(engine.simulate(*case), timeline) == []

"""Spans and counters of a run against the reference, the metrics and the rules of the machine."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import Engine
from apollo.arch.program import Program
from apollo.simulator import reference
from apollo.simulator.engine import simulate
from apollo.simulator.metrics import layer_rows
from apollo.simulator.timeline import STREAMS, Timeline
from apollo.simulator.trace import spans
from apollo.simulator.trace.counters import counter_name, counters
from apollo.simulator.trace.spans import NO_INSTRUCTION, Spans
from apollo.simulator.trace.window import Window, parse_window, whole
from tests.simulator.agreement import random_case
from tests.strategies import cases

BUSY = -1  # as the reference says it


def painted(part: Spans, cycles: int, empty: int) -> np.ndarray:
    """The code of every cycle; refuses overlaps."""
    codes = np.full(cycles, empty)
    for begin, end, code, _ in zip(*part, strict=True):
        assert begin < end
        assert (codes[begin:end] == empty).all()
        codes[begin:end] = code
    return codes


@settings(deadline=None, max_examples=60)
@given(cases())
def test_stalls_are_those_of_the_reference_cycle_by_cycle(
    case: tuple[Program, Accelerator],
) -> None:
    program, accelerator = case
    timeline, causes = reference.observe(program, accelerator)
    for engine in Engine:
        stalls = painted(spans.stalls(timeline, engine), timeline.latency_cycles, BUSY)
        np.testing.assert_array_equal(stalls, causes[: timeline.latency_cycles, engine])


@settings(deadline=None, max_examples=60)
@given(cases())
def test_instructions_in_flight_fill_what_stalls_leave(
    case: tuple[Program, Accelerator],
) -> None:
    program, accelerator = case
    timeline = simulate(program, accelerator)
    for engine in Engine:
        flight = spans.in_flight(timeline, engine)
        for lane in np.unique(flight.code):
            mine = flight.code == lane
            assert (flight.begin[mine][1:] >= flight.end[mine][:-1]).all()
        assert sorted(np.unique(flight.code)) == list(range(len(np.unique(flight.code))))
        oldest = painted(spans.oldest_in_flight(timeline, engine), timeline.latency_cycles, BUSY)
        stalls = painted(spans.stalls(timeline, engine), timeline.latency_cycles, BUSY)
        assert ((oldest == BUSY) != (stalls == BUSY)).all()


@settings(deadline=None, max_examples=60)
@given(cases(), st.data())
def test_a_window_shows_its_cycles_and_no_others(
    case: tuple[Program, Accelerator], data: st.DataObject
) -> None:
    program, accelerator = case
    timeline = simulate(program, accelerator)
    cycles = whole(timeline.latency_cycles).cycles
    first = data.draw(st.integers(0, cycles - 1))
    window = Window(first, data.draw(st.integers(first + 1, cycles)))
    for engine in Engine:
        everything = spans.stalls(timeline, engine)
        expected = painted(everything, cycles, BUSY)
        expected[: window.first] = expected[window.last :] = BUSY
        np.testing.assert_array_equal(painted(everything.within(window), cycles, BUSY), expected)
    for counter in counters(timeline, accelerator):
        part = counter.within(window)
        assert part.cycle[0] == window.first
        assert part.cycle[-1] <= window.last
        for cycle, value in ((window.first, part.value[0]), (window.last, part.value[-1])):
            assert value == counter.value[counter.cycle <= cycle][-1]


@settings(deadline=None, max_examples=60)
@given(cases())
def test_the_release_is_the_last_retirement_waited_for(
    case: tuple[Program, Accelerator],
) -> None:
    program, accelerator = case
    timeline = simulate(program, accelerator)
    for number, other in enumerate(spans.released_by(timeline)):
        queues = {e: np.flatnonzero(program.engine == e) for e in Engine}
        waits = [queues[e][program.wait[number, e] - 1] for e in Engine if program.wait[number, e]]
        if not waits:
            assert other == NO_INSTRUCTION
            continue
        assert other in waits
        assert timeline.finish[other] == timeline.finish[waits].max() <= timeline.start[number]


@pytest.mark.parametrize("seed", range(7200, 7230))
def test_counters_end_with_the_totals_and_keep_to_the_limits(seed: int) -> None:
    program, accelerator = random_case(seed, most=60)
    timeline = simulate(program, accelerator)
    found = {counter.name: counter for counter in counters(timeline, accelerator)}
    for stream, moved in zip(STREAMS, timeline.channel_bytes, strict=True):
        assert found[counter_name(stream, accelerator)].value[-1] == moved
        assert (np.diff(found[counter_name(stream, accelerator)].value) >= 0).all()
    flight = found["instructions in flight"]
    most = max((timeline.start <= c).sum() - (timeline.finish <= c).sum() for c in flight.cycle)
    assert flight.value.max() == most
    assert flight.value[-1] == 0


@pytest.mark.parametrize("seed", range(7200, 7230))
def test_instruction_memory_holds_what_is_fetched_and_not_retired_from_the_front(
    seed: int,
) -> None:
    program, accelerator = random_case(seed, most=60)
    timeline = simulate(program, accelerator)
    (ring,) = (c for c in counters(timeline, accelerator) if c.name == "instruction memory")
    assert 0 <= ring.value.min() <= ring.value.max() <= accelerator.instruction_memory_bytes
    ends, burst_bytes = np.cumsum(program.encoded_bytes), accelerator.burst_bytes
    (latency,) = (c.latency_cycles for c in accelerator.channels if "FETCH" in c.streams)
    for cycle, value in zip(ring.cycle, ring.value, strict=True):
        asked_for = timeline.visible - latency <= cycle
        bursts = -(-ends[asked_for].max(initial=0) // burst_bytes)
        waiting = np.flatnonzero(timeline.finish > cycle)
        front = waiting[0] if len(waiting) else len(program)
        assert value == bursts * burst_bytes - program.encoded_bytes[:front].sum()


@pytest.mark.parametrize("seed", range(7230, 7240))
def test_layers_last_as_long_as_in_the_metrics(seed: int) -> None:
    program, accelerator = random_case(seed, most=60)
    timeline = in_layers(simulate(program, accelerator), 5)
    rows = layer_rows(timeline, accelerator, np.zeros(5, np.int64))
    layers = spans.layers(timeline)
    cycles = np.zeros(5, np.int64)
    cycles[layers.code] = layers.end - layers.begin
    assert cycles.tolist() == [row.cycles for row in rows]
    assert (layers.begin[1:] == layers.end[:-1]).all()


def in_layers(timeline: Timeline, count: int) -> Timeline:
    """The same run of a program of so many layers of about equal size."""
    program = timeline.program
    layer = np.arange(len(program)) * count // max(1, len(program))
    names = tuple(f"layer {number}" for number in range(count))
    return replace(timeline, program=replace(program, layer=layer, layer_names=names))


def test_windows_are_read_and_end_with_the_run() -> None:
    assert parse_window("5:9", 100) == Window(5, 9)
    assert parse_window("5:900", 100) == Window(5, 100)
    assert whole(0).cycles == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "A window must be FIRST:LAST, two cycles, not ''."),
        ("7", "A window must be FIRST:LAST, two cycles, not '7'."),
        ("-1:5", "A window must be FIRST:LAST, two cycles, not '-1:5'."),
        (
            "9:9",
            "A window must begin at cycle 0 or later and end after it begins, not 9:9.",
        ),
        ("100:101", "A window must begin before the run ends in cycle 100, not at 100."),
    ],
)
def test_bad_windows_are_refused_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match="window") as caught:
        parse_window(text, 100)
    assert str(caught.value) == sentence

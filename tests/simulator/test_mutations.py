"""The random programs bite: each of these mistakes in a machine is seen by comparing it.

Every mutation replaces a method or a constant of the reference; the cases are then compared with
what the unchanged reference says of them.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from apollo.arch.accelerator import BURST_BYTES
from apollo.arch.isa import Compute, Engine, Opcode
from apollo.simulator import reference
from apollo.simulator.timeline import Timeline
from tests.simulator.agreement import Case, differing_columns, random_case

SEEDS = range(500, 540)
_split = reference._split
_duration = reference._duration


@pytest.fixture(scope="module")
def expected() -> list[tuple[Case, Timeline]]:
    cases = [random_case(seed, most=24) for seed in SEEDS]
    return [(case, reference.simulate(*case)) for case in cases]


def served_last_first(last: int, count: int) -> list[int]:
    return [(last + step) % count for step in range(count)]


def always_from_the_first(last: int, count: int) -> list[int]:
    return list(range(count))


def earn_without_cap(channel: Any) -> None:
    channel.credit += channel.income


def earn_to_one_burst(channel: Any) -> None:
    channel.credit = min(channel.credit + channel.income, channel.price)


def take_and_free_slot(load: Any) -> Any:
    load.slots_free += 1  # at the grant ...
    return load.staging.popleft()[1]


def transferred_without_slot(load: Any, packet: Any) -> None:
    if packet.last:  # ... and not at the end
        load.retire()


def store_retires_as_it_leaves(store: Any) -> None:
    store.slots_free += 1
    packet = store.buffer.popleft()
    if packet.last:
        store.retire()


def store_retires_at_the_bus(store: Any, packet: Any) -> None:
    store.buffer.append(packet._replace(last=False))
    if packet.last:
        store.retire()


def store_waits_for_retirement(store: Any) -> bool:
    return bool(store.started == store.retired)


def store_frees_slot_at_bus_end(store: Any, packet: Any) -> None:
    store.buffer.append(packet)
    store.slots_free += 1


def store_leaves_without_slot(store: Any) -> None:
    store.leaving = store.buffer.popleft()


def ring_freed_by_all_retired(fetch: Any) -> int:
    sizes = fetch.machine.program.encoded_bytes
    done = [finish != reference.NOT_YET for finish in fetch.machine.finish]
    return int(sizes[done].sum())


def ring_needs_only_the_last_byte(fetch: Any) -> bool:
    room = fetch.machine.accelerator.instruction_memory_bytes + fetch.freed_bytes()
    first = fetch.started * BURST_BYTES
    return bool(first < fetch.ends[-1] and min(first + BURST_BYTES, fetch.ends[-1]) <= room)


def visible_by_first_byte(fetch: Any) -> None:
    begins = [0, *fetch.ends[:-1]]
    for index, begin in enumerate(begins):
        if begin // BURST_BYTES == fetch.started:
            fetch.machine.visible[index] = fetch.machine.cycle + fetch.machine.latency
    fetch.started += 1


def segments_share_bursts(segments: int, segment_bytes: int) -> Any:
    return _split(1, segments * segment_bytes)


def last_burst_whole_on_the_bus(segments: int, segment_bytes: int) -> Any:
    return [packet._replace(useful_bytes=BURST_BYTES) for packet in _split(segments, segment_bytes)]


def all_taps_one_by_one(opcode: int, operand: list[int], lanes: int) -> int:
    if opcode == Opcode.DEPTHWISE:
        operand = operand.copy()
        operand[Compute.TAPS] *= 2
    return _duration(opcode, operand, lanes)


def flags_ignored(opcode: int, operand: list[int], lanes: int) -> int:
    return _duration(opcode, [*operand[: Compute.FLAGS], 0], lanes)


def waits_only_for_others(machine: Any, index: int) -> list[int]:
    wait = machine.program.wait[index].tolist()
    mine = machine.program.engine[index]
    return [u.engine for u in machine.units if u.engine != mine and u.retired < wait[u.engine]]


def always(part: Any) -> bool:
    return True


def moves_overlap(unit: Any) -> bool:
    return bool(unit.engine == Engine.MOVE or unit.started == unit.retired)


def grant_after_the_channel(machine: Any) -> None:
    machine.start_heads()
    machine.channel.serve()
    for bus in machine.buses:
        bus.grant()
    machine.cycle += 1
    machine.channel.earn()
    for part in (*machine.buses, *machine.units):
        part.complete()


def start_before_completions(machine: Any) -> None:
    for bus in machine.buses:
        bus.grant()
    machine.channel.serve()
    machine.cycle += 1
    machine.channel.earn()
    machine.start_heads()
    for part in (*machine.buses, *machine.units):
        part.complete()


def pointer_moves_without_service(channel: Any) -> None:
    turn = reference._in_turn(channel.last, len(channel.streams))
    asking = [number for number in turn if channel.streams[number].has_burst()]
    if channel.credit >= channel.price and asking:
        channel.credit -= channel.price
        channel.machine.channel_bytes[asking[0]] += BURST_BYTES
        channel.streams[asking[0]].start_burst()
    channel.last = turn[0]


Plant = list[tuple[str, Any]]  # what is replaced, and by what

MUTATIONS: dict[str, Plant] = {
    "the served last is asked first": [("_in_turn", served_last_first)],
    "fixed priority": [("_in_turn", always_from_the_first)],
    "the pointer moves without service": [("_Channel.serve", pointer_moves_without_service)],
    "credit without cap": [("_Channel.earn", earn_without_cap)],
    "credit capped at one burst": [("_Channel.earn", earn_to_one_burst)],
    "a staging slot is freed at the grant": [
        ("_Load.take_packet", take_and_free_slot),
        ("_Load.transferred", transferred_without_slot),
    ],
    "a load starts before the previous has issued": [("_Load.is_free", always)],
    "a load waits for the previous to retire": [("_Load.is_free", reference._Unit.is_free)],
    "a store retires as its last burst starts": [
        ("_Store.start_burst", store_retires_as_it_leaves)
    ],
    "a store retires when it has left the bus": [("_Store.transferred", store_retires_at_the_bus)],
    "a store waits for the previous to retire": [("_Store.is_free", store_waits_for_retirement)],
    "write buffer of five": [("WRITE_BUFFER_PACKETS", 5)],
    "a write buffer slot is freed at the end of the bus transfer": [
        ("_Store.transferred", store_frees_slot_at_bus_end),
        ("_Store.start_burst", store_leaves_without_slot),
    ],
    "moves overlap": [("_Unit.is_free", moves_overlap)],
    "the ring is freed by any retired": [("_Fetch.freed_bytes", ring_freed_by_all_retired)],
    "the last burst needs room for its bytes only": [
        ("_Fetch.has_burst", ring_needs_only_the_last_byte)
    ],
    "visible by the first byte": [("_Fetch.start_burst", visible_by_first_byte)],
    "segments share bursts": [("_split", segments_share_bursts)],
    "the last burst crosses the bus whole": [("_split", last_burst_whole_on_the_bus)],
    "no pipeline fill": [("PIPELINE_FILL", 7)],
    "depthwise taps one by one": [("_duration", all_taps_one_by_one)],
    "partial sums for nothing": [("_duration", flags_ignored)],
    "no wait for the own engine": [("_Machine.late", waits_only_for_others)],
    "the channel before the buses": [("_Machine.tick", grant_after_the_channel)],
    "starts before completions": [("_Machine.tick", start_before_completions)],
}


def is_seen(case: Case, timeline: Timeline) -> bool:
    return bool(differing_columns(reference.simulate(*case), timeline))


@pytest.mark.parametrize("name", MUTATIONS)
def test_mutation_is_seen(
    name: str, expected: list[tuple[Case, Timeline]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for target, replacement in MUTATIONS[name]:
        monkeypatch.setattr(f"apollo.simulator.reference.{target}", replacement)
    assert any(is_seen(case, timeline) for case, timeline in expected)


def test_no_mutation_no_difference(expected: list[tuple[Case, Timeline]]) -> None:
    assert not any(is_seen(case, timeline) for case, timeline in expected)


def test_streams_and_engines_contend(monkeypatch: pytest.MonkeyPatch) -> None:
    # how many ask in a cycle in which the channel or the activation bus could serve
    channel, bus = Counter[int](), Counter[int]()
    serve: Callable[[Any], None] = reference._Channel.serve
    grant: Callable[[Any], None] = reference._Bus.grant

    def counted_serve(self: Any) -> None:
        if self.credit >= self.price:
            channel[sum(stream.has_burst() for stream in self.streams)] += 1
        serve(self)

    def counted_grant(self: Any) -> None:
        if self.packet is None and len(self.clients) > 1:
            bus[sum(client.has_packet() for client in self.clients)] += 1
        grant(self)

    monkeypatch.setattr(reference._Channel, "serve", counted_serve)
    monkeypatch.setattr(reference._Bus, "grant", counted_grant)
    for seed in SEEDS[:20]:
        reference.simulate(*random_case(seed, most=80))
    assert min(channel[2], channel[3], channel[4]) >= 20
    assert min(bus[2], bus[3]) >= 20

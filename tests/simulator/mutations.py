"""Mistakes that a machine could have in the rules M2 to M15, planted in the reference.

A mistake is a list of replacements: what, below `apollo.simulator.reference`, and by what. Its
name begins with the rule that it breaks.
"""

from typing import Any

from apollo.arch.isa import Engine
from apollo.simulator.reference import engines, machine, sharing, work

Plant = list[tuple[str, Any]]

_channel_init = sharing.Channel.__init__
_bus_init = sharing.Bus.__init__
_load_init = engines.LoadUnit.__init__
_begin_move = engines.MoveUnit.begin


def channel_before_buses(self: Any) -> None:
    self.start_heads()
    self.causes.append([self.cause(unit) for unit in self.units])
    for part in self.channels:
        part.serve()
    for bus in self.buses:
        bus.grant()
    next_cycle(self)


def next_cycle(self: Any, starts: bool = False) -> None:
    self.cycle += 1
    for channel in self.channels:
        channel.earn()
    if starts:
        self.start_heads()
    for part in (*self.buses, *self.units):
        part.complete()


def starts_before_completions(self: Any) -> None:
    self.causes.append([self.cause(unit) for unit in self.units])
    for part in (*self.buses, *self.channels):
        part.grant() if isinstance(part, sharing.Bus) else part.serve()
    next_cycle(self, starts=True)


def segments_share_bursts(instruction: Any, burst: int) -> Any:
    if "segments" not in instruction.operands:
        return work.packets_of(instruction, burst)
    size = instruction["segments"] * instruction["segment_bytes"]
    one = instruction.operands | {"segments": 1, "segment_bytes": size}
    return work.packets_of(work.Instruction(instruction.opcode, one), burst)


def last_burst_whole(instruction: Any, burst: int) -> Any:
    packets = work.packets_of(instruction, burst)
    return [packet._replace(useful_bytes=burst) for packet in packets]


def bursts_of_256(instruction: Any, burst: int) -> Any:
    return work.packets_of(instruction, 256)


def earn_without_cap(channel: Any) -> None:
    channel.credit += channel.income


def earn_to_one_burst(channel: Any) -> None:
    channel.credit = min(channel.credit + channel.income, channel.price)


def earn_whole_bytes(channel: Any) -> None:
    whole = channel.price // channel.machine.accelerator.burst_bytes
    income = channel.income // whole * whole or channel.income
    channel.credit = min(channel.credit + income, channel.price + channel.income - 1)


def credit_from_before(self: Any, *parts: Any) -> None:
    _channel_init(self, *parts)
    self.credit = self.price


def one_latency(self: Any, machine: Any, streams: Any, rate: Any, latency: int) -> None:
    _channel_init(self, machine, streams, rate, machine.accelerator.dram_latency_cycles)


def one_rate(self: Any, machine: Any, streams: Any, rate: Any, latency: int) -> None:
    _channel_init(self, machine, streams, machine.accelerator.dram_bytes_per_cycle, latency)


def one_burst_a_cycle_on_both(self: Any) -> None:
    if getattr(self.machine, "served", -1) != self.machine.cycle:
        before = sum(self.bursts)
        _serve(self)
        if sum(self.bursts) > before:
            self.machine.served = self.machine.cycle


_serve = sharing.Channel.serve


def served_last_first(last: int, count: int) -> list[int]:
    return [(last + step) % count for step in range(count)]


def fixed_priority(last: int, count: int) -> list[int]:
    return list(range(count))


def first_from_the_second(self: Any, *parts: Any) -> None:
    _channel_init(self, *parts)
    self.last = 0


def bus_first_from_the_last(self: Any, *parts: Any) -> None:
    _bus_init(self, *parts)
    self.last = max(0, len(self.clients) - 2)


def pointer_moves_without_service(channel: Any) -> None:
    turn = sharing.in_turn(channel.last, len(channel.streams))
    _serve(channel)
    channel.last = turn[0] if turn else -1


def store_leaves_before_the_bus(store: Any) -> Any:
    store.slots_free -= 1
    packet = store.packets.popleft()
    store.buffer.append(packet)
    return packet


def nothing(*ignored: Any) -> None:
    pass


def always(part: Any) -> bool:
    return True


def take_and_free_slot(load: Any) -> Any:
    load.slots_free += 1  # at the grant ...
    return load.staging.popleft()[1]


def retires_with_the_last(unit: Any, packet: Any) -> None:
    if packet.last:  # ... and not at the end
        unit.retire()


def a_cycle_after_arrival(load: Any) -> bool:
    return bool(load.staging) and load.staging[0][0] < load.machine.cycle


def slots_rounded_up(self: Any, machine: Any, engine: Engine, staging_bytes: int) -> None:
    _load_init(self, machine, engine, staging_bytes + machine.accelerator.burst_bytes - 1)


def width_rounded_down(self: Any, machine: Any, width: int, clients: Any) -> None:
    _bus_init(self, machine, 1 << width.bit_length() - 1, clients)


def two_widths_are_one(self: Any, machine: Any, width: int, clients: Any) -> None:
    _bus_init(self, machine, machine.accelerator.activation_bus_bytes, clients)


def delay_after_the_bytes(unit: Any, packet: Any) -> None:
    if packet.last:
        unit.is_silent = True
        unit.asks_from = unit.machine.cycle + max(1, unit.delay)


def begin_without_delay(unit: Any, index: int) -> None:
    _begin_move(unit, index)
    unit.delay = unit.asks_from - unit.machine.cycle
    if unit.packets:
        unit.asks_from = unit.machine.cycle


def a_cycle_after_the_delay(unit: Any) -> bool:
    return bool(unit.packets) and unit.asks_from < unit.machine.cycle


def store_retires_as_it_leaves(store: Any, arrives: int) -> None:
    store.slots_free += 1
    packet = store.buffer.popleft()
    if packet.last:
        store.retire()


def store_retires_at_the_bus(store: Any, packet: Any) -> None:
    store.buffer.append(packet._replace(last=False))
    if packet.last:
        store.retire()


def store_frees_slot_at_bus_end(store: Any, packet: Any) -> None:
    store.buffer.append(packet)
    store.slots_free += 1


def store_leaves_without_slot(store: Any, arrives: int) -> None:
    store.leaving = store.buffer.popleft()


def ring_freed_by_all_retired(fetch: Any) -> int:
    done = [finish != engines.NOT_YET for finish in fetch.machine.finish]
    return int(fetch.machine.program.encoded_bytes[done].sum())


def ring_needs_only_the_last_byte(fetch: Any) -> bool:
    room = fetch.machine.accelerator.instruction_memory_bytes + fetch.freed_bytes()
    first = fetch.started * fetch.burst
    return bool(first < fetch.ends[-1] and min(first + fetch.burst, fetch.ends[-1]) <= room)


def ring_of_whole_bursts(fetch: Any) -> bool:
    room = fetch.machine.accelerator.instruction_memory_bytes // fetch.burst * fetch.burst
    remain = fetch.started * fetch.burst < fetch.ends[-1]
    return bool(remain and (fetch.started + 1) * fetch.burst <= room + fetch.freed_bytes())


def visible_by_first_byte(fetch: Any, arrives: int) -> None:
    for index, begin in enumerate([0, *fetch.ends[:-1]]):
        if begin // fetch.burst == fetch.started:
            fetch.machine.visible[index] = arrives
    fetch.started += 1


def cause_waits_first(self: Any, unit: Any) -> int:
    index = unit.head()
    if index is None or unit.started > unit.retired or not self.late(index):
        return _cause(self, unit)
    return int(machine.FIRST_ENGINE + self.late(index)[0])


def cause_last_late(self: Any, unit: Any) -> int:
    index = unit.head()
    if _cause(self, unit) < machine.FIRST_ENGINE:
        return _cause(self, unit)
    return int(machine.FIRST_ENGINE + self.late(index)[-1])


def cause_before_starts(self: Any) -> None:
    self.causes.append([self.cause(unit) for unit in self.units])
    self.start_heads()
    for bus in self.buses:
        bus.grant()
    for channel in self.channels:
        channel.serve()
    next_cycle(self)


_cause = machine.Machine.cause

MUTATIONS: dict[str, Plant] = {
    "M2 the channel before the buses": [("machine.Machine.tick", channel_before_buses)],
    "M2 starts before completions": [("machine.Machine.tick", starts_before_completions)],
    "M4 segments share bursts": [("engines.packets_of", segments_share_bursts)],
    "M4 the last burst crosses the bus whole": [("engines.packets_of", last_burst_whole)],
    "M4 bursts of 256 B": [("engines.packets_of", bursts_of_256)],
    "M5 credit without cap": [("sharing.Channel.earn", earn_without_cap)],
    "M5 credit capped at one burst": [("sharing.Channel.earn", earn_to_one_burst)],
    "M5 whole bytes of credit": [("sharing.Channel.earn", earn_whole_bytes)],
    "M5 the link has the latency of the DRAM": [("sharing.Channel.__init__", one_latency)],
    "M5 the link has the bandwidth of the DRAM": [("sharing.Channel.__init__", one_rate)],
    "M5 one burst a cycle on both channels": [("sharing.Channel.serve", one_burst_a_cycle_on_both)],
    "M6 M9 the served last is asked first": [("sharing.in_turn", served_last_first)],
    "M6 M9 fixed priority": [("sharing.in_turn", fixed_priority)],
    "M6 the second stream is the first": [("sharing.Channel.__init__", first_from_the_second)],
    "M6 the pointer moves without service": [
        ("sharing.Channel.serve", pointer_moves_without_service)
    ],
    "M6 a store leaves before it has crossed the bus": [
        ("engines.StoreUnit.take_packet", store_leaves_before_the_bus),
        ("engines.StoreUnit.transferred", nothing),
    ],
    "M7 a load starts before the previous has issued": [("engines.LoadUnit.is_free", always)],
    "M7 a load waits for the previous to retire": [
        ("engines.LoadUnit.is_free", engines.Unit.is_free)
    ],
    "M8 a staging slot is freed at the grant": [
        ("engines.LoadUnit.take_packet", take_and_free_slot),
        ("engines.LoadUnit.transferred", retires_with_the_last),
    ],
    "M8 data wait a cycle": [("engines.LoadUnit.has_packet", a_cycle_after_arrival)],
    "M8 a part of a slot is a slot": [("engines.LoadUnit.__init__", slots_rounded_up)],
    "M9 STORE is first": [("sharing.Bus.__init__", bus_first_from_the_last)],
    "M9 buses of powers of two": [("sharing.Bus.__init__", width_rounded_down)],
    "M9 one width of both buses": [("sharing.Bus.__init__", two_widths_are_one)],
    "M10 moves overlap": [("engines.MoveUnit.is_free", always)],
    "M10 the delay comes after the bytes": [
        ("engines.MoveUnit.begin", begin_without_delay),
        ("engines.MoveUnit.transferred", delay_after_the_bytes),
    ],
    "M10 asks a cycle late": [("engines.MoveUnit.has_packet", a_cycle_after_the_delay)],
    "M11 a store retires as its last burst starts": [
        ("engines.StoreUnit.start_burst", store_retires_as_it_leaves)
    ],
    "M11 a store retires when it has left the bus": [
        ("engines.StoreUnit.transferred", store_retires_at_the_bus)
    ],
    "M11 a store waits for the previous to retire": [
        ("engines.StoreUnit.is_free", engines.Unit.is_free)
    ],
    "M11 write buffer of five": [("engines.WRITE_BUFFER_PACKETS", 5)],
    "M11 a write buffer slot is freed at the end of the bus transfer": [
        ("engines.StoreUnit.transferred", store_frees_slot_at_bus_end),
        ("engines.StoreUnit.start_burst", store_leaves_without_slot),
    ],
    "M12 the ring is freed by any retired": [
        ("machine.Fetch.freed_bytes", ring_freed_by_all_retired)
    ],
    "M12 the last burst needs room for its bytes only": [
        ("machine.Fetch.has_burst", ring_needs_only_the_last_byte)
    ],
    "M12 a ring of whole bursts": [("machine.Fetch.has_burst", ring_of_whole_bursts)],
    "M12 visible by the first byte": [("machine.Fetch.start_burst", visible_by_first_byte)],
    "M13 two tiles at once": [("engines.ComputeUnit.is_free", always)],
    "M14 an inference has credit from the one before": [
        ("sharing.Channel.__init__", credit_from_before)
    ],
    "M15 waits before FETCH": [("machine.Machine.cause", cause_waits_first)],
    "M15 the last late engine": [("machine.Machine.cause", cause_last_late)],
    "M15 causes before the starts": [("machine.Machine.tick", cause_before_starts)],
}

"""What the random programs meet: they test little if nothing is scarce."""

from collections import Counter
from typing import Any

import pytest

from apollo.simulator import reference
from apollo.simulator.reference.engines import LoadUnit
from apollo.simulator.reference.machine import Fetch
from apollo.simulator.reference.sharing import Bus, Channel
from tests.simulator.agreement import random_case

SEEDS = range(7000, 7060)  # of the cases of `test_sanity`
CYCLES = 10  # at least so many of everything


def test_streams_engines_and_memories_are_contended(monkeypatch: pytest.MonkeyPatch) -> None:
    met = Counter[str]()
    serve, grant = Channel.serve, Bus.grant

    def counted_serve(self: Any) -> None:
        if self.credit >= self.price:
            link = "link" if self is not self.machine.channels[0] else "DRAM"
            met[f"{sum(stream.has_burst() for stream in self.streams)} on {link}"] += 1
            for stream in self.streams:
                if isinstance(stream, LoadUnit) and stream.packets and not stream.slots_free:
                    met[f"{stream.engine.name} staging full"] += 1
                if isinstance(stream, Fetch) and not stream.has_burst():
                    met["ring full"] += stream.started * stream.burst < stream.ends[-1]
        serve(self)

    def counted_grant(self: Any) -> None:
        if self.packet is None and len(self.clients) > 1:
            met[f"{sum(client.has_packet() for client in self.clients)} on the bus"] += 1
        grant(self)

    monkeypatch.setattr(Channel, "serve", counted_serve)
    monkeypatch.setattr(Bus, "grant", counted_grant)
    for seed in SEEDS:
        reference.simulate(*random_case(seed, most=48))
    scarce = {"PARAM staging full", "ACT staging full", "ring full"}
    shared = {f"{count} on {where}" for count in (2, 3) for where in ("DRAM", "link", "the bus")}
    for event in {*scarce, *shared, "4 on DRAM"}:
        assert met[event] >= CYCLES, f"{event}: {met[event]}"


def test_designs_are_of_every_kind() -> None:
    designs = [random_case(seed, most=1)[1] for seed in SEEDS]
    channels = [channel for design in designs for channel in design.channels]
    assert sum(channel.bytes_per_cycle.denominator > 1 for channel in channels) >= 30
    assert sum(channel.bytes_per_cycle.denominator == 1 for channel in channels) >= 3
    assert {design.burst_bytes for design in designs} == {16, 32, 64, 128, 256}
    assert 15 <= sum(design.is_systolic for design in designs) <= 45
    assert len({design.host_streams for design in designs}) >= 8

"""What engines share: buses (M9) and channels (M5, M6)."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Protocol

from apollo.simulator.reference.engines import NOT_YET, Clocked, Unit
from apollo.simulator.reference.work import Packet, ceil_div


def in_turn(last: int, count: int) -> list[int]:
    """Everybody, beginning after the last served (M6, M9)."""
    return [(last + step) % count for step in range(1, count + 1)]


class Bus:
    """One packet at a time (M9)."""

    def __init__(self, machine: Clocked, width: int, clients: Sequence[Unit]) -> None:
        self.machine = machine
        self.width = width
        self.clients = clients
        self.moved_bytes = [0] * len(clients)
        self.last = len(clients) - 1  # served last
        self.packet: Packet | None = None
        self.ends = NOT_YET

    def complete(self) -> None:
        """Phase 1."""
        if self.packet is not None and self.ends == self.machine.cycle:
            self.clients[self.last].transferred(self.packet)
            self.packet = None

    def grant(self) -> None:
        """Phase 3."""
        if self.packet is not None:
            return
        turn = in_turn(self.last, len(self.clients))
        asking = [number for number in turn if self.clients[number].has_packet()]
        if asking:
            self.last = asking[0]
            self.packet = self.clients[self.last].take_packet()
            self.ends = self.machine.cycle + ceil_div(self.packet.useful_bytes, self.width)
            self.moved_bytes[self.last] += self.packet.useful_bytes


class Stream(Protocol):
    """A client of a channel."""

    def has_burst(self) -> bool:
        """Whether it asks for the channel (M6)."""

    def start_burst(self, arrives: int) -> None:
        """A burst starts; its data arrive in that cycle."""


class Channel:
    """The DRAM channel or the host link: credit (M5) and round-robin (M6)."""

    def __init__(
        self,
        machine: Clocked,
        streams: Sequence[Stream],
        bytes_per_cycle: Fraction,
        latency_cycles: int,
    ) -> None:
        self.machine = machine
        self.streams = streams
        self.latency = latency_cycles
        self.bursts = [0] * len(streams)
        self.last = len(streams) - 1  # served last
        self.income = bytes_per_cycle.numerator
        self.price = machine.accelerator.burst_bytes * bytes_per_cycle.denominator
        self.credit = 0

    def earn(self) -> None:
        """Before phase 1 of every cycle but the first."""
        self.credit = min(self.credit + self.income, self.price + self.income - 1)

    def serve(self) -> None:
        """Phase 4."""
        if self.credit < self.price:
            return
        turn = in_turn(self.last, len(self.streams))
        asking = [number for number in turn if self.streams[number].has_burst()]
        if asking:
            self.credit -= self.price
            self.last = asking[0]
            self.bursts[self.last] += 1
            self.streams[self.last].start_burst(self.machine.cycle + self.latency)

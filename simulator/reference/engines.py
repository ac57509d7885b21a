"""The five engines: each has its own queue, starts in order and retires in order."""

from collections import deque
from typing import Protocol

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import Engine
from apollo.simulator.reference.work import (
    Instruction,
    Packet,
    compute_cycles,
    delay_of,
    packets_of,
)

NOT_YET = -1
WRITE_BUFFER_PACKETS = 4


class Clocked(Protocol):
    """What an engine sees of the machine."""

    accelerator: Accelerator
    cycle: int
    finish: list[int]

    def queue(self, engine: Engine) -> list[int]:
        """The instructions of an engine, by number."""

    def instruction(self, index: int) -> Instruction:
        """An instruction, decoded."""


class Unit:
    """What all engines have in common."""

    def __init__(self, machine: Clocked, engine: Engine) -> None:
        self.machine = machine
        self.engine = engine
        self.queue = machine.queue(engine)
        self.started = 0
        self.retired = 0
        self.packets: deque[Packet] = deque()  # of started instructions, not yet sent on

    def head(self) -> int | None:
        """The next instruction to start."""
        return self.queue[self.started] if self.started < len(self.queue) else None

    def is_free(self) -> bool:
        """Whether the head may start, as far as its engine is concerned: M10, M13."""
        return self.started == self.retired

    def begin(self, index: int) -> None:
        """Start the head."""
        self.started += 1
        instruction = self.machine.instruction(index)
        self.packets.extend(packets_of(instruction, self.machine.accelerator.burst_bytes))

    def has_packet(self) -> bool:
        """Whether it asks for its bus."""
        return bool(self.packets)

    def take_packet(self) -> Packet:
        """Send a packet to the bus."""
        return self.packets.popleft()

    def transferred(self, packet: Packet) -> None:
        """End of a bus transfer: M7, M10, retires with its last packet."""
        if packet.last:
            self.retire()

    def complete(self) -> None:
        """Phase 1, where it is not the end of a bus transfer."""

    def retire(self) -> None:
        """The oldest started instruction ends now."""
        self.machine.finish[self.queue[self.retired]] = self.machine.cycle
        self.retired += 1


class LoadUnit(Unit):
    """PARAM and ACT (M7)."""

    def __init__(self, machine: Clocked, engine: Engine, staging_bytes: int) -> None:
        super().__init__(machine, engine)
        self.slots_free = staging_bytes // machine.accelerator.burst_bytes  # M8
        self.staging: deque[tuple[int, Packet]] = deque()  # with the cycle of arrival

    def is_free(self) -> bool:
        """M7: the previous load has issued its last burst."""
        return not self.packets

    def has_burst(self) -> bool:
        """M6."""
        return bool(self.packets) and self.slots_free > 0

    def start_burst(self, arrives: int) -> None:
        """M8: takes a slot, arrives whole after the latency."""
        self.slots_free -= 1
        self.staging.append((arrives, self.packets.popleft()))

    def has_packet(self) -> bool:
        """M8: from the cycle of arrival, in order."""
        return bool(self.staging) and self.staging[0][0] <= self.machine.cycle

    def take_packet(self) -> Packet:
        """The oldest in staging."""
        return self.staging.popleft()[1]

    def transferred(self, packet: Packet) -> None:
        """M8: frees the slot."""
        self.slots_free += 1
        super().transferred(packet)


class MoveUnit(Unit):
    """MOVE: a delay, then packets, or only one of them (M10)."""

    asks_from = NOT_YET  # cycle in which the delay of the instruction in flight is over
    is_silent = False  # without bytes

    def begin(self, index: int) -> None:
        """The delay begins."""
        super().begin(index)
        instruction = self.machine.instruction(index)
        self.asks_from = self.machine.cycle + delay_of(instruction, self.machine.accelerator)
        self.is_silent = not self.packets

    def has_packet(self) -> bool:
        """Asks for the bus once the delay is over."""
        return bool(self.packets) and self.asks_from <= self.machine.cycle

    def complete(self) -> None:
        """Without bytes it retires when the delay is over."""
        if self.is_silent and self.asks_from == self.machine.cycle:
            self.retire()


class StoreUnit(Unit):
    """STORE (M11)."""

    def __init__(self, machine: Clocked, engine: Engine) -> None:
        super().__init__(machine, engine)
        self.slots_free = WRITE_BUFFER_PACKETS
        self.buffer: deque[Packet] = deque()  # packets whose bus transfer has ended
        self.leaving: Packet | None = None

    def is_free(self) -> bool:
        """M11: the previous store has had its last packet granted."""
        return not self.packets

    def has_packet(self) -> bool:
        """M11: into a free slot."""
        return bool(self.packets) and self.slots_free > 0

    def take_packet(self) -> Packet:
        """M11: takes a slot at the grant."""
        self.slots_free -= 1
        return self.packets.popleft()

    def transferred(self, packet: Packet) -> None:
        """M6: may leave from now on."""
        self.buffer.append(packet)

    def has_burst(self) -> bool:
        """M6."""
        return bool(self.buffer)

    def start_burst(self, arrives: int) -> None:
        """M11: frees the slot; nobody waits for the arrival."""
        self.slots_free += 1
        self.leaving = self.buffer.popleft()

    def complete(self) -> None:
        """M11: retires one cycle after its last burst started."""
        if self.leaving is not None and self.leaving.last:
            self.retire()
        self.leaving = None


class ComputeUnit(Unit):
    """COMPUTE (M13)."""

    ends = NOT_YET

    def begin(self, index: int) -> None:
        """One in flight, for its duration."""
        self.started += 1
        duration = compute_cycles(self.machine.instruction(index), self.machine.accelerator)
        self.ends = self.machine.cycle + duration

    def complete(self) -> None:
        """Retires when its duration is over."""
        if self.ends == self.machine.cycle:
            self.retire()

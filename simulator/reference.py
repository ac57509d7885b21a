"""The machine of docs/machine.md in plain Python, one cycle at a time.

Slow and obvious, and written from the manual alone: the kernel is held against it. The numbers
in comments are the manual's rules.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from apollo.arch.accelerator import BURST_BYTES, Accelerator
from apollo.arch.isa import Compute, ComputeFlag, Engine, Ints, Opcode, Program, Transfer
from apollo.simulator.timeline import Timeline

PIPELINE_FILL = 8
WRITE_BUFFER_PACKETS = 4
NOT_YET = -1
BUSY, END, FETCH, FIRST_ENGINE = -1, 0, 1, 2  # causes; an engine's is FIRST_ENGINE + its number


def _ceil_div(value: int, by: int) -> int:
    return -(-value // by)


def _duration(opcode: int, operand: Sequence[int], lanes: int) -> int:
    positions, in_channels, out_channels, taps = operand[: Compute.FLAGS]
    flags = operand[Compute.FLAGS]
    groups = _ceil_div(out_channels, lanes)
    outputs = written = positions * out_channels
    if opcode == Opcode.CONVOLVE:  # M16
        steps = positions * _ceil_div(in_channels, 4) * taps * groups
        read = 4 * steps + (4 * outputs if flags & ComputeFlag.ACCUMULATE else 0)
        written = 4 * outputs if flags & ComputeFlag.PARTIAL else outputs
    elif opcode in (Opcode.DEPTHWISE, Opcode.POOL_MAX, Opcode.POOL_AVERAGE):  # M17, M18
        steps = positions * _ceil_div(taps, 2) * groups
        read = 2 * lanes * steps
    else:  # M19, M20
        steps = positions * groups * taps
        read = outputs * taps * (2 if opcode in (Opcode.ADD, Opcode.MULTIPLY) else 1)
    port = 2 * lanes
    return max(steps, _ceil_div(read, port), _ceil_div(written, port)) + PIPELINE_FILL


class _Packet(NamedTuple):
    useful_bytes: int  # of one burst
    last: bool  # of its instruction


def _split(segments: int, segment_bytes: int) -> list[_Packet]:
    starts = range(0, segment_bytes, BURST_BYTES)  # M4: every segment begins a burst
    sizes = segments * [min(BURST_BYTES, segment_bytes - start) for start in starts]
    return [_Packet(size, number == len(sizes)) for number, size in enumerate(sizes, start=1)]


class _Unit:
    """An engine; as it is, MOVE (M10)."""

    def __init__(self, machine: "_Machine", engine: Engine) -> None:
        self.machine = machine
        self.engine = engine
        self.queue: list[int] = np.flatnonzero(machine.program.engine == engine).tolist()
        self.started = 0
        self.retired = 0
        self.packets: deque[_Packet] = deque()  # of started instructions, not yet sent on

    def head(self) -> int | None:
        return self.queue[self.started] if self.started < len(self.queue) else None

    def is_free(self) -> bool:  # M10, M13: the previous one has retired
        return self.started == self.retired

    def begin(self, index: int) -> None:
        self.started += 1
        self.packets.extend(self.machine.packets(index))

    def has_packet(self) -> bool:
        return bool(self.packets)

    def take_packet(self) -> _Packet:
        return self.packets.popleft()

    def transferred(self, packet: _Packet) -> None:  # M7, M10: retires with its last packet
        if packet.last:
            self.retire()

    def complete(self) -> None:
        """Phase 1, where it is not the end of a bus transfer."""

    def retire(self) -> None:
        self.machine.finish[self.queue[self.retired]] = self.machine.cycle
        self.retired += 1


class _Load(_Unit):
    """PARAM and ACT (M7)."""

    def __init__(self, machine: "_Machine", engine: Engine, staging_bytes: int) -> None:
        super().__init__(machine, engine)
        self.slots_free = staging_bytes // BURST_BYTES  # M8
        self.staging: deque[tuple[int, _Packet]] = deque()  # with the cycle of arrival

    def is_free(self) -> bool:  # M7: the previous load has issued its last burst
        return not self.packets

    def has_burst(self) -> bool:  # M6
        return bool(self.packets) and self.slots_free > 0

    def start_burst(self) -> None:  # M8: takes a slot, arrives whole after the latency
        self.slots_free -= 1
        self.staging.append((self.machine.cycle + self.machine.latency, self.packets.popleft()))

    def has_packet(self) -> bool:  # M8: from the cycle of arrival, in order
        return bool(self.staging) and self.staging[0][0] <= self.machine.cycle

    def take_packet(self) -> _Packet:
        return self.staging.popleft()[1]

    def transferred(self, packet: _Packet) -> None:  # M8: frees the slot
        self.slots_free += 1
        super().transferred(packet)


class _Store(_Unit):
    """STORE (M11)."""

    def __init__(self, machine: "_Machine", engine: Engine) -> None:
        super().__init__(machine, engine)
        self.slots_free = WRITE_BUFFER_PACKETS
        self.buffer: deque[_Packet] = deque()  # packets whose bus transfer has ended
        self.leaving: _Packet | None = None

    def is_free(self) -> bool:  # M11: the previous store has had its last packet granted
        return not self.packets

    def has_packet(self) -> bool:
        return bool(self.packets) and self.slots_free > 0

    def take_packet(self) -> _Packet:  # M11: takes a slot at the grant
        self.slots_free -= 1
        return self.packets.popleft()

    def transferred(self, packet: _Packet) -> None:  # M6
        self.buffer.append(packet)

    def has_burst(self) -> bool:
        return bool(self.buffer)

    def start_burst(self) -> None:  # M11: frees the slot
        self.slots_free += 1
        self.leaving = self.buffer.popleft()

    def complete(self) -> None:  # M11: retires one cycle after its last burst started
        if self.leaving is not None and self.leaving.last:
            self.retire()
        self.leaving = None


class _ComputeUnit(_Unit):
    """COMPUTE (M13)."""

    ends = NOT_YET

    def begin(self, index: int) -> None:
        self.started += 1
        self.ends = self.machine.cycle + self.machine.duration(index)

    def complete(self) -> None:
        if self.ends == self.machine.cycle:
            self.retire()


class _Fetch:
    """The bursts of the program and the instruction ring (M12)."""

    def __init__(self, machine: "_Machine") -> None:
        self.machine = machine
        self.ends: list[int] = np.cumsum(machine.program.encoded_bytes).tolist()  # [I] bytes
        self.started = 0

    def freed_bytes(self) -> int:  # bytes of the leading retired instructions
        unretired = self.machine.finish.index(NOT_YET)
        return self.ends[unretired - 1] if unretired else 0

    def has_burst(self) -> bool:
        room = self.machine.accelerator.instruction_memory_bytes + self.freed_bytes()
        return (
            self.started * BURST_BYTES < self.ends[-1] and (self.started + 1) * BURST_BYTES <= room
        )

    def start_burst(self) -> None:  # brings the instructions whose last byte it holds
        for index, end in enumerate(self.ends):
            if (end - 1) // BURST_BYTES == self.started:
                self.machine.visible[index] = self.machine.cycle + self.machine.latency
        self.started += 1


def _in_turn(last: int, count: int) -> list[int]:
    return [(last + step) % count for step in range(1, count + 1)]  # M6, M9: after the last served


class _Bus:
    """One packet at a time (M9)."""

    def __init__(self, machine: "_Machine", width: int, clients: Sequence[_Unit]) -> None:
        self.machine = machine
        self.width = width
        self.clients = clients
        self.last = len(clients) - 1  # served last
        self.packet: _Packet | None = None
        self.ends = NOT_YET

    def complete(self) -> None:
        if self.packet is not None and self.ends == self.machine.cycle:
            self.clients[self.last].transferred(self.packet)
            self.packet = None

    def grant(self) -> None:
        if self.packet is not None:
            return
        turn = _in_turn(self.last, len(self.clients))
        asking = [number for number in turn if self.clients[number].has_packet()]
        if asking:
            self.last = asking[0]
            self.packet = self.clients[self.last].take_packet()
            self.ends = self.machine.cycle + _ceil_div(self.packet.useful_bytes, self.width)
            self.machine.bus_bytes[self.clients[self.last].engine] += self.packet.useful_bytes


class _Channel:
    """The DRAM channel: credit (M5) and round-robin (M6)."""

    def __init__(self, machine: "_Machine", streams: Sequence[_Fetch | _Load | _Store]) -> None:
        rate = machine.accelerator.dram_bytes_per_cycle
        self.machine = machine
        self.streams = streams
        self.last = len(streams) - 1  # served last
        self.income, self.price = rate.numerator, BURST_BYTES * rate.denominator
        self.credit = 0

    def earn(self) -> None:
        self.credit = min(self.credit + self.income, self.price + self.income - 1)

    def serve(self) -> None:
        if self.credit < self.price:
            return
        turn = _in_turn(self.last, len(self.streams))
        asking = [number for number in turn if self.streams[number].has_burst()]
        if asking:
            self.credit -= self.price
            self.last = asking[0]
            self.machine.channel_bytes[self.last] += BURST_BYTES
            self.streams[self.last].start_burst()


class _Machine:
    """All parts in one cycle (M2)."""

    def __init__(self, program: Program, accelerator: Accelerator) -> None:
        self.program = program
        self.accelerator = accelerator
        self.latency = accelerator.dram_latency_cycles
        self.cycle = 0
        self.visible, self.start, self.finish = ([NOT_YET] * len(program) for _ in range(3))
        self.channel_bytes = [0] * 4  # FETCH, PARAM, ACT, STORE
        self.bus_bytes = [0] * len(Engine)
        self.causes: list[list[int]] = []  # by cycle and engine
        param = _Load(self, Engine.PARAM, accelerator.parameter_memory_bytes)
        act = _Load(self, Engine.ACT, accelerator.activation_memory_bytes)
        move, store = _Unit(self, Engine.MOVE), _Store(self, Engine.STORE)
        self.units = [param, act, move, _ComputeUnit(self, Engine.COMPUTE), store]
        parameter_bus = _Bus(self, accelerator.parameter_bus_bytes, [param])
        activation_bus = _Bus(self, accelerator.activation_bus_bytes, [act, move, store])
        self.buses = [parameter_bus, activation_bus]
        self.channel = _Channel(self, [_Fetch(self), param, act, store])

    def duration(self, index: int) -> int:
        opcode, operand = int(self.program.opcode[index]), self.program.operand[index].tolist()
        return _duration(opcode, operand, self.accelerator.lanes)

    def packets(self, index: int) -> list[_Packet]:
        segments, segment_bytes = self.program.operand[index, : Transfer.DRAM_ADDRESS].tolist()
        return _split(1 if self.program.opcode[index] == Opcode.MOVE else segments, segment_bytes)

    def late(self, index: int) -> list[int]:  # engines for which an instruction has to wait
        wait = self.program.wait[index].tolist()
        return [unit.engine for unit in self.units if unit.retired < wait[unit.engine]]

    def is_visible(self, index: int) -> bool:
        return NOT_YET < self.visible[index] <= self.cycle

    def start_heads(self) -> None:
        for unit in self.units:
            index = unit.head()
            if index is None or not self.is_visible(index) or self.late(index):
                continue
            if unit.is_free():
                self.start[index] = self.cycle
                unit.begin(index)

    def cause(self, unit: _Unit) -> int:  # M15
        index = unit.head()
        if unit.started > unit.retired:
            return BUSY
        if index is None:
            return END
        return FIRST_ENGINE + self.late(index)[0] if self.is_visible(index) else FETCH

    def tick(self) -> None:
        """Phases 2 to 4 of a cycle and phase 1 of the next (M2)."""
        self.start_heads()
        self.causes.append([self.cause(unit) for unit in self.units])
        for bus in self.buses:
            bus.grant()
        self.channel.serve()
        self.cycle += 1
        self.channel.earn()
        for bus in self.buses:
            bus.complete()
        for unit in self.units:
            unit.complete()

    def longest(self) -> int:
        """More cycles than the program can take: as if nothing overlapped."""
        slowest_bus = max(_ceil_div(BURST_BYTES, bus.width) for bus in self.buses)
        burst = self.channel.price // self.channel.income + self.latency + slowest_bus + 3
        compute = self.program.engine == Engine.COMPUTE
        transfers = np.flatnonzero(~compute).tolist()
        bursts = 1 + len(self.program) + sum(len(self.packets(index)) for index in transfers)
        return burst * bursts + sum(map(self.duration, np.flatnonzero(compute).tolist()))

    def run(self) -> Timeline:
        longest = self.longest()
        while NOT_YET in self.finish:
            if self.cycle > longest:
                raise ValueError(f"The program must retire within {longest} cycles, but hangs.")
            self.tick()
        columns = (self.visible, self.start, self.finish, self.channel_bytes, self.bus_bytes)
        return Timeline(self.program, *(np.array(column, dtype=np.int64) for column in columns))


def observe(program: Program, accelerator: Accelerator) -> tuple[Timeline, Ints]:
    """The timeline, and the stall cause of every engine or `BUSY` in every cycle, [cycles, E]."""
    machine = _Machine(program, accelerator)
    return machine.run(), np.array(machine.causes, dtype=np.int64).reshape(-1, len(Engine))


def simulate(program: Program, accelerator: Accelerator) -> Timeline:
    """The timeline of a program."""
    return observe(program, accelerator)[0]


def stall_causes(program: Program, accelerator: Accelerator) -> Ints:
    """The stall cause of every engine in every cycle or `BUSY`, [cycles, E]."""
    return observe(program, accelerator)[1]

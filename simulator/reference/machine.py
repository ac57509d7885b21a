"""All parts of the machine in one cycle (M2), and the fetch of its program (M12)."""

import numpy as np

from apollo.arch.accelerator import STREAMS, Accelerator
from apollo.arch.isa import Engine, Opcode
from apollo.arch.program import Program
from apollo.simulator.reference.engines import (
    NOT_YET,
    ComputeUnit,
    LoadUnit,
    MoveUnit,
    StoreUnit,
    Unit,
)
from apollo.simulator.reference.sharing import Bus, Channel, Stream
from apollo.simulator.reference.work import (
    Instruction,
    ceil_div,
    compute_cycles,
    delay_of,
    instruction_of,
    packets_of,
)
from apollo.simulator.timeline import Timeline

BUSY, END, FETCH, FIRST_ENGINE = -1, 0, 1, 2  # causes; an engine's is FIRST_ENGINE + its number
OF_LANES = (Opcode.CONVOLVE, Opcode.DEPTHWISE, Opcode.CONVOLVE_SPARSE)
OF_ARRAYS = (Opcode.SHIFT_WEIGHTS, Opcode.MATMUL, Opcode.DRAIN)


class Fetch:
    """The bursts of the program and the instruction ring (M12)."""

    def __init__(self, machine: "Machine") -> None:
        self.machine = machine
        self.burst = machine.accelerator.burst_bytes
        self.ends: list[int] = np.cumsum(machine.program.encoded_bytes).tolist()  # [I] bytes
        self.started = 0

    def freed_bytes(self) -> int:
        """Bytes of the leading retired instructions."""
        unretired = self.machine.finish.index(NOT_YET)
        return self.ends[unretired - 1] if unretired else 0

    def has_burst(self) -> bool:
        """Whether bursts remain and the ring has room."""
        room = self.machine.accelerator.instruction_memory_bytes + self.freed_bytes()
        remain = self.started * self.burst < self.ends[-1]
        return remain and (self.started + 1) * self.burst <= room

    def start_burst(self, arrives: int) -> None:
        """Brings the instructions whose last byte it holds."""
        for index, end in enumerate(self.ends):
            if (end - 1) // self.burst == self.started:
                self.machine.visible[index] = arrives
        self.started += 1


class Machine:
    """A program on an accelerator."""

    def __init__(self, program: Program, accelerator: Accelerator) -> None:
        self.program = program
        self.accelerator = accelerator
        self.waits: list[list[int]] = program.wait.tolist()  # [I, E]
        self.cycle = 0
        self.visible, self.start, self.finish = ([NOT_YET] * len(program) for _ in range(3))
        self.causes: list[list[int]] = []  # by cycle and engine
        param = LoadUnit(self, Engine.PARAM, accelerator.parameter_memory_bytes)
        act = LoadUnit(self, Engine.ACT, accelerator.activation_memory_bytes)
        move, store = MoveUnit(self, Engine.MOVE), StoreUnit(self, Engine.STORE)
        self.units: list[Unit] = [param, act, move, ComputeUnit(self, Engine.COMPUTE), store]
        self.parameter_bus = Bus(self, accelerator.parameter_bus_bytes, [param])
        self.activation_bus = Bus(self, accelerator.activation_bus_bytes, [act, move, store])
        self.buses = [self.parameter_bus, self.activation_bus]
        streams: list[Stream] = [Fetch(self), param, act, store]
        self.streams = dict(zip(STREAMS, streams, strict=True))
        self.channels = [  # M6: in the order of STREAMS, however a design lists them
            Channel(
                self,
                [self.streams[name] for name in STREAMS if name in channel.streams],
                channel.bytes_per_cycle,
                channel.latency_cycles,
            )
            for channel in accelerator.channels
        ]

        self.refuse()

    def refuse(self) -> None:
        """M3: what the chip has no unit for."""
        missing = OF_LANES if self.accelerator.is_systolic else OF_ARRAYS
        for index, code in enumerate(self.program.opcode.tolist()):
            if code in missing:
                raise ValueError(
                    f"Instruction {index} of {len(self.program)} ({Opcode(code).name}) cannot run "
                    f"on design '{self.accelerator.name}' (M3)."
                )

    def queue(self, engine: Engine) -> list[int]:
        """The instructions of an engine, by number."""
        numbers: list[int] = np.flatnonzero(self.program.engine == engine).tolist()
        return numbers

    def instruction(self, index: int) -> Instruction:
        """An instruction, decoded."""
        return instruction_of(self.program, index)

    def late(self, index: int) -> list[int]:
        """Engines for which an instruction has to wait."""
        wait = self.waits[index]
        return [unit.engine for unit in self.units if unit.retired < wait[unit.engine]]

    def is_visible(self, index: int) -> bool:
        """Whether an instruction has arrived."""
        return NOT_YET < self.visible[index] <= self.cycle

    def start_heads(self) -> None:
        """Phase 2."""
        for unit in self.units:
            index = unit.head()
            if index is None or not self.is_visible(index) or self.late(index):
                continue
            if unit.is_free():
                self.start[index] = self.cycle
                unit.begin(index)

    def cause(self, unit: Unit) -> int:
        """Why an engine stands still (M15)."""
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
        for channel in self.channels:
            channel.serve()
        self.cycle += 1
        for channel in self.channels:
            channel.earn()
        for bus in self.buses:
            bus.complete()
        for unit in self.units:
            unit.complete()

    def longest(self) -> int:
        """More cycles than the program can take: as if nothing overlapped."""
        burst = self.accelerator.burst_bytes
        instructions = [self.instruction(index) for index in range(len(self.program))]
        computing = [self.program.engine[i] == Engine.COMPUTE for i in range(len(self.program))]
        bursts = 1 + len(instructions) + int(self.program.encoded_bytes.sum()) // burst
        cycles = 0
        for instruction, is_compute in zip(instructions, computing, strict=True):
            if is_compute:
                cycles += compute_cycles(instruction, self.accelerator)
            else:
                cycles += delay_of(instruction, self.accelerator)
                bursts += len(packets_of(instruction, burst))
        channel = max(ceil_div(each.price, each.income) + each.latency for each in self.channels)
        bus = max(ceil_div(burst, bus.width) for bus in self.buses)
        return cycles + bursts * (channel + bus + 3)

    def channel_bytes(self) -> list[int]:
        """Whole bursts by STREAMS."""
        bursts = {
            id(stream): count
            for channel in self.channels
            for stream, count in zip(channel.streams, channel.bursts, strict=True)
        }
        return [self.accelerator.burst_bytes * bursts[id(self.streams[name])] for name in STREAMS]

    def bus_bytes(self) -> list[int]:
        """Useful bytes by engine."""
        (param,) = self.parameter_bus.moved_bytes
        act, move, store = self.activation_bus.moved_bytes
        return [param, act, move, 0, store]

    def run(self) -> Timeline:
        """Cycle by cycle until everything has retired."""
        longest = self.longest()
        while NOT_YET in self.finish:
            if self.cycle > longest:
                raise ValueError(f"The program must retire within {longest} cycles, but hangs.")
            self.tick()
        columns = (self.visible, self.start, self.finish, self.channel_bytes(), self.bus_bytes())
        return Timeline(self.program, *(np.array(column, dtype=np.int64) for column in columns))

"""Random valid programs and small random accelerators, as answers to the questions of `Choices`."""

from collections.abc import Collection, Sequence
from typing import Protocol, TypeVar

import numpy as np
from hypothesis import strategies as st

from apollo.arch.accelerator import BURSTS, LARGEST_INSTRUCTION_BYTES, STREAMS, Accelerator
from apollo.arch.isa import ENGINES, FLAGS, SPECIFICATIONS, Engine, Field, Opcode
from apollo.arch.operands import ComputeFlag
from apollo.arch.program import Program
from tests.instructions import Instruction, make_accelerator, make_program

T = TypeVar("T")

CLOCKS_MHZ = [800, 225, 333, 700, 1066]  # at 225 the fastest DRAM moves exactly a burst a cycle
LATENCIES_NS = [1, 4, 20, 60, 120]
HOST_LATENCIES_NS = [1, 30, 300]
BUS_BYTES = [64, 3, 8, 31, 256, 1000]
LANES = [16, 1, 3, 64]
CORES = [1, 2, 3]
ARRAY_ROWS = [8, 1, 2, 5, 30]
ARRAY_COLUMNS = [8, 1, 3, 20]
ACCUMULATOR_ROWS = [8, 1, 64]

ANY_FLAGS = 2 * max(ComputeFlag) - 1
OF_LANES = (Opcode.CONVOLVE, Opcode.DEPTHWISE, Opcode.CONVOLVE_SPARSE)
OF_ARRAYS = (Opcode.SHIFT_WEIGHTS, Opcode.MATMUL, Opcode.DRAIN)
OFTEN = {
    Opcode.MATMUL: 6,
    Opcode.DRAIN: 2,
    Opcode.CONVOLVE: 5,
    Opcode.CONVOLVE_SPARSE: 3,
}  # among those of an engine
MIXES = [  # weights of the engines in the order of `Engine`: which streams meet
    (1, 1, 1, 1, 1),
    (3, 3, 0, 1, 3),  # three streams and fetch on the channel
    (1, 1, 0, 0, 1),
    (0, 2, 2, 0, 2),  # three engines on the activation bus
    (2, 2, 2, 0, 2),
    (4, 0, 1, 2, 1),
    (3, 1, 0, 1, 0),
    (0, 0, 1, 0, 4),
    (1, 0, 3, 3, 1),
    (1, 0, 1, 6, 0),
    (0, 0, 1, 2, 0),
]

# How many instructions a wait leaves in flight, None without wait: from free to in lockstep.
SLACKS: list[list[int | None]] = [
    [None],
    [None],
    [None] * 20 + [0, 1],
    [None, None, 0, 1, 2, 3],
    [0, 1, 2],
    [0],
]


class Choices(Protocol):
    """Where randomness comes from."""

    def pick(self, values: Sequence[T]) -> T: ...

    def between(self, low: int, high: int) -> int: ...


class Drawn:
    """Choices of hypothesis."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def pick(self, values: Sequence[T]) -> T:
        return self.draw(st.sampled_from(values))

    def between(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))


class Rolled:
    """Choices of a NumPy generator."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def pick(self, values: Sequence[T]) -> T:
        return values[int(self.rng.integers(len(values)))]

    def between(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high + 1))


def accelerator_of(choices: Choices) -> Accelerator:
    burst, clock = choices.pick(BURSTS), choices.pick(CLOCKS_MHZ)
    ring = burst + max(burst, LARGEST_INSTRUCTION_BYTES)
    staging = [burst, 2 * burst - 1, 2 * burst, 4 * burst, 16 * burst]

    def gb_per_s(efficiency_percent: int, *slower: int) -> int:
        most = burst * clock * 100 // (1000 * efficiency_percent)  # a burst a cycle
        return max(1, most // choices.pick([12, 32, 4, 1, *slower]))

    fields = dict(
        burst_bytes=burst,
        clock_mhz=clock,
        dram_gb_per_s=gb_per_s(90),
        dram_latency_ns=choices.pick(LATENCIES_NS),
        instruction_memory_bytes=choices.pick(
            [1 << 14, 1 << 14, ring, ring, ring + 1, ring + 47, 2 * ring]
        ),
        parameter_memory_bytes=choices.pick(staging),
        activation_memory_bytes=choices.pick(staging),
        parameter_bus_bytes=choices.pick(BUS_BYTES),
        activation_bus_bytes=choices.pick(BUS_BYTES),
        lanes=choices.pick(LANES),
    )
    if choices.pick([False, True]):
        mask = choices.pick([choices.between(1, 15), 0b0110, 0b1110, 0b1010, 0b1111])
        order = choices.pick(
            [STREAMS, STREAMS[::-1]]
        )  # as they are written, not as they are served
        fields |= dict(
            host_streams=tuple(name for name in order if mask >> STREAMS.index(name) & 1),
            host_gb_per_s=gb_per_s(84, 200),
            host_latency_ns=choices.pick(HOST_LATENCIES_NS),
        )
    if choices.pick([False, True]):
        return make_accelerator(
            **fields,
            pes_x=1,
            array_rows=choices.pick(ARRAY_ROWS),
            array_columns=choices.pick(ARRAY_COLUMNS),
            accumulator_rows=choices.pick(ACCUMULATOR_ROWS),
        )
    return make_accelerator(**fields, cores=choices.pick(CORES))


def _bytes(choices: Choices, burst: int) -> int:
    bursts = choices.pick([0, 0, 1, 1, 1, 2, 3, 6])
    return max(1, bursts * burst + choices.pick([1, 0, -1, burst // 2, burst // 4 + 1]))


def _positions(choices: Choices, most: int) -> dict[str, int]:
    rows = choices.between(1, min(4, most))
    return {"rows": rows, "columns": choices.between(1, min(3, most // rows))}


def _of_lanes(choices: Choices, opcode: Opcode, lanes: int) -> dict[str, int]:
    names = {field.name for field in SPECIFICATIONS[opcode].fields}
    operands = _positions(choices, 12)
    operands["out_channels"] = choices.pick([choices.between(1, 20), lanes])
    if "passes" in names:
        return operands | {"passes": choices.between(1, 4)}
    operands["kernel_rows"] = choices.pick([1, 1, 1, 2, 3])
    operands["kernel_columns"] = choices.pick([1, 1, 2])
    if opcode == Opcode.CONVOLVE:
        operands["in_channels"] = choices.pick([1, 4, 4, 5, 9])
    if opcode == Opcode.CONVOLVE_SPARSE:
        operands["pairs"] = choices.pick([0, 1, 1, 5, 12])
    return operands


def _of_arrays(choices: Choices, opcode: Opcode, chip: Accelerator, flags: int) -> dict[str, int]:
    operands = {"out_channels": choices.between(1, min(9, chip.array_columns))}
    if opcode == Opcode.SHIFT_WEIGHTS:
        return operands | {"in_channels": choices.between(1, chip.array_rows)}
    most, summands = chip.accumulator_rows, chip.array_rows
    if opcode == Opcode.MATMUL and flags & ComputeFlag.OUTPUT_STATIONARY:
        most, summands = min(most, chip.array_rows), 100
    operands |= _positions(choices, most)
    room = chip.accumulator_rows - operands["rows"] * operands["columns"]
    operands["accumulator"] = choices.between(0, room)
    if opcode == Opcode.MATMUL:
        operands["in_channels"] = choices.between(1, min(9, summands))
        most = summands // operands["in_channels"]
        operands["kernel_rows"] = choices.between(1, min(3, most))
        most //= operands["kernel_rows"]
        operands["kernel_columns"] = choices.between(1, min(3, most))
    return operands


def _timed(choices: Choices, opcode: Opcode, chip: Accelerator) -> dict[str, int]:
    """The operands that matter to time."""
    if opcode == Opcode.MOVE:
        return {"bytes": _bytes(choices, chip.burst_bytes)}
    if opcode <= Opcode.STORE:
        segments = choices.pick([1, 1, 1, 2, 3])
        return {"segments": segments, "segment_bytes": _bytes(choices, chip.burst_bytes)}
    flags = choices.between(0, ANY_FLAGS) & FLAGS[opcode]
    if opcode in OF_ARRAYS:
        return {"flags": flags} | _of_arrays(choices, opcode, chip, flags)
    return {"flags": flags} | _of_lanes(choices, opcode, chip.lanes)


def _untimed(rng: np.random.Generator | None, opcode: Opcode, field: Field) -> int:
    """Any legal value of an operand that does not matter to time; without generator the usual."""
    if rng is None:
        return field.usual
    if field.name == "flags":
        return int(rng.integers(field.high + 1)) & FLAGS[opcode]
    ends = [field.usual, field.low, field.high]
    return (
        int(rng.integers(field.low, field.high + 1))
        if rng.random() < 0.3
        else ends[rng.integers(3)]
    )


def _opcodes(engine: Engine, missing: Collection[Opcode]) -> list[Opcode]:
    mine = [o for o in Opcode if SPECIFICATIONS[o].engine == engine and o not in missing]
    return [opcode for opcode in mine for _ in range(OFTEN.get(opcode, 1))]


def program_of(
    choices: Choices, chip: Accelerator, count: int, missing: Collection[Opcode] | None = None
) -> Program:
    """Waits for all earlier instructions of an engine but a few, or for none of them."""
    if missing is None:
        missing = OF_LANES if chip.is_systolic else OF_ARRAYS
    mix, slacks = choices.pick(MIXES), choices.pick(SLACKS)
    opcodes = {engine: _opcodes(engine, missing) for engine in Engine}
    present = [engine for engine in Engine if opcodes[engine]]
    engines = [engine for engine in present for _ in range(mix[engine])] or present
    seed = choices.between(0, 1 << 32)
    rng = np.random.default_rng(seed) if seed else None
    earlier = [0] * ENGINES
    instructions = []
    for _ in range(count):
        engine = choices.pick(engines)
        opcode = choices.pick(opcodes[engine])
        timed = _timed(choices, opcode, chip)
        others = {
            field.name: _untimed(rng, opcode, field)
            for field in SPECIFICATIONS[opcode].fields
            if field.name not in timed
        }
        less = [choices.pick(slacks) if other != engine else None for other in Engine]
        wait = tuple(0 if few is None else max(0, earlier[e] - few) for e, few in enumerate(less))
        instructions.append(Instruction(opcode, others | timed, wait))
        earlier[engine] += 1
    return make_program(instructions)

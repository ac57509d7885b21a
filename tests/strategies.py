"""Random valid programs and small random accelerators: contention first, realism second.

The same two builders serve hypothesis (which shrinks) and NumPy (which is faster for large
programs): both draw `Instruction` rows and the fields of a design.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import ENGINE_OF, ENGINES, OPERANDS, Opcode, Program

COMPUTE_OPCODES = [opcode for opcode in Opcode if opcode >= Opcode.CONVOLVE]
NO_WAIT = (0,) * ENGINES
# (GB/s, MHz): 4 to 256 bytes a cycle, most not a whole number, the last exactly one burst
RATES = [(17, 800), (30, 800), (9, 1066), (5, 700), (7, 1066), (5, 800), (41, 333), (64, 225)]
LATENCIES_NS = [1, 4, 20, 60, 120]
RING_BYTES = [512, 600, 768, 1024, 16384, 16384]
STAGING_BYTES = [256, 511, 512, 1024, 4096, 4096]
BUS_BYTES = [3, 8, 31, 64, 64, 256, 1000]
LANES = [1, 3, 16, 64]
SIZES = [1, 2, 63, 64, 65, 255, 256, 257, 300, 511, 512, 513, 1024, 2000, 3000]
KINDS = [
    Opcode.LOAD_PARAMETERS,
    Opcode.LOAD_ACTIVATIONS,
    Opcode.MOVE,
    Opcode.STORE,
    Opcode.CONVOLVE,  # stands for every compute opcode
]
MIXES = [  # weights of the kinds: which streams meet
    (1, 1, 1, 1, 1),
    (3, 3, 0, 3, 1),  # three streams and fetch on the channel
    (1, 1, 0, 1, 0),
    (0, 2, 2, 2, 0),  # three engines on the activation bus
    (2, 2, 2, 2, 0),
    (4, 0, 1, 1, 2),
    (3, 1, 0, 0, 1),
    (0, 0, 1, 4, 0),
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


class Instruction(NamedTuple):
    """An instruction as tests write it."""

    opcode: Opcode
    sizes: tuple[int, ...]  # leading operands
    wait: tuple[int, ...] = NO_WAIT  # by engine


def make_program(instructions: Sequence[Instruction]) -> Program:
    """The program of these instructions, in one layer."""
    operand = np.zeros((len(instructions), OPERANDS), dtype=np.int64)
    for index, instruction in enumerate(instructions):
        operand[index, : len(instruction.sizes)] = instruction.sizes
    return Program(
        opcode=np.array([int(row.opcode) for row in instructions], dtype=np.int64),
        layer=np.zeros(len(instructions), dtype=np.int64),
        wait=np.array([row.wait for row in instructions], dtype=np.int64).reshape(-1, ENGINES),
        operand=operand,
        layer_names=("layer",),
    )


def make_accelerator(**fields: Any) -> Accelerator:
    """A small design with these fields."""
    small = dict(pes_x=2, pes_y=1, lanes=16, cores=1, pe_memory_bytes=4096, core_memory_bytes=4096)
    return Accelerator(name="random", **(small | fields))


def _with_waits(
    rows: Sequence[tuple[Opcode, tuple[int, ...]]], slack: Sequence[Sequence[int | None]]
) -> Program:
    """Waits for all earlier instructions of an engine but `slack`, or for none of them."""
    earlier = [0] * ENGINES
    instructions = []
    for (opcode, sizes), slacks in zip(rows, slack, strict=True):
        wait = tuple(
            0 if less is None else max(0, count - less)
            for count, less in zip(earlier, slacks, strict=True)
        )
        instructions.append(Instruction(opcode, sizes, wait))
        earlier[ENGINE_OF[opcode]] += 1
    return make_program(instructions)


@st.composite
def accelerators(draw: st.DrawFn) -> Accelerator:
    """Small designs in which something is always scarce."""
    gb_per_s, clock = draw(st.sampled_from(RATES))
    return make_accelerator(
        dram_gb_per_s=gb_per_s,
        clock_mhz=clock,
        dram_latency_ns=draw(st.sampled_from(LATENCIES_NS)),
        instruction_memory_bytes=draw(st.sampled_from(RING_BYTES)),
        parameter_memory_bytes=draw(st.sampled_from(STAGING_BYTES)),
        activation_memory_bytes=draw(st.sampled_from(STAGING_BYTES)),
        parameter_bus_bytes=draw(st.sampled_from(BUS_BYTES)),
        activation_bus_bytes=draw(st.sampled_from(BUS_BYTES)),
        lanes=draw(st.sampled_from(LANES)),
    )


_size = st.one_of(st.sampled_from(SIZES), st.integers(1, 1500))
_transfer_sizes = st.tuples(st.sampled_from([1, 1, 1, 2, 3]), _size)
_move_sizes = st.tuples(st.just(1), _size)
_compute_sizes = st.tuples(
    st.integers(1, 6), st.integers(1, 9), st.integers(1, 20), st.integers(1, 3), st.integers(0, 3)
)
_ROWS = {
    kind: st.tuples(st.just(kind), _move_sizes if kind == Opcode.MOVE else _transfer_sizes)
    for kind in KINDS[:4]
} | {Opcode.CONVOLVE: st.tuples(st.sampled_from(COMPUTE_OPCODES), _compute_sizes)}


@st.composite
def programs(draw: st.DrawFn, max_instructions: int = 32) -> Program:
    """Valid programs of all opcodes, with waits up to the legal maximum."""
    mix = draw(st.sampled_from(MIXES))
    row = st.sampled_from(
        [_ROWS[kind] for kind, weight in zip(KINDS, mix, strict=True) for _ in range(weight)]
    ).flatmap(lambda rows: rows)
    slack = st.sampled_from(draw(st.sampled_from(SLACKS)))
    drawn = draw(st.lists(st.tuples(row, st.tuples(*[slack] * ENGINES)), max_size=max_instructions))
    return _with_waits([rows for rows, _ in drawn], [slacks for _, slacks in drawn])


def random_accelerator(rng: np.random.Generator) -> Accelerator:
    """As `accelerators`, from a NumPy generator."""

    def choose(values: Sequence[int]) -> int:
        return int(rng.choice(values))

    gb_per_s, clock = RATES[rng.integers(len(RATES))]
    return make_accelerator(
        dram_gb_per_s=gb_per_s,
        clock_mhz=clock,
        dram_latency_ns=choose(LATENCIES_NS),
        instruction_memory_bytes=choose(RING_BYTES),
        parameter_memory_bytes=choose(STAGING_BYTES),
        activation_memory_bytes=choose(STAGING_BYTES),
        parameter_bus_bytes=choose(BUS_BYTES),
        activation_bus_bytes=choose(BUS_BYTES),
        lanes=choose(LANES),
    )


def random_program(rng: np.random.Generator, instructions: int) -> Program:
    """As `programs`, of exactly so many instructions, from a NumPy generator."""
    mix = np.array(MIXES[rng.integers(len(MIXES))])
    slacks = SLACKS[rng.integers(len(SLACKS))]
    rows: list[tuple[Opcode, tuple[int, ...]]] = []
    for kind in rng.choice(len(KINDS), size=instructions, p=mix / mix.sum()):
        opcode = KINDS[kind]
        if opcode == Opcode.CONVOLVE:
            opcode = COMPUTE_OPCODES[rng.integers(len(COMPUTE_OPCODES))]
            rows.append((opcode, tuple(rng.integers((1, 1, 1, 1, 0), (7, 10, 21, 4, 4)).tolist())))
            continue
        segments = 1 if opcode == Opcode.MOVE else int(rng.choice([1, 1, 1, 2, 3]))
        size = int(rng.choice(SIZES) if rng.random() < 0.5 else rng.integers(1, 1501))
        rows.append((opcode, (segments, size)))
    picks = rng.integers(len(slacks), size=(instructions, ENGINES))
    return _with_waits(rows, [[slacks[pick] for pick in row] for row in picks])

"""Waits of random instructions: enough to order whatever conflicts, and none without a reason."""

import random

import numpy as np

from apollo.arch.isa import ENGINE_OF, ENGINES, Opcode
from apollo.compiler.systolic.builder import Builder
from apollo.compiler.systolic.hazards import Access, Memory, Strip

OPCODES = (
    Opcode.LOAD_PARAMETERS,
    Opcode.LOAD_ACTIVATIONS,
    Opcode.MOVE,
    Opcode.ADD,
    Opcode.STORE,
)
DEEP = 64  # bytes of a position


def random_access(rng: random.Random) -> Access:
    """Runs of a few bytes and of many pages, whole positions and strips of them."""
    writes = rng.random() < 0.4
    if rng.random() < 0.5:
        memory = rng.choice([Memory.CORE, Memory.ACCUMULATORS, Memory.BUFFERS, Memory.DRAM])
        first = rng.randrange(2 if memory is Memory.BUFFERS else 3000)
        return Access(memory, first, first + rng.choice([1, 9, 300, 3000]), writes)
    first, size = DEEP * rng.randrange(800), DEEP * rng.choice([1, 2, 40, 400])
    if rng.random() < 0.4:
        return Access(Memory.PE, first, first + size, writes)
    start = rng.randrange(0, DEEP, 8)
    end = rng.randrange(start + 8, DEEP + 1, 8)
    strip = Strip(rng.randrange(2), start, end)
    return Access(Memory.PE, first + start, first + size - DEEP + end, writes, strip)


def orders(waits, engines):
    """Which instructions have retired before one may start [I, I]."""
    count = len(waits)
    before = np.zeros((count, count), bool)
    of_engine = [np.flatnonzero(engines == engine) for engine in range(ENGINES)]
    for number in range(count):
        for engine in range(ENGINES):
            done = of_engine[engine]
            done = done[done < number] if engine == engines[number] else done
            done = done if engine == engines[number] else done[: waits[number, engine]]
            if len(done):
                before[number] |= before[done[-1]]
                before[number, done] = True
    return before


def test_waits_order_what_conflicts_and_have_a_reason():
    for seed in range(12):
        rng = random.Random(seed)
        builder, uses = Builder(["layer"]), []
        for _ in range(120):
            uses.append([random_access(rng) for _ in range(rng.randint(1, 3))])
            builder.add(rng.choice(OPCODES), 0, uses[-1])
        program = builder.program(1 << 20)
        engines = ENGINE_OF[program.opcode]
        before = orders(program.wait, engines)
        conflicts = np.zeros_like(before)
        for later in range(len(uses)):
            for earlier in range(later):
                pairs = ((one, other) for one in uses[later] for other in uses[earlier])
                conflicts[later, earlier] = any(one.conflicts(other) for one, other in pairs)
        assert not (conflicts & ~before).any()
        for number, engine in np.argwhere(program.wait):
            awaited = np.flatnonzero(engines == engine)[program.wait[number, engine] - 1]
            assert conflicts[number, awaited]

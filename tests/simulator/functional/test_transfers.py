"""Loads, stores and moves against their meaning, on random boxes, layouts and grids."""

import numpy as np
import pytest

from apollo.arch.operands import TransferFlag as Flag
from apollo.simulator.functional import execute
from tests.simulator.functional import exchange
from tests.simulator.functional.build import Image, Script, design, fill_memories, random_memories
from tests.simulator.functional.draw import GRIDS, Places

SEEDS = range(16)


def chip_of(rng):
    return design(*GRIDS[rng.integers(len(GRIDS))])


@pytest.mark.parametrize("seed", SEEDS)
def test_parameters_go_to_cores_by_blocks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    chip = chip_of(rng)
    segments, size = (int(n) for n in rng.integers(1, (5, 40)))
    o = dict(segments=segments, segment_bytes=size, dram_pitch=size + int(rng.integers(0, 9)))
    o |= dict(
        dram_address=3, destination=int(rng.integers(0, 9)), block_bytes=int(rng.integers(1, 50))
    )
    o |= {name: int(rng.integers(0, 3)) for name in ("step_x", "step_y", "step_core")}
    image = Image()
    image.put(rng.integers(0, 256, 1000, dtype=np.uint8))
    script = Script()
    script.add("LOAD_PARAMETERS", **o)
    machine = execute(script.program, chip, image.array)
    data = [image.bytes[3 + s * o["dram_pitch"] + b] for s in range(segments) for b in range(size)]
    for number, x, y in exchange.grid(chip):
        for c in range(chip.cores):
            block = x * o["step_x"] + y * o["step_y"] + c * o["step_core"]
            wanted = data[block * o["block_bytes"] : (block + 1) * o["block_bytes"]]
            memory = machine.core_memory[number, c].tolist()
            rest = len(memory) - o["destination"] - len(wanted)
            assert memory == [0] * o["destination"] + wanted + [0] * rest


@pytest.mark.parametrize("seed", SEEDS)
def test_loads_fill_boxes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    chip, flags = chip_of(rng), int(rng.choice([0, Flag.WIDE]))
    w, places = 1 + bool(flags), Places(rng)
    o, shape = exchange.draw_stream(rng, w)
    o |= exchange.draw_boxes(rng, places, shape, w) | {"flags": flags}
    image, script = Image(), Script()
    pe, core = random_memories(rng, chip, places.used, 1)
    fill_memories(script, image, chip, pe, core)
    o["dram_address"] = image.put(rng.integers(0, 256, 400, dtype=np.uint8))
    script.add("LOAD_ACTIVATIONS", **o)
    machine = execute(script.program, chip, image.array)
    memories = [bytearray(one.tobytes()) for one in pe]
    exchange.load(o, chip, image.bytes, memories)
    np.testing.assert_array_equal(machine.pe_memory, [list(one) for one in memories])


@pytest.mark.parametrize("seed", SEEDS)
def test_stores_take_from_the_lowest_pe(seed: int) -> None:
    rng = np.random.default_rng(seed)
    chip, flags = chip_of(rng), int(rng.choice([0, Flag.WIDE]))
    w, places = 1 + bool(flags), Places(rng)
    o, shape = exchange.draw_stream(rng, w)
    o |= exchange.cover(rng, places, chip, shape, w) | {"flags": flags}
    image, script = Image(), Script()
    pe, core = random_memories(rng, chip, places.used, 1)
    fill_memories(script, image, chip, pe, core)
    o["dram_address"] = image.room(400)
    script.add("STORE", **o)
    machine = execute(script.program, chip, image.array)
    dram = bytearray(image.bytes)
    exchange.store(o, chip, dram, [bytearray(one.tobytes()) for one in pe])
    assert machine.dram.tobytes() == bytes(dram)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("kind", ["plain", "halo", "to_core", "halo_to_core"])
def test_moves_bring_boxes(kind: str, seed: int) -> None:
    rng = np.random.default_rng([seed, len(kind)])
    flags = int(rng.choice([0, Flag.WIDE]))
    flags |= (Flag.HALO if "halo" in kind else 0) | (Flag.TO_CORE if "to_core" in kind else 0)
    size = 0
    while not size:  # a halo that no PE lacks cannot be moved
        chip, places = chip_of(rng), Places(rng)
        o, there = exchange.draw_move(rng, places, chip, flags)
        pe, core = random_memories(rng, chip, places.used + 1, there.used + 1)
        memories = [bytearray(one.tobytes()) for one in pe]
        cores = {
            (n, c): bytearray(core[n, c].tobytes())
            for n in range(chip.pes)
            for c in range(chip.cores)
        }
        size = exchange.move(o, chip, memories, cores)
    image, script = Image(), Script()
    fill_memories(script, image, chip, pe, core)
    script.add("MOVE", **o, bytes=size)
    machine = execute(script.program, chip, image.array)
    np.testing.assert_array_equal(machine.pe_memory, [list(one) for one in memories])
    np.testing.assert_array_equal(machine.units, [list(one) for one in cores.values()])

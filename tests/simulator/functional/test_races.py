"""The race check (M32) against brute force, and against waits that were dropped."""

from itertools import combinations

import numpy as np
import pytest

from apollo.arch.assembler import assemble
from apollo.arch.isa import Engine, Opcode
from apollo.arch.operands import TransferFlag as Flag
from apollo.arch.program import Program
from apollo.simulator.functional import execute, order, refuse_races
from tests.simulator.functional import exchange
from tests.simulator.functional.build import Image, Script, design, fill_memories
from tests.simulator.functional.draw import Places
from tests.simulator.functional.test_systolic import Gemm

Touched = tuple[set, set]  # what is read, what is written: (memory, unit, byte)


def span(at: int, w: int, *unit) -> set:
    return {(*unit, at + i) for i in range(w)}


def touched(opcode: str, o: dict, chip) -> Touched:
    """The bytes of a transfer or of a copy, one by one."""
    reads, writes = set(), set()
    if opcode == "COPY":
        for number, _, _ in exchange.grid(chip):
            for r in range(o["rows"]):
                reads |= span(o["source"] + r * o["source_row_pitch"], 1, "pe", number)
                writes |= span(o["destination"] + r * o["row_pitch"], 1, "pe", number)
        return reads, writes
    w = exchange.width(o)
    if opcode == "MOVE":
        return _moved(o, chip, w)
    elements = exchange.stream_elements(o, bytearray())
    dram = {("dram", 0, at) for places in elements.values() for at in places}
    pe = set()
    given = set()
    for number, x, y in exchange.grid(chip):
        for point, address in exchange.box(o, x, y).items():
            if opcode == "LOAD_ACTIVATIONS" or (point in elements and point not in given):
                pe |= span(address, w, "pe", number)
                given.add(point)
    return (dram, pe) if opcode == "LOAD_ACTIVATIONS" else (pe, dram)


def _moved(o: dict, chip, w: int) -> Touched:
    reads, writes, needed = set(), set(), set()
    inside = [(r, c, k) for r in range(o["rows"]) for c in range(o["columns"])
              for k in range(o["channels"])]  # fmt: skip
    halo = o["flags"] & Flag.HALO
    for number, x, y in exchange.grid(chip):
        own = exchange.part(o, x, y) if halo else {}
        for point, address in exchange.box(o, x, y).items():
            if point not in own:
                writes |= span(address, w, "pe", number)
                needed.add(point)
    given = set()
    for number, x, y in exchange.grid(chip):
        for point, address in exchange.part(o, x, y).items():
            if point not in given and (point in needed or not halo) and point in inside:
                reads |= span(address, w, "pe", number)
            given.add(point)
    return reads, writes


def ordered(program: Program) -> np.ndarray:
    """Whether one instruction comes before another for certain: the closure of the rules."""
    count = len(program)
    before = np.zeros((count, count), bool)
    rank = [int((program.engine[:i] == program.engine[i]).sum()) for i in range(count)]
    for a, b in combinations(range(count), 2):
        engine = program.engine[a]
        before[a, b] = engine == program.engine[b] or program.wait[b, engine] > rank[a]
    for middle in range(count):
        before |= before[:, middle : middle + 1] & before[middle : middle + 1]
    return before


def random_script(rng: np.random.Generator, chip) -> tuple[Script, list[Touched]]:
    script, all_touched = Script(), []
    careless = rng.random() * 0.5
    for _ in range(int(rng.integers(2, 9))):
        opcode = str(rng.choice(["LOAD_ACTIVATIONS", "STORE", "MOVE", "MOVE", "COPY"]))
        places = Places(rng)
        places.used = int(rng.integers(0, 40))
        if opcode == "COPY":
            o = {name: int(rng.integers(0, 60)) for name in ("source", "destination")}
            o |= dict(rows=int(rng.integers(1, 9)))
            o |= {name: int(rng.integers(1, 4)) for name in ("source_row_pitch", "row_pitch")}
        elif opcode == "MOVE":
            flags = int(rng.choice([0, Flag.HALO]))
            o, _ = exchange.draw_move(rng, places, chip, flags)
            sizes = bytearray(9999), [bytearray(9999) for _ in range(chip.pes)]
            o["bytes"] = exchange.move(o, chip, sizes[1], {})
            if not o["bytes"]:
                continue
        else:
            o, shape = exchange.draw_stream(rng, 1)
            o |= dict(flags=0, dram_address=int(rng.integers(0, 60)), fill=0)
            if opcode == "STORE":
                o |= exchange.cover(rng, places, chip, shape, 1)
                o.pop("fill")
            else:
                o |= exchange.draw_boxes(rng, places, shape, 1)
        waits = {
            unit.name: count - int(rng.integers(0, 2)) if rng.random() < careless else count
            for unit, count in script.counts.items()
            if count
        }
        own = Engine.COMPUTE if opcode == "COPY" else None
        own = own or {"MOVE": Engine.MOVE, "STORE": Engine.STORE}.get(opcode, Engine.ACT)
        waits.pop(own.name, None)
        script.add(opcode, waits, **o)
        all_touched.append(touched(opcode, o, chip))
    return script, all_touched


def races(program: Program, all_touched: list[Touched]) -> set[tuple[int, int]]:
    before, found = ordered(program), set()
    for (a, (ra, wa)), (b, (rb, wb)) in combinations(enumerate(all_touched), 2):
        if not before[a, b] and (wa & (rb | wb) or ra & wb):
            found.add((a, b))
    return found


@pytest.mark.parametrize("part", range(6))
def test_exactly_the_programs_with_a_race_are_refused(part: int) -> None:
    rng = np.random.default_rng(part)
    verdicts = []
    for _ in range(40):
        chip = design(*[(1, 1, 1), (2, 1, 1), (2, 2, 1), (3, 2, 1)][rng.integers(4)])
        script, all_touched = random_script(rng, chip)
        if not script.lines:
            continue
        wanted = races(script.program, all_touched)
        try:
            refuse_races(script.program, chip)
            named = None
        except ValueError as refusal:
            words = str(refusal).split()
            named = (int(words[1]), int(words[4]))
        assert (named in wanted) if wanted else named is None, (named, wanted, script.lines)
        verdicts.append(bool(wanted))
    assert 3 < sum(verdicts) < len(verdicts) - 3


def test_a_halo_may_arrive_while_the_rest_is_stored() -> None:
    """The boxes overlap, the bytes do not: only a look at single PEs can tell."""
    chip = design(4, 1)
    script, image = Script(), Image()
    rows = np.arange(16 * 3, dtype=np.uint8)
    script.add("LOAD_ACTIVATIONS", segment_bytes=48, dram_address=image.put(rows), channels=3,
               address=3, row_pitch=3, channel_pitch=1, box_rows=4, box_channels=3,
               split_x="rows", step_x=4)  # fmt: skip
    script.add("MOVE", dict(ACT=1), bytes=18, rows=16, channels=3, source=3, source_row_pitch=3,
               source_channel_pitch=1, source_split_x="rows", source_step_x=4, flags=Flag.HALO,
               address=0, row_pitch=3, channel_pitch=1, box_rows=6, box_channels=3,
               first_row=-1, split_x="rows", step_x=4, fill=-1)  # fmt: skip
    address = image.room(48)
    script.add("STORE", dict(ACT=1), segment_bytes=48, dram_address=address, channels=3,
               address=3, row_pitch=3, channel_pitch=1, box_rows=4, box_channels=3,
               split_x="rows", step_x=4)  # fmt: skip
    script.add("LOAD_ACTIVATIONS", dict(STORE=1, MOVE=1), segment_bytes=12, channels=3,
               address=3, row_pitch=3, channel_pitch=1, box_rows=4, box_channels=3)  # fmt: skip
    machine = execute(script.program, chip, image.array)
    assert machine.dram[address:].tolist() == rows.tolist()
    np.testing.assert_array_equal(machine.pe_memory[1, [0, 15]], [9, 24])
    np.testing.assert_array_equal(machine.pe_memory[[0, 3], [0, 15]], [255, 255])
    # Without its wait for the move the last load overwrites what the move still reads.
    text = "\n".join(script.lines).replace("MOVE>=1", "").replace("STORE>=1 ", "STORE>=1")
    sentence = (
        "Instructions 1 (MOVE) and 3 (LOAD_ACTIVATIONS) of 4 both touch byte 12 of PE memory, "
        "and neither waits for the other (M32)."
    )
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the sentence is compared below
        execute(assemble(text), chip, image.array)
    assert str(refusal.value) == sentence


@pytest.mark.parametrize(("block_bytes", "race"), [(4, False), (2, True)])
def test_a_core_that_gets_nothing_does_not_race(block_bytes: int, race: bool) -> None:
    """Core 1 walks to byte 15, core 0 to byte 11, where the second load begins."""
    chip = design(1, 1, cores=2)
    script, image = Script(), Image()
    core = np.zeros((1, 2, 16), np.uint8)
    core[0, 1, 9] = 2  # non-zeros
    fill_memories(script, image, chip, np.ones((1, 16), np.uint8), core)
    script.add("CONVOLVE_SPARSE", in_channels=1, core_step=1, channels=2, destination=8, pairs=1,
               channel_pitch=1)  # fmt: skip
    script.add("LOAD_PARAMETERS", {}, segment_bytes=4, block_bytes=block_bytes, destination=11,
               step_core=1)  # fmt: skip
    if race:
        with pytest.raises(ValueError, match=r"both touch byte 11 of core memory"):
            execute(script.program, chip, image.array)
    else:
        execute(script.program, chip, image.array)


@pytest.mark.parametrize("stationary", [False, True])
def test_every_wait_of_a_double_buffered_gemm_is_needed(stationary: bool) -> None:
    """One less on any wait is a race, unless another instruction's wait implies it."""
    gemm = Gemm(stationary)
    program = gemm.script.program
    refused: dict[tuple[str, str], int] = {}
    for number, engine in np.argwhere(program.wait > 0).tolist():
        wait = program.wait.copy()
        wait[number, engine] -= 1
        weaker = Program(program.opcode, program.layer, wait, program.operand, ("layer",))
        try:
            refuse_races(weaker, gemm.chip)
        except ValueError:
            name = (Opcode(int(program.opcode[number])).name, Engine(engine).name)
            refused[name] = refused.get(name, 0) + 1
    always = {("STORE", "MOVE"): 1, ("DRAIN", "COMPUTE"): 3}
    if stationary:  # a range of accumulators is used again
        assert refused == always | {("MATMUL", "PARAM"): 1, ("MATMUL", "MOVE"): 1}
    else:  # two of the shifts come after a drain that waited for the same products
        assert refused == always | {
            ("SHIFT_WEIGHTS", "PARAM"): 1,
            ("SHIFT_WEIGHTS", "COMPUTE"): 5,
            ("MATMUL", "MOVE"): 9,
        }


def test_the_accumulators_and_the_image_are_checked_too() -> None:
    chip, image = design(), Image()
    image.room(20)
    script = Script()
    script.add("STORE", segment_bytes=4, dram_address=8, channels=4, box_channels=4)
    script.add("LOAD_ACTIVATIONS", {}, segment_bytes=4, dram_address=11, channels=4,
               address=8, box_channels=4)  # fmt: skip
    with pytest.raises(ValueError, match="both touch byte 11 of DRAM"):
        execute(script.program, chip, image.array)


def test_clocks_pass_on_what_others_knew() -> None:
    script = Script()
    script.add("LOAD_ACTIVATIONS", {})
    script.add("COPY", dict(ACT=1))
    script.add("MOVE", dict(COMPUTE=1))
    script.add("MOVE", {})
    script.add("STORE", dict(MOVE=2))
    known = order.clocks(script.program)
    assert known[4].tolist() == [0, 1, 2, 1, 0]

"""The worked example of every timing rule of docs/machine.md, under the rule's number.

Here M2 to M8: the program and the channels. The buses and engines (M9 to M15) are in
`test_engine_rules.py`, what a tile costs in `test_tile_rules.py`. The designs, and the cycles in
which their bursts start, are in `designs.py`.
"""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import Opcode
from apollo.arch.program import Program
from apollo.simulator.timeline import Timeline
from tests.instructions import Instruction, make_program
from tests.simulator.build import (
    drain,
    load_activations,
    load_parameters,
    matmul,
    move,
    shift,
    sparse,
    store,
    tile,
    vector,
    window,
)
from tests.simulator.designs import ARRAY, LINK, NARROW, SLOW_LINK, V1, columns

Simulate = Callable[[Program, Accelerator], Timeline]


def test_m02_what_phase_1_frees_is_usable_in_the_same_cycle(simulate: Simulate) -> None:
    program = make_program(
        [load_parameters(256), tile(100, PARAM=1), move(64, COMPUTE=1), store(64, MOVE=1)]
    )
    assert columns(simulate(program, V1)) == ([94, 178, 278, 279], [178, 278, 279, 281])


def test_m02_one_start_a_cycle_and_engine(simulate: Simulate) -> None:
    program = make_program([store(1)] * 2 + [load_activations(1)] * 2)
    timeline = simulate(program, V1)
    # A store's packet is granted in the cycle of its start. The first load issues in 94, so the
    # second may start in 95.
    assert timeline.start.tolist() == [94, 95, 94, 95]


def test_m02_phases_after_the_first_are_seen_by_the_next(simulate: Simulate) -> None:
    # started in phase 2, granted in phase 3, on the channel in phase 4 of the same cycle
    timeline = simulate(make_program([move(64), load_parameters(64)]), V1)
    assert columns(timeline) == ([94, 94], [95, 175])


def test_m03_instructions_straddle_bursts(simulate: Simulate) -> None:
    program = make_program([matmul(9)] * 11)  # 48 B each: 0-47, ..., 240-287, ..., 480-527
    timeline = simulate(program, replace(ARRAY, instruction_memory_bytes=512))
    # Bursts in 14 and 27. Tile 10 needs burst 2, which waits for 256 B of retired instructions:
    # 6 multiplications (288 B). They run from 94 to 139 (5), and from 139 to 148 (the sixth).
    assert timeline.visible.tolist() == [94] * 5 + [107] * 5 + [148 + 80]
    assert timeline.finish.tolist() == [*range(103, 185, 9), 228 + 9]


def test_m03_a_wait_may_be_for_all_before_it(simulate: Simulate) -> None:
    program = make_program([move(64), tile(10), store(64, MOVE=1, COMPUTE=1)])
    assert columns(simulate(program, V1)) == ([94, 94, 104], [95, 104, 106])


@pytest.mark.parametrize(
    ("instructions", "problem"),
    [
        ([move(-1)], "must have bytes in 0.."),
        ([load_parameters(1, segments=0)], "must have segments in 1.."),
        ([vector(Opcode.COPY, 1, 1, 0)], "must have passes in 1.."),
        ([move(1, STORE=1), store(1)], "waits for an instruction that comes later"),
        ([move(1), move(1, MOVE=1)], "waits for its own engine, MOVE"),
    ],
)
def test_m03_invalid_programs(instructions: list[Instruction], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        make_program(instructions)


@pytest.mark.parametrize(("burst", "least"), [(256, 512), (64, 128), (32, 96), (16, 80)])
def test_m03_the_ring_holds_a_burst_and_an_instruction(
    simulate: Simulate, burst: int, least: int
) -> None:
    design = replace(NARROW, burst_bytes=burst)
    with pytest.raises(ValueError, match=f"instruction_memory_bytes must be at least {least} "):
        replace(design, instruction_memory_bytes=least - 1)
    program = make_program([load_parameters(1), move(64), store(1)] * 20)  # 48, 64 and 64 B
    assert simulate(program, replace(design, instruction_memory_bytes=least)).latency_cycles > 0


@pytest.mark.parametrize(
    ("instruction", "design"),
    [(matmul(1), V1), (shift(), V1), (drain(1, 1), V1)]
    + [(window(opcode, 1, 1, 1), ARRAY) for opcode in (Opcode.CONVOLVE, Opcode.DEPTHWISE)]
    + [(sparse(1, 1, 1), ARRAY)],
)
def test_m03_units_that_the_chip_lacks(
    simulate: Simulate, instruction: Instruction, design: Accelerator
) -> None:
    name = instruction.opcode.name
    with pytest.raises(ValueError, match=rf"Instruction 1 of 2 \({name}\) .* design 'edge_tpu_v1'"):
        simulate(make_program([move(1), instruction]), design)


def test_m03_no_instructions(simulate: Simulate) -> None:
    timeline = simulate(make_program([]), V1)
    assert timeline.latency_cycles == 0
    assert timeline.channel_bytes.tolist() == [0, 0, 0, 0]
    assert timeline.bus_bytes.tolist() == [0, 0, 0, 0, 0]


def test_m04_burst(simulate: Simulate) -> None:
    timeline = simulate(make_program([load_parameters(300, segments=2)]), V1)
    assert timeline.channel_bytes.tolist() == [256, 4 * 256, 0, 0]
    assert timeline.bus_bytes.tolist() == [600, 0, 0, 0, 0]
    # bursts in 94, 107, 120, 134; the last of 44 B arrives in 214 and is one cycle on the bus
    assert columns(timeline) == ([94], [215])


def test_m04_burst_of_every_stream(simulate: Simulate) -> None:
    program = make_program([load_activations(257, 3), move(700), store(256, 2), store(1)])
    timeline = simulate(program, V1)  # 256 B of instructions
    assert timeline.channel_bytes.tolist() == [256, 0, 6 * 256, 3 * 256]
    assert timeline.bus_bytes.tolist() == [0, 771, 700, 0, 513]


def test_m04_small_bursts(simulate: Simulate) -> None:
    program = make_program([load_parameters(300, segments=2), store(17)])
    timeline = simulate(program, NARROW)
    assert timeline.channel_bytes.tolist() == [48 + 64, 2 * 19 * 16, 0, 2 * 16]


def test_m05_credit(simulate: Simulate) -> None:
    assert V1.dram_bytes_per_cycle == Fraction(153, 8)
    timeline = simulate(make_program([move(64)] * 12), V1)  # three bursts of instructions
    # 14 * 153 = 2,142; 94 + 13 * 153 = 2,083; 35 + 13 * 153 = 2,024 is too little
    assert (timeline.visible[::4] - 80).tolist() == [14, 27, 41]


def test_m05_credit_is_capped(simulate: Simulate) -> None:
    # Idle for 53 cycles: without the cap both loads could issue at once; with a cap of 2,048 the
    # second would have to wait until 108.
    timeline = simulate(make_program([load_parameters(256), load_parameters(256)]), V1)
    assert (timeline.finish - 84).tolist() == [94, 107]


def test_m05_one_burst_a_cycle(simulate: Simulate) -> None:
    design = replace(V1, dram_gb_per_s=64, clock_mhz=225, dram_latency_ns=40)
    assert design.dram_bytes_per_cycle == 256
    assert design.dram_latency_cycles == 9
    timeline = simulate(make_program([move(64)] * 12), design)
    assert timeline.visible[::4].tolist() == [1 + 9, 2 + 9, 3 + 9]


def test_m05_two_channels(simulate: Simulate) -> None:
    assert [channel.bytes_per_cycle for channel in LINK.channels] == [
        Fraction(153, 8),
        Fraction(84, 5),
    ]
    # both channels start a burst in 94, each with its own credit and latency
    timeline = simulate(make_program([load_parameters(256), load_activations(256)]), LINK)
    assert columns(timeline) == ([94, 94], [94 + 84, 94 + 804])


def test_m05_fetch_over_the_link(simulate: Simulate) -> None:
    design = replace(LINK, host_streams=("FETCH",))
    timeline = simulate(make_program([move(64)] * 8), design)
    # a burst costs 1,280: 16 * 84 = 1,344; 64 + 15 * 84 = 1,324
    assert timeline.visible[::4].tolist() == [16 + 800, 31 + 800]
    assert timeline.channel_bytes.tolist() == [512, 0, 0, 0]


def test_m05_all_streams_over_the_link(simulate: Simulate) -> None:
    design = replace(LINK, host_streams=("FETCH", "PARAM", "ACT", "STORE"))
    program = make_program([load_parameters(256), load_activations(256), store(256)])
    timeline = simulate(program, design)
    # credit is full (1,363) in 816; 83 + 15 * 84 = 1,343; 63 + 15 * 84 = 1,323
    assert columns(timeline) == ([816] * 3, [816 + 804, 831 + 804, 846 + 1])


def test_m06_round_robin(simulate: Simulate) -> None:
    program = make_program([load_parameters(512), load_activations(512), store(512)])
    # FETCH was served last: PARAM 94, ACT 107, STORE 120, PARAM 134, ACT 147, STORE 160
    # (credit left 152, 93, 34, 128, 69, 10)
    timeline = simulate(program, V1)
    assert columns(timeline) == ([94, 94, 94], [134 + 84, 147 + 84, 160 + 1])


def test_m06_round_robin_with_fetch(simulate: Simulate) -> None:
    # 10 bursts of instructions: 14, 27, 41, 54, 67, 81; in 94 the load is asked first, then they
    # alternate: FETCH 108, PARAM 121, FETCH 134, 148, 161.
    timeline = simulate(make_program([load_parameters(512)] + [move(1)] * 39), V1)
    fetched = [14, 27, 41, 54, 67, 81, 108, 134, 148, 161]
    assert timeline.visible[::4].tolist() == [cycle + 80 for cycle in fetched]
    assert columns(timeline)[1][0] == 121 + 84


def test_m06_the_pointer_moves_only_on_service(simulate: Simulate) -> None:
    # STORE is served in 98 (credit is full since long), then nothing asks until the two loads of
    # cycle 294: the turn is still after STORE, so PARAM comes before ACT; after PARAM, ACT.
    rest = [tile(200), load_activations(256, COMPUTE=1), load_parameters(256, COMPUTE=1)]
    timeline = simulate(make_program([store(256), *rest]), V1)
    assert timeline.finish.tolist() == [99, 294, 307 + 84, 294 + 84]
    timeline = simulate(make_program([load_parameters(256), *rest]), V1)
    assert timeline.finish.tolist() == [178, 294, 294 + 84, 307 + 84]


def test_m06_a_store_waits_for_its_bus_transfer(simulate: Simulate) -> None:
    design = replace(V1, activation_bus_bytes=8)
    timeline = simulate(make_program([store(256)]), design)
    assert columns(timeline) == ([94], [94 + 32 + 1])


def test_m06_every_channel_serves_its_own_streams_in_turn(simulate: Simulate) -> None:
    # On the link a burst costs 5,120 and 21 come in a cycle: 244 * 21 = 5,124, 4 + 244 * 21 =
    # 5,128. Both ask long before: ACT is the first of its streams, however a design lists them.
    program = make_program([load_activations(256), store(256), load_parameters(256)])
    timeline = simulate(program, SLOW_LINK)
    assert timeline.finish.tolist() == [244 + 804, 488 + 1, 94 + 84]


def test_m07_load(simulate: Simulate) -> None:
    timeline = simulate(make_program([load_parameters(256)]), V1)
    assert timeline.visible.tolist() == [94]
    assert columns(timeline) == ([94], [178])


def test_m07_loads_overlap(simulate: Simulate) -> None:
    # The first issues bursts in 94 and 107: the second may start in 108, and issues in 120.
    program = make_program([load_activations(512), load_activations(256)])
    assert columns(simulate(program, V1)) == ([94, 108], [107 + 84, 120 + 84])


def test_m08_staging_of_one_slot(simulate: Simulate) -> None:
    design = replace(V1, parameter_memory_bytes=511)  # 511 // 256 = 1
    timeline = simulate(make_program([load_parameters(768)]), design)
    assert columns(timeline) == ([94], [94 + 3 * 84])


def test_m08_staging_of_two_slots(simulate: Simulate) -> None:
    design = replace(V1, activation_memory_bytes=512)
    timeline = simulate(make_program([load_activations(1024)]), design)
    # bursts in 94 and 107; in 178 and 191 when their slots are free again
    assert columns(timeline) == ([94], [191 + 84])


def test_m08_staging_in_small_bursts(simulate: Simulate) -> None:
    # 95 // 16 = 5 slots. Bursts cost 16, 9 come in a cycle. The load (48 B) has come in 2, 4 and 6;
    # with a credit of 24 in 86 bursts start in 86, 87 (17), 89 (19), 91 (21) and 93 (23). The
    # sixth needs the first slot, which is free in 167.
    design = replace(NARROW, parameter_memory_bytes=95)
    timeline = simulate(make_program([load_parameters(96)]), design)
    assert columns(timeline) == ([86], [167 + 81])


def test_m08_latency_of_the_channel(simulate: Simulate) -> None:
    design = replace(LINK, activation_memory_bytes=256)
    timeline = simulate(make_program([load_activations(512)]), design)
    assert columns(timeline) == ([94], [94 + 2 * 804])

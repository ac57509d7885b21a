"""The worked example of every timing rule of docs/machine.md, under the rule's number.

Edge TPU V1 unless said otherwise: a burst costs 2,048 of credit and 153 comes in a cycle, so that
bursts one after the other start in cycles 14, 27, 41, 54, 67, 81, 94, ...; the latency is 80. The
first burst of a program makes its instructions visible in cycle 94. From then on credit is full
(2,200), and bursts start in 94, 107, 120, 134, 147, ... if nothing else holds them back.
"""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial

import numpy as np
import pytest

from apollo.arch.accelerator import Accelerator, load_design
from apollo.arch.isa import ENGINES, ComputeFlag, Engine, Ints, Opcode, Program
from apollo.simulator import engine, reference
from apollo.simulator.stalls import StallCause, stall_cycles
from apollo.simulator.timeline import Timeline
from tests.simulator.agreement import count_causes
from tests.simulator.build import compute, load_activations, load_parameters, move, store, tile
from tests.strategies import Instruction, make_program

Simulate = Callable[[Program, Accelerator], Timeline]

V1 = load_design("edge_tpu_v1")
PARAM, ACT, MOVE, COMPUTE, STORE = Engine
FIRST = 94  # cycle in which the first burst of a program is visible
SECOND = 107  # the same of the second


@pytest.fixture(
    params=[reference.simulate, engine.simulate, partial(engine.simulate, skip=False)],
    ids=["reference", "kernel", "kernel_without_skips"],
)
def simulate(request: pytest.FixtureRequest) -> Simulate:
    implementation: Simulate = request.param
    return implementation


def columns(timeline: Timeline) -> tuple[list[int], list[int]]:
    return timeline.start.tolist(), timeline.finish.tolist()


def tile_cycles(simulate: Simulate, instruction: Instruction, lanes: int = 64) -> int:
    timeline = simulate(make_program([instruction]), replace(V1, lanes=lanes))
    return int(timeline.finish[0] - timeline.start[0])


def test_m02_what_phase_1_frees_is_usable_in_the_same_cycle(simulate: Simulate) -> None:
    program = make_program(
        [load_parameters(256), tile(100, PARAM=1), move(64, COMPUTE=1), store(64, MOVE=1)]
    )
    assert columns(simulate(program, V1)) == ([94, 178, 278, 279], [178, 278, 279, 281])


def test_m02_one_start_a_cycle_and_engine(simulate: Simulate) -> None:
    program = make_program([store(1)] * 3 + [load_activations(1)] * 2)
    timeline = simulate(program, V1)
    # A store's packet is granted in the cycle of its start. The first load issues in 94, so the
    # second may start in 95.
    assert timeline.start.tolist() == [94, 95, 96, 94, 95]


def test_m02_phases_after_the_first_are_seen_by_the_next(simulate: Simulate) -> None:
    # started in phase 2, granted in phase 3, on the channel in phase 4 of the same cycle
    timeline = simulate(make_program([move(64), load_parameters(64)]), V1)
    assert columns(timeline) == ([94, 94], [95, 175])


def test_m03_instructions_straddle_bursts(simulate: Simulate) -> None:
    program = make_program([tile(9)] * 11)  # 48 B each: 0-47, ..., 240-287, ..., 480-527
    timeline = simulate(program, replace(V1, instruction_memory_bytes=512))
    # Bursts in 14 and 27. Tile 10 needs burst 2, which waits for 256 B of retired instructions:
    # 6 tiles (288 B). Tiles run from 94 to 139 (5), and from 139 to 148 (the sixth).
    assert timeline.visible.tolist() == [94] * 5 + [107] * 5 + [148 + 80]
    assert timeline.finish.tolist() == [*range(103, 185, 9), 228 + 9]


def test_m03_an_instruction_may_wait_for_all_before_it(simulate: Simulate) -> None:
    program = make_program([move(64), move(64, MOVE=1), move(64, MOVE=2)])
    assert columns(simulate(program, V1)) == ([94, 95, 96], [95, 96, 97])


@pytest.mark.parametrize(
    ("instructions", "problem"),
    [
        ([move(0)], "has a size below 1"),
        ([load_parameters(1, segments=0)], "has a size below 1"),
        ([compute(Opcode.COPY, 1, 1, 1, taps=0)], "has a size below 1"),
        ([move(1, MOVE=1)], "waits for an instruction that comes later"),
        ([move(1, STORE=1), store(1)], "waits for an instruction that comes later"),
    ],
)
def test_m03_invalid_programs(instructions: list[Instruction], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        make_program(instructions)


def test_m03_a_ring_of_one_burst_is_refused(simulate: Simulate) -> None:
    straddling = make_program([tile(9)] * 6)  # would hang: by the design or by the simulator
    with pytest.raises(ValueError, match=r"instruction_memory_bytes must|hangs|never finishes"):
        simulate(straddling, replace(V1, instruction_memory_bytes=256))


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
    timeline = simulate(program, V1)
    assert timeline.channel_bytes.tolist() == [256, 0, 6 * 256, 3 * 256]
    assert timeline.bus_bytes.tolist() == [0, 771, 700, 0, 513]


def test_m05_credit(simulate: Simulate) -> None:
    assert V1.dram_bytes_per_cycle == Fraction(153, 8)
    timeline = simulate(make_program([move(64)] * 24), V1)  # three bursts of instructions
    # 14 * 153 = 2,142; 94 + 13 * 153 = 2,083; 35 + 13 * 153 = 2,024 is too little
    assert (timeline.visible[::8] - 80).tolist() == [14, 27, 41]


def test_m05_credit_is_capped(simulate: Simulate) -> None:
    # Idle for 53 cycles: without the cap both loads could issue at once; with a cap of 2,048 the
    # second would have to wait until 108.
    timeline = simulate(make_program([load_parameters(256), load_parameters(256)]), V1)
    assert (timeline.finish - 84).tolist() == [94, 107]


def test_m05_one_burst_a_cycle(simulate: Simulate) -> None:
    design = replace(V1, dram_gb_per_s=64, clock_mhz=225, dram_latency_ns=40)
    assert design.dram_bytes_per_cycle == 256
    assert design.dram_latency_cycles == 9
    timeline = simulate(make_program([move(64)] * 24), design)
    assert timeline.visible[::8].tolist() == [1 + 9, 2 + 9, 3 + 9]


def test_m06_round_robin(simulate: Simulate) -> None:
    program = make_program([load_parameters(512), load_activations(512), store(512)])
    # FETCH was served last: PARAM 94, ACT 107, STORE 120, PARAM 134, ACT 147, STORE 160
    # (credit left 152, 93, 34, 128, 69, 10)
    timeline = simulate(program, V1)
    assert columns(timeline) == ([94, 94, 94], [134 + 84, 147 + 84, 160 + 1])


def test_m06_round_robin_with_fetch(simulate: Simulate) -> None:
    # 10 bursts of instructions: 14, 27, 41, 54, 67, 81; in 94 the load is asked first, then they
    # alternate: FETCH 108, PARAM 121, FETCH 134, 148, 161.
    timeline = simulate(make_program([load_parameters(512)] + [move(1)] * 79), V1)
    fetched = [14, 27, 41, 54, 67, 81, 108, 134, 148, 161]
    assert timeline.visible[::8].tolist() == [cycle + 80 for cycle in fetched]
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


def test_m09_bus_in_turn(simulate: Simulate) -> None:
    # Packets of 4 cycles: MOVE 94, STORE 98, MOVE 102, STORE 106, MOVE 110.
    timeline = simulate(make_program([move(768), store(512)]), V1)
    # the store's bursts start in 102 and, with 152 of credit left, in 115
    assert columns(timeline) == ([94, 94], [114, 116])


def test_m09_buses_are_not_preempted_and_the_parameter_bus_is_private(simulate: Simulate) -> None:
    # 30 packets of MOVE from 94. Data for PARAM arrive in 174 and cross their own bus; data for
    # ACT arrive in 187, in the middle of a packet that ends in 190.
    program = make_program([load_parameters(256), load_activations(256), move(30 * 256)])
    assert simulate(program, V1).finish.tolist() == [178, 194, 94 + 31 * 4]


def test_m09_three_in_turn(simulate: Simulate) -> None:
    # A packet of 256 B takes 32 cycles. STORE was served last when all three ask in 174:
    # ACT 174, MOVE 206, STORE 238, ACT 270, MOVE 302, STORE 334.
    program = make_program(
        [load_activations(512), store(64), tile(80), move(512, COMPUTE=1), store(512, COMPUTE=1)]
    )
    timeline = simulate(program, replace(V1, activation_bus_bytes=8))
    # the first store has its turn on the channel in 107, after the first burst of ACT
    assert timeline.finish.tolist() == [302, 108, 174, 334, 367]


@pytest.mark.parametrize(("size", "width", "cycles"), [(1, 64, 1), (65, 64, 2), (256, 31, 9)])
def test_m09_width(simulate: Simulate, size: int, width: int, cycles: int) -> None:
    design = replace(V1, parameter_bus_bytes=width)
    assert columns(simulate(make_program([load_parameters(size)]), design))[1] == [174 + cycles]


def test_m10_move(simulate: Simulate) -> None:
    timeline = simulate(make_program([move(600), move(64)]), V1)
    assert columns(timeline) == ([94, 104], [104, 105])


def test_m11_store(simulate: Simulate) -> None:
    # granted in 94, in the write buffer in 98, on the channel in 98, retired in 99; the second
    # may start in 95, is granted in 98 and starts its burst in 111
    timeline = simulate(make_program([store(256), store(256)]), V1)
    assert columns(timeline) == ([94, 95], [99, 112])


def test_m11_write_buffer(simulate: Simulate) -> None:
    timeline = simulate(make_program([store(8 * 256), store(256)]), V1)
    # Channel: 98, 111, 124, 138, 151, 164, 178, 191, then 205. Bus: 94, 98, 102, 106, 110, 114;
    # then four packets are in the buffer until 124: 125 and, after 138, 139. The second store
    # starts in 140 and is granted after 151.
    assert columns(timeline) == ([94, 140], [192, 206])


def test_m12_fetch(simulate: Simulate) -> None:
    design = replace(V1, instruction_memory_bytes=512)
    timeline = simulate(make_program([move(64)] * 24), design)
    # Burst 2 needs 256 B of leading retired instructions: eight moves of a cycle, by 102.
    assert timeline.visible.tolist() == [94] * 8 + [107] * 8 + [182] * 8


def test_m12_only_leading_instructions_free_the_ring(simulate: Simulate) -> None:
    design = replace(V1, instruction_memory_bytes=512)
    timeline = simulate(make_program([tile(200)] + [move(64)] * 22), design)
    # The tile (48 B) comes first and retires in 294; a move's last byte is 47 + 32 * its index.
    assert timeline.visible.tolist() == [94] * 7 + [107] * 8 + [374] * 8


def test_m12_the_last_burst_needs_room_as_a_whole(simulate: Simulate) -> None:
    # 17 moves are 544 B: the third burst holds 32 B, and still needs 3 * 256 B.
    design = replace(V1, instruction_memory_bytes=544)
    timeline = simulate(make_program([move(64)] * 17), design)
    # 544 + 7 * 32 = 768: seven moves have retired in 101
    assert timeline.visible.tolist() == [94] * 8 + [107] * 8 + [181]


def test_m13_compute(simulate: Simulate) -> None:
    timeline = simulate(make_program([tile(20), tile(30)]), V1)
    assert columns(timeline) == ([94, 114], [114, 144])


def test_m14_inference(simulate: Simulate) -> None:
    # Inferences do not overlap, so a run depends on nothing that ran before it; a warm inference
    # is the program without the loads of what stayed.
    cold = make_program([load_parameters(256), load_activations(64), tile(20, PARAM=1, ACT=1)])
    warm = make_program([load_activations(64), tile(20, ACT=1)])
    latencies = [simulate(program, V1).latency_cycles for program in (cold, warm, cold, warm)]
    # cold: ACT's burst in 107, 64 B arrive in 187; warm: in 94, arrive in 174
    assert latencies == [188 + 20, 175 + 20, 188 + 20, 175 + 20]


def stalls_of_reference(program: Program, accelerator: Accelerator) -> Ints:
    return count_causes(reference.stall_causes(program, accelerator))


def stalls_of_kernel(program: Program, accelerator: Accelerator) -> Ints:
    return stall_cycles(engine.simulate(program, accelerator))


@pytest.mark.parametrize("stalls", [stalls_of_reference, stalls_of_kernel])
def test_m15_stall_cause(stalls: Callable[[Program, Accelerator], Ints]) -> None:
    program = make_program(
        [
            load_parameters(256),
            load_activations(64),
            move(64, ACT=1),
            tile(30, PARAM=1, MOVE=1),
            store(64, COMPUTE=1, MOVE=1),
        ]
    )
    # PARAM 94 to 178, ACT 94 to 188, MOVE 188 to 189, COMPUTE 189 to 219, STORE 219 to 221
    expected = np.zeros((ENGINES, len(StallCause)), dtype=np.int64)
    expected[:, StallCause.FETCH] = FIRST
    expected[:4, StallCause.END] = [221 - 178, 221 - 188, 221 - 189, 221 - 219]
    expected[MOVE, StallCause.ACT] = 188 - 94
    expected[COMPUTE, StallCause.PARAM] = 178 - 94  # the first that holds, though MOVE is late too
    expected[COMPUTE, StallCause.MOVE] = 189 - 178
    expected[STORE, StallCause.MOVE] = 189 - 94
    expected[STORE, StallCause.COMPUTE] = 219 - 189
    np.testing.assert_array_equal(stalls(program, V1), expected)


@pytest.mark.parametrize("stalls", [stalls_of_reference, stalls_of_kernel])
def test_m15_fetch_comes_before_waits(
    stalls: Callable[[Program, Accelerator], Ints],
) -> None:
    program = make_program(
        [load_parameters(256), load_parameters(256, PARAM=1), tile(20)]
        + [move(64)] * 5  # the last one ends at byte 272, in the second burst
        + [store(64, PARAM=2)]
    )
    # The second load waits for the first: 94 to 178, and 178 to 262. The store stands for FETCH
    # until 107, then for PARAM until 262; it retires in 264. MOVE: 94 to 98, and in 107.
    counted = stalls(program, V1)
    assert counted[PARAM].tolist() == [2, 94, 0, 0, 0, 0, 0]
    assert counted[MOVE].tolist() == [264 - 108, 94 + 9, 0, 0, 0, 0, 0]
    assert counted[STORE].tolist() == [0, SECOND, 262 - 107, 0, 0, 0, 0]


def test_m16_convolve(simulate: Simulate) -> None:
    assert tile_cycles(simulate, compute(Opcode.CONVOLVE, 49, 1024, 64)) == 12_552
    # ceilings: 2 * ceil(5/4) * 9 * ceil(65/64) = 72
    assert tile_cycles(simulate, compute(Opcode.CONVOLVE, 2, 5, 65, 9)) == 72 + 8


@pytest.mark.parametrize(
    ("flags", "cycles"),
    [
        (ComputeFlag.NONE, 100),
        (ComputeFlag.ACCUMULATE, 204),  # (400 + 25,600) / 128 = 203.1
        (ComputeFlag.PARTIAL, 200),  # 25,600 / 128
        (ComputeFlag.ACCUMULATE | ComputeFlag.PARTIAL, 204),
    ],
)
def test_m16_convolve_partial_sums(simulate: Simulate, flags: ComputeFlag, cycles: int) -> None:
    instruction = compute(Opcode.CONVOLVE, 100, 4, 64, flags=flags)
    assert tile_cycles(simulate, instruction) == cycles + 8


@pytest.mark.parametrize("opcode", [opcode for opcode in Opcode if opcode > Opcode.CONVOLVE])
def test_m16_flags_change_only_convolve(simulate: Simulate, opcode: Opcode) -> None:
    plain, flagged = (compute(opcode, 10, 4, 64, flags=flags) for flags in (0, 3))
    assert tile_cycles(simulate, flagged) == tile_cycles(simulate, plain)


def test_m16_convolve_bound_by_reading(simulate: Simulate) -> None:
    # one lane: a step reads 4 B through a port of 2 B a cycle
    assert tile_cycles(simulate, compute(Opcode.CONVOLVE, 10, 4, 3), lanes=1) == 60 + 8


def test_m17_depthwise(simulate: Simulate) -> None:
    assert tile_cycles(simulate, compute(Opcode.DEPTHWISE, 196, 64, 64, 9)) == 988
    assert tile_cycles(simulate, compute(Opcode.DEPTHWISE, 10, 65, 65, 4)) == 10 * 2 * 2 + 8


@pytest.mark.parametrize("opcode", [Opcode.POOL_MAX, Opcode.POOL_AVERAGE])
def test_m18_pool(simulate: Simulate, opcode: Opcode) -> None:
    assert tile_cycles(simulate, compute(opcode, 196, 64, 64, 9)) == 988


@pytest.mark.parametrize("opcode", [Opcode.ADD, Opcode.MULTIPLY, Opcode.LOOKUP, Opcode.COPY])
def test_m19_vector_operations(simulate: Simulate, opcode: Opcode) -> None:
    assert tile_cycles(simulate, compute(opcode, 196, 96, 96)) == 400
    assert tile_cycles(simulate, compute(opcode, 196, 96, 96, taps=3)) == 3 * 392 + 8


@pytest.mark.parametrize(
    ("opcode", "taps"), [(Opcode.SOFTMAX, 4), (Opcode.NORMALIZE, 5 + 2)], ids=["softmax", "lrn"]
)
def test_m20_softmax_and_normalize(simulate: Simulate, opcode: Opcode, taps: int) -> None:
    # 10 positions of 100 channels: two groups of 64 lanes
    assert tile_cycles(simulate, compute(opcode, 10, 100, 100, taps)) == 20 * taps + 8

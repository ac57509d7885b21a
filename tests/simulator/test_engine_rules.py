"""The worked examples of buses, engines and stalls, under the rule's number: M9 to M15."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import ENGINES, Engine
from apollo.arch.program import Program
from apollo.simulator import engine, reference
from apollo.simulator.stalls import StallCause, stall_cycles
from apollo.simulator.timeline import Timeline
from tests.instructions import make_program
from tests.simulator.agreement import count_causes
from tests.simulator.build import (
    drain,
    load_activations,
    load_parameters,
    matmul,
    move,
    shift,
    store,
    tile,
)
from tests.simulator.designs import ARRAY, FIRST, LINK, NARROW, SECOND, V1, columns

Simulate = Callable[[Program, Accelerator], Timeline]
Ints = npt.NDArray[np.int64]

PARAM, ACT, MOVE, COMPUTE, STORE = Engine


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


def test_m10_delay(simulate: Simulate) -> None:
    # The drain has a delay of 54 and 320 B: it asks for the bus from 148, for 4 + 1 cycles. Until
    # then the bus is the store's.
    timeline = simulate(make_program([drain(10, 32), move(64), store(256)]), ARRAY)
    assert columns(timeline) == ([94, 153, 94], [153, 154, 99])


def test_m10_delay_while_others_have_the_bus(simulate: Simulate) -> None:
    # An 8 B bus: the store's packets cross in 94 to 126, 126 to 158 and 158 to 190. The drain asks
    # from 148, is granted in 158, before the store's third, and 32 B last until 162.
    design = replace(ARRAY, activation_bus_bytes=8)
    timeline = simulate(make_program([drain(1, 32), store(768)]), design)
    assert columns(timeline) == ([94, 94], [162, 194 + 1])


def test_m10_without_bytes(simulate: Simulate) -> None:
    timeline = simulate(make_program([shift(), move(64), shift()]), ARRAY)
    assert columns(timeline) == ([94, 110, 111], [110, 111, 127])
    assert timeline.bus_bytes[MOVE] == 64


def test_m10_a_move_that_only_fills(simulate: Simulate) -> None:
    timeline = simulate(make_program([move(0), move(64)]), V1)
    assert columns(timeline) == ([94, 95], [95, 96])
    assert timeline.bus_bytes[MOVE] == 64


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


def test_m11_store_over_the_link(simulate: Simulate) -> None:
    timeline = simulate(make_program([store(256), store(256)]), LINK)
    # on the link in 98 (credit is full, 1,363) and in 113 (83 + 15 * 84 = 1,343)
    assert columns(timeline) == ([94, 95], [99, 114])


def test_m12_fetch(simulate: Simulate) -> None:
    design = replace(V1, instruction_memory_bytes=512)
    timeline = simulate(make_program([move(64)] * 12), design)
    # Burst 2 needs 256 B of leading retired instructions: four moves of a cycle, by 98.
    assert timeline.visible.tolist() == [94] * 4 + [107] * 4 + [178] * 4


def test_m12_only_leading_instructions_free_the_ring(simulate: Simulate) -> None:
    design = replace(V1, instruction_memory_bytes=512)
    timeline = simulate(make_program([tile(200)] + [move(64)] * 11), design)
    # The tile comes first and retires in 294.
    assert timeline.visible.tolist() == [94] * 4 + [107] * 4 + [374] * 4


def test_m12_the_last_burst_needs_room_as_a_whole(simulate: Simulate) -> None:
    # Nine moves are 576 B: the third burst holds 64 B, and still needs 3 * 256 B.
    design = replace(V1, instruction_memory_bytes=544)
    timeline = simulate(make_program([move(64)] * 9), design)
    # 544 + 4 * 64 = 800: four moves have retired in 98
    assert timeline.visible.tolist() == [94] * 4 + [107] * 4 + [178]


def test_m12_an_instruction_of_several_bursts(simulate: Simulate) -> None:
    # 9 come in a cycle, up to 24, and a burst costs 16: bursts in 2, 4, 6, 8, then 9, 11, 13, 15
    timeline = simulate(make_program([move(64)] * 2), NARROW)
    assert timeline.visible.tolist() == [8 + 80, 15 + 80]


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
    # PARAM 94 to 178, ACT 94 to 188, MOVE 188 to 189, COMPUTE 189 to 219, STORE 219 to 221. The
    # store ends at byte 304, in the second burst.
    expected = np.zeros((ENGINES, len(StallCause)), dtype=np.int64)
    expected[:, StallCause.FETCH] = [FIRST, FIRST, FIRST, FIRST, SECOND]
    expected[:4, StallCause.END] = [221 - 178, 221 - 188, 221 - 189, 221 - 219]
    expected[MOVE, StallCause.ACT] = 188 - 94
    expected[COMPUTE, StallCause.PARAM] = 178 - 94  # the first that holds, though MOVE is late too
    expected[COMPUTE, StallCause.MOVE] = 189 - 178
    expected[STORE, StallCause.MOVE] = 189 - SECOND
    expected[STORE, StallCause.COMPUTE] = 219 - 189
    np.testing.assert_array_equal(stalls(program, V1), expected)


@pytest.mark.parametrize("stalls", [stalls_of_reference, stalls_of_kernel])
def test_m15_fetch_comes_before_waits(
    stalls: Callable[[Program, Accelerator], Ints],
) -> None:
    program = make_program([load_parameters(256), tile(20), move(64), move(64), store(64, PARAM=1)])
    # The store is in the second burst: it stands for FETCH until 107, then for PARAM until 178,
    # and retires in 180. MOVE: 94 to 96.
    counted = stalls(program, V1)
    assert counted[PARAM].tolist() == [2, 94, 0, 0, 0, 0, 0]
    assert counted[MOVE].tolist() == [180 - 96, 94, 0, 0, 0, 0, 0]
    assert counted[STORE].tolist() == [0, SECOND, 178 - SECOND, 0, 0, 0, 0]


@pytest.mark.parametrize("stalls", [stalls_of_reference, stalls_of_kernel])
def test_m15_a_delay_is_no_stall(stalls: Callable[[Program, Accelerator], Ints]) -> None:
    program = make_program([shift(), matmul(20, MOVE=1), drain(1, 1, COMPUTE=1)])
    # MOVE: shift 94 to 110, waits for COMPUTE until 130, drain 130 to 185
    counted = stalls(program, ARRAY)
    assert counted[MOVE].tolist() == [0, 94, 0, 0, 0, 20, 0]
    assert counted[COMPUTE].tolist() == [185 - 130, 94, 0, 0, 16, 0, 0]

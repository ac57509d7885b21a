"""The worked examples of what a tile costs, under the rule's number: M16 to M21 and M28.

Tiles of lanes run on Edge TPU V1: 4 cores of 64 lanes. A port moves 128 B a cycle.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from apollo.arch.accelerator import Accelerator
from apollo.arch.isa import Opcode
from apollo.arch.operands import ComputeFlag
from apollo.arch.program import Program
from apollo.simulator.timeline import Timeline
from tests.instructions import Instruction, make_program
from tests.simulator.build import drain, matmul, shift, sparse, vector, window
from tests.simulator.designs import ARRAY, V1

Simulate = Callable[[Program, Accelerator], Timeline]

ACCUMULATE, PARTIAL = ComputeFlag.ACCUMULATE, ComputeFlag.PARTIAL
SPLIT = ComputeFlag.SPLIT_POSITIONS
SOURCE, SECOND = ComputeFlag.WIDE_SOURCE, ComputeFlag.WIDE_SECOND
DESTINATION, STATIONARY = ComputeFlag.WIDE_DESTINATION, ComputeFlag.OUTPUT_STATIONARY


def cycles_of(simulate: Simulate, instruction: Instruction, design: Accelerator = V1) -> int:
    timeline = simulate(make_program([instruction]), design)
    return int(timeline.finish[0] - timeline.start[0])


def test_m16_convolve(simulate: Simulate) -> None:
    assert cycles_of(simulate, window(Opcode.CONVOLVE, 49, 1024, 64)) == 12_552
    # ceilings: 2 * ceil(5/4) * 9 * ceil(65/64) = 72
    assert cycles_of(simulate, window(Opcode.CONVOLVE, 2, 5, 65, 9)) == 72 + 8


def test_m16_taps_and_positions_are_products(simulate: Simulate) -> None:
    sizes = dict(rows=7, columns=5, kernel_rows=3, kernel_columns=2, in_channels=4)
    assert cycles_of(simulate, Instruction(Opcode.CONVOLVE, sizes)) == 35 * 6 + 8


def test_m16_split_positions(simulate: Simulate) -> None:
    # 4 cores: ceil(49 / 4) = 13 positions
    assert cycles_of(simulate, window(Opcode.CONVOLVE, 49, 1024, 64, flags=SPLIT)) == 3336


@pytest.mark.parametrize(
    ("flags", "cycles"),
    [
        (0, 100),
        (ACCUMULATE, 204),  # (400 + 25,600) / 128 = 203.1
        (PARTIAL, 200),  # 25,600 / 128
        (ACCUMULATE | PARTIAL, 204),
        (DESTINATION, 100),  # 12,800 / 128
        (PARTIAL | DESTINATION, 200),
        (SOURCE, 200),
        (SOURCE | ACCUMULATE, 207),  # (800 + 25,600) / 128 = 206.25
        (ACCUMULATE | PARTIAL | SPLIT, 51),  # (100 + 6,400) / 128 = 50.8
    ],
)
def test_m16_sums_and_widths(simulate: Simulate, flags: int, cycles: int) -> None:
    instruction = window(Opcode.CONVOLVE, 100, 4, 64, flags=flags)
    assert cycles_of(simulate, instruction) == cycles + 8


def test_m16_bound_by_reading(simulate: Simulate) -> None:
    # one lane: a step reads 4 B through a port of 2 B a cycle
    instruction = window(Opcode.CONVOLVE, 10, 4, 3)
    assert cycles_of(simulate, instruction, replace(V1, lanes=1)) == 60 + 8


def test_m17_depthwise(simulate: Simulate) -> None:
    assert cycles_of(simulate, window(Opcode.DEPTHWISE, 196, 64, 64, 9)) == 988
    assert cycles_of(simulate, window(Opcode.DEPTHWISE, 10, 65, 65, 4)) == 10 * 2 * 2 + 8


@pytest.mark.parametrize(
    ("flags", "cycles"),
    [
        (ACCUMULATE, 1372),  # 980 steps read 128 B each, and 50,176 B more: 392 cycles
        (PARTIAL, 980),
        (SOURCE, 1960),
        (SPLIT, 245),
    ],
)
def test_m17_sums_and_widths(simulate: Simulate, flags: int, cycles: int) -> None:
    instruction = window(Opcode.DEPTHWISE, 196, 64, 64, 9, flags=flags)
    assert cycles_of(simulate, instruction) == cycles + 8


@pytest.mark.parametrize("opcode", [Opcode.POOL_MAX, Opcode.POOL_AVERAGE])
def test_m18_pool(simulate: Simulate, opcode: Opcode) -> None:
    # 49 positions of 64 channels over 2 x 2: 49 * 2 steps; of 16 bits: twice
    assert cycles_of(simulate, window(opcode, 49, 64, 64, 4)) == 106
    assert cycles_of(simulate, window(opcode, 49, 64, 64, 4, SOURCE)) == 204
    assert cycles_of(simulate, window(opcode, 49, 64, 64, 4, SPLIT)) == 13 * 2 + 8


@pytest.mark.parametrize("opcode", [Opcode.ADD, Opcode.MULTIPLY, Opcode.LOOKUP, Opcode.COPY])
def test_m19_vector_operations(simulate: Simulate, opcode: Opcode) -> None:
    assert cycles_of(simulate, vector(opcode, 196, 96)) == 400
    assert cycles_of(simulate, vector(opcode, 196, 96, 3)) == 3 * 392 + 8
    assert cycles_of(simulate, vector(opcode, 196, 96, flags=SPLIT)) == 49 * 2 + 8


@pytest.mark.parametrize(
    ("opcode", "flags", "cycles"),
    [
        (Opcode.ADD, 0, 10),  # 1,280 B read
        (Opcode.ADD, SOURCE, 15),  # (2 + 1) * 640 / 128
        (Opcode.ADD, SECOND, 15),
        (Opcode.ADD, SOURCE | SECOND, 20),
        (Opcode.ADD, SOURCE | SECOND | DESTINATION, 20),
        (Opcode.LOOKUP, SOURCE, 10),
        (Opcode.LOOKUP, DESTINATION, 10),
    ],
)
def test_m19_widths(simulate: Simulate, opcode: Opcode, flags: int, cycles: int) -> None:
    assert cycles_of(simulate, vector(opcode, 10, 64, flags=flags)) == cycles + 8


@pytest.mark.parametrize(("passes", "cycles"), [(1, 15), (4, 60)])
def test_m19_reads_in_every_pass(simulate: Simulate, passes: int, cycles: int) -> None:
    instruction = vector(Opcode.ADD, 10, 64, passes, SOURCE)
    assert cycles_of(simulate, instruction) == cycles + 8


@pytest.mark.parametrize(
    ("opcode", "passes"),
    [(Opcode.SOFTMAX, 4), (Opcode.STANDARDIZE, 4), (Opcode.NORMALIZE, 5 + 2)],
    ids=["softmax", "standardize", "lrn"],
)
def test_m20_across_channels(simulate: Simulate, opcode: Opcode, passes: int) -> None:
    # 10 positions of 100 channels: two groups of 64 lanes
    assert cycles_of(simulate, vector(opcode, 10, 100, passes)) == 20 * passes + 8


@pytest.mark.parametrize(("flags", "cycles"), [(0, 16), (SECOND, 32)])
def test_m21_shift_weights(simulate: Simulate, flags: int, cycles: int) -> None:
    assert cycles_of(simulate, shift(flags), ARRAY) == cycles


@pytest.mark.parametrize(
    ("flags", "cycles"), [(0, 100), (SOURCE, 200), (SECOND, 200), (SOURCE | SECOND, 400)]
)
def test_m21_matmul(simulate: Simulate, flags: int, cycles: int) -> None:
    assert cycles_of(simulate, matmul(100, 16, flags), ARRAY) == cycles
    assert cycles_of(simulate, matmul(100, 16, flags | ACCUMULATE), ARRAY) == cycles


def test_m21_matmuls_follow_without_a_gap(simulate: Simulate) -> None:
    timeline = simulate(make_program([matmul(3), matmul(1), matmul(2)]), ARRAY)
    assert timeline.start.tolist() == [94, 97, 98]
    assert timeline.finish.tolist() == [97, 98, 100]


@pytest.mark.parametrize(
    ("k", "flags", "cycles"),
    [(100, 0, 100), (10, 0, 16), (10, SOURCE, 20), (7, SOURCE | SECOND, 28), (1, SECOND, 16)],
)
def test_m21_output_stationary(simulate: Simulate, k: int, flags: int, cycles: int) -> None:
    for positions in (1, 16):
        instruction = matmul(positions, k, flags | STATIONARY)
        assert cycles_of(simulate, instruction, ARRAY) == cycles


def test_m21_output_stationary_counts_taps(simulate: Simulate) -> None:
    sizes = dict(kernel_rows=3, kernel_columns=2, in_channels=7, flags=STATIONARY)
    assert cycles_of(simulate, Instruction(Opcode.MATMUL, sizes), ARRAY) == 42


@pytest.mark.parametrize(
    ("flags", "cycles", "size"),
    [
        (0, 54 + 4 + 1, 320),
        (DESTINATION, 54 + 4 + 4 + 2, 640),
        (PARTIAL, 54 + 5 * 4, 1280),
        (PARTIAL | DESTINATION, 54 + 5 * 4, 1280),
        (STATIONARY, 54 + 16 + 4 + 1, 320),
    ],
)
def test_m21_drain(simulate: Simulate, flags: int, cycles: int, size: int) -> None:
    program = make_program([drain(10, 32, flags)])
    timeline = simulate(program, ARRAY)
    assert timeline.finish[0] - timeline.start[0] == cycles
    assert timeline.bus_bytes.tolist() == [0, 0, size, 0, 0]


@pytest.mark.parametrize(("m", "cycles"), [(40, 16 + 2 * 40 + 40), (10, 16 + 2 * 16 + 10)])
def test_m21_tiles_with_two_buffers(simulate: Simulate, m: int, cycles: int) -> None:
    # the shift of tile t + 1 waits for MATMUL t - 1, MATMUL t + 1 for its shift
    rows = [shift(), matmul(m, MOVE=1), shift(), matmul(m, MOVE=2)]
    rows += [shift(COMPUTE=1), matmul(m, MOVE=3)]
    timeline = simulate(make_program(rows), ARRAY)
    assert timeline.finish[-1] - timeline.start[0] == cycles


def test_m21_vector_unit_beside_the_array(simulate: Simulate) -> None:
    assert cycles_of(simulate, vector(Opcode.ADD, 196, 96), ARRAY) == 400


def test_m28_sparse(simulate: Simulate) -> None:
    assert cycles_of(simulate, sparse(196, 20, 20 * 7)) == 568


@pytest.mark.parametrize(("flags", "cycles"), [(SOURCE, 1120), (SPLIT, 140), (DESTINATION, 560)])
def test_m28_widths(simulate: Simulate, flags: int, cycles: int) -> None:
    assert cycles_of(simulate, sparse(196, 20, 20 * 7, flags)) == cycles + 8


@pytest.mark.parametrize(("flags", "cycles"), [(0, 31), (DESTINATION, 62)])
def test_m28_without_non_zeros_the_results_are_written(
    simulate: Simulate, flags: int, cycles: int
) -> None:
    # 196 * 20 = 3,920 B through 128 B a cycle
    assert cycles_of(simulate, sparse(196, 20, 0, flags)) == cycles + 8

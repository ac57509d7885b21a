import math
from dataclasses import replace

import numpy as np
import pytest

from apollo.arch.accelerator import Accelerator, load_design
from apollo.arch.isa import Opcode
from apollo.compiler.errors import DoesNotFit
from apollo.compiler.systolic.blocked import compile_blocked_gemm
from apollo.compiler.systolic.blocked_convolution import compile_blocked_convolution
from apollo.compiler.systolic.blocking import Block, Room, gemm_block, grow, halve
from apollo.compiler.systolic.blocking_convolution import (
    ConvolutionBlock,
    ConvolutionRoom,
    convolution_block,
)
from apollo.compiler.systolic.layers import Range, Shape, Window
from apollo.simulator.engine import simulate
from tests.compiler.systolic.values import (
    chip,
    random_values,
    requantisation,
    requantised,
    run_matrix,
    windows,
)

GEMMINI = load_design("gemmini")
# Scratchpad of 16,384 rows and 1,024 accumulator rows in halves, tiles of 16 rows.
PUBLISHED = Room(operands=512, first=512, second=512, sums=32)


@pytest.mark.parametrize(
    ("whole", "block"),
    [
        # Worked by hand: side isqrt(32) = 5, depth 256 // 5 = 51; 5 x 6 sums fit, 6 x 6 do not.
        (Block(4, 4, 4), Block(4, 4, 4)),
        (Block(8, 8, 8), Block(5, 6, 8)),
        (Block(64, 64, 64), Block(5, 5, 51)),
        # In turn: 6 columns, depth 52; 7, 53; 8, 54 (486 operands); then 56 (504) at most.
        (Block(1, 64, 64), Block(1, 8, 56)),
    ],
)
def test_the_rule_of_the_library(whole: Block, block: Block) -> None:
    assert grow(whole, PUBLISHED) == block


def test_a_block_cannot_grow() -> None:
    plan = halve(GEMMINI)
    for m, k, n in ((100, 700, 300), (33, 5000, 17), (1000, 10, 1000)):
        block = gemm_block(m, k, n, GEMMINI, plan)
        assert block.rows * block.columns * 16 <= plan.sum_rows
        assert block.rows * block.depth * 256 <= plan.first_bytes
        assert block.depth * block.columns * 256 <= plan.second_bytes
    assert 2 * (plan.first_bytes + plan.result_bytes) <= GEMMINI.pe_memory_bytes
    assert 2 * (plan.second_bytes + plan.record_bytes) <= GEMMINI.core_memory_bytes


SMALL = chip(4, 4, 32, pe_memory_bytes=1024)
CASES = [(GEMMINI, shape) for shape in ((1, 1, 1), (5, 7, 9), (64, 64, 64), (90, 600, 70))]
CASES += [(SMALL, shape) for shape in ((1, 1, 1), (5, 7, 9), (17, 60, 19))]


@pytest.mark.parametrize(("design", "shape"), CASES)
def test_values(design: Accelerator, shape: tuple[int, int, int]) -> None:
    m, k, n = shape
    random = np.random.default_rng(k)
    clamp = Range(3, -90, 100)
    compiled = compile_blocked_gemm(m, k, n, design, clamp=clamp)
    x, weights = random_values(random, m, 1, 1, k), random_values(random, k, n)
    values = requantisation(random, n, np.sqrt(k) * 5000)
    found = run_matrix(compiled, design, "gemm", x, weights, values)
    expected = requantised(x.reshape(m, k) @ weights, values, clamp)
    np.testing.assert_array_equal(found.reshape(m, n), expected)


def test_operands_are_loaded_once_for_every_block() -> None:
    m, k, n = 200, 300, 150
    block = gemm_block(m, k, n, GEMMINI, halve(GEMMINI))
    program = compile_blocked_gemm(m, k, n, GEMMINI).program
    moved = {
        opcode: int(np.prod(program.operand[program.opcode == opcode][:, :2], axis=1).sum())
        for opcode in (Opcode.LOAD_ACTIVATIONS, Opcode.STORE)
    }
    assert moved[Opcode.LOAD_ACTIVATIONS] == m * k * math.ceil(n / (16 * block.columns))
    assert moved[Opcode.STORE] == m * n


def test_blocks_overlap() -> None:
    """The array works most of the time, which without halves it could not."""
    compiled = compile_blocked_gemm(256, 256, 256, GEMMINI)
    cycles = simulate(compiled.program, GEMMINI).latency_cycles
    assert 256**3 / 256 <= cycles <= 1.1 * 256**3 / 256


def test_what_does_not_fit() -> None:
    tiny = chip(16, 16, 64, pe_memory_bytes=512)
    with pytest.raises(DoesNotFit) as caught:
        compile_blocked_gemm(64, 64, 64, tiny)
    assert (caught.value.resource, caught.value.bound) == ("pe_memory", 512)


def test_the_rule_for_convolutions() -> None:
    """A layer of ResNet-50, worked by hand: 14 x 14, 3 x 3 x 256 to 256 channels."""
    window = Window((3, 3), padding=(1, 1, 1, 1))
    room = ConvolutionRoom(window, 16, first=8192, second=8192, results=512, sums=512)
    whole = ConvolutionBlock(1, 14, 14, 256, 3, 3, 256)
    block = convolution_block(whole, room)
    assert room.holds(block)
    for name in vars(block):
        larger = replace(block, **{name: getattr(block, name) + 1})
        assert getattr(larger, name) > getattr(whole, name) or not room.holds(larger), name
    assert convolution_block(ConvolutionBlock(1, 4, 4, 16, 3, 3, 16), room).rows == 4


CONVOLUTIONS = [
    (Shape(1, 8, 8, 20), 40, Window((3, 3), padding=(1, 1, 1, 1))),
    (Shape(2, 9, 7, 3), 5, Window((5, 3), (2, 2), (2, 1, 2, 1))),
    (Shape(1, 12, 12, 70), 100, Window((1, 1))),
    (Shape(1, 10, 30, 17), 33, Window((3, 3), (1, 2), (2, 2, 0, 3), (2, 2))),
    (Shape(1, 3, 3, 4), 4, Window((3, 3), padding=(4, 4, 4, 4))),
]


@pytest.mark.parametrize("design", [GEMMINI, SMALL], ids=["gemmini", "4x4"])
@pytest.mark.parametrize(("source", "out_channels", "window"), CONVOLUTIONS)
def test_convolution(source: Shape, out_channels: int, window: Window, design: Accelerator) -> None:
    random = np.random.default_rng(out_channels)
    compiled = compile_blocked_convolution(source, out_channels, window, design, fill=3)
    x = random_values(random, source.images, source.rows, source.columns, source.channels)
    depth = window.kernel[0] * window.kernel[1] * source.channels
    weights = random_values(random, depth, out_channels)
    values = requantisation(random, out_channels, np.sqrt(depth) * 5000)
    found = run_matrix(compiled, design, "convolution", x, weights, values)
    expected = requantised(windows(x, window, 3) @ weights, values, Range())
    np.testing.assert_array_equal(found, expected)

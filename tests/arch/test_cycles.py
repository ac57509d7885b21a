"""Worked examples of the manual, M16 to M21 and M28."""

import pytest

from apollo.arch.cycles import drain_delay, matmul_cycles, shift_cycles, tile_cycles
from apollo.arch.isa import Opcode
from apollo.arch.operands import ComputeFlag

NONE = ComputeFlag.NONE
SUMS = ComputeFlag.ACCUMULATE | ComputeFlag.PARTIAL
WIDE = ComputeFlag.WIDE_SOURCE | ComputeFlag.WIDE_SECOND
STATIONARY = ComputeFlag.OUTPUT_STATIONARY


@pytest.mark.parametrize(
    ("opcode", "work", "flags", "cycles"),
    [
        (Opcode.CONVOLVE, (49, 1024, 64, 1), NONE, 49 * 256 + 8),
        (Opcode.CONVOLVE, (49, 3, 33, 9), NONE, 49 * 9 + 8),  # idle channels and lanes cost
        (Opcode.CONVOLVE, (10, 4, 64, 1), SUMS, 21 + 8),  # 2,600 B, 128 a cycle
        (Opcode.CONVOLVE, (10, 4, 64, 1), WIDE & ComputeFlag.WIDE_SOURCE, 20 + 8),
        (Opcode.DEPTHWISE, (196, 1, 64, 9), NONE, 196 * 5 + 8),
        (Opcode.DEPTHWISE, (196, 1, 64, 9), ComputeFlag.ACCUMULATE, 980 + 392 + 8),
        (Opcode.POOL_MAX, (1, 1, 65, 49), NONE, 25 * 2 + 8),
        (Opcode.POOL_MAX, (49, 1, 64, 4), ComputeFlag.WIDE_SOURCE, 49 * 2 * 2 + 8),
        (Opcode.ADD, (196, 1, 96, 1), NONE, 196 * 2 + 8),
        (Opcode.ADD, (10, 1, 64, 1), WIDE, 20 + 8),  # 2,560 B
        (Opcode.SOFTMAX, (10, 1, 100, 4), NONE, 10 * 2 * 4 + 8),
        (Opcode.SOFTMAX, (1, 1, 1001, 4), NONE, 16 * 4 + 8),
    ],
)
def test_tiles(opcode: Opcode, work: tuple[int, int, int, int], flags: int, cycles: int) -> None:
    positions, inputs, channels, taps = work
    assert tile_cycles(opcode, positions, inputs, channels, taps, flags, 0, 64) == cycles


@pytest.mark.parametrize(
    ("pairs", "flags", "cycles"),
    [(140, NONE, 568), (140, ComputeFlag.WIDE_SOURCE, 1128), (0, NONE, 31 + 8)],
)
def test_sparse_tiles(pairs: int, flags: int, cycles: int) -> None:
    found = tile_cycles(Opcode.CONVOLVE_SPARSE, 196, 1, 20, 1, flags, pairs, 64)
    assert found == cycles


@pytest.mark.parametrize(
    ("positions", "reduction", "flags", "cycles"),
    [
        (100, 16, NONE, 100),
        (100, 16, ComputeFlag.WIDE_SOURCE, 200),
        (100, 16, ComputeFlag.WIDE_SECOND, 200),
        (100, 16, WIDE, 400),
        (16, 100, STATIONARY, 100),
        (16, 10, STATIONARY, 16),  # as many as rows to shift the sums out
        (3, 10, STATIONARY | WIDE, 40),
    ],
)
def test_multiplications(positions: int, reduction: int, flags: int, cycles: int) -> None:
    assert matmul_cycles(positions, reduction, flags, 16) == cycles


@pytest.mark.parametrize(("flags", "cycles"), [(NONE, 16), (ComputeFlag.WIDE_SECOND, 32)])
def test_shifts(flags: int, cycles: int) -> None:
    assert shift_cycles(flags, 16) == cycles


@pytest.mark.parametrize(("flags", "cycles"), [(NONE, 54), (STATIONARY, 70)])
def test_drains(flags: int, cycles: int) -> None:
    assert drain_delay(flags, 16, 32) == cycles

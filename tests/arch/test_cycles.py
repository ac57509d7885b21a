"""Worked examples of the manual, M16 to M20."""

import pytest

from apollo.arch.cycles import tile_cycles
from apollo.arch.isa import ComputeFlag, Opcode

PARTIAL_IN_AND_OUT = ComputeFlag.ACCUMULATE | ComputeFlag.PARTIAL


@pytest.mark.parametrize(
    ("opcode", "work", "flags", "cycles"),
    [
        (Opcode.CONVOLVE, (49, 1024, 64, 1), 0, 49 * 256 + 8),
        (Opcode.CONVOLVE, (49, 3, 33, 9), 0, 49 * 9 + 8),  # idle channels and lanes cost
        (
            Opcode.CONVOLVE,
            (10, 4, 64, 1),
            PARTIAL_IN_AND_OUT,
            21 + 8,
        ),  # 2,600 B, 128 a cycle
        (Opcode.DEPTHWISE, (196, 1, 64, 9), 0, 196 * 5 + 8),
        (Opcode.POOL_MAX, (1, 1, 65, 49), 0, 25 * 2 + 8),
        (Opcode.ADD, (196, 1, 96, 1), 0, 196 * 2 + 8),
        (Opcode.SOFTMAX, (10, 1, 100, 4), 0, 10 * 2 * 4 + 8),
        (Opcode.SOFTMAX, (1, 1, 1001, 4), 0, 16 * 4 + 8),
    ],
)
def test_tiles(opcode: Opcode, work: tuple[int, int, int, int], flags: int, cycles: int) -> None:
    positions, inputs, channels, taps = work
    assert tile_cycles(opcode, positions, inputs, channels, taps, flags, 64) == cycles

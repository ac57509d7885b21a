"""Every refusal is one sentence that names the instruction and what is wrong with it."""

import numpy as np
import pytest

from apollo.arch.accelerator import Accelerator
from apollo.arch.assembler import assemble
from apollo.arch.extents import refuse_misfit
from apollo.simulator.functional import execute
from tests.simulator.functional.build import design, systolic

TWO = design(2, 1, pe_memory_bytes=1000, core_memory_bytes=500)
ARRAY = systolic(8, 4)
WINDOW = "rows=2 source_row_pitch=10"

MISFITS = [
    (TWO, "COPY source=990 rows=2 source_row_pitch=10",
     "(COPY) reads byte 1,000 of PE memory, of which there are 1,000"),
    (TWO, "CONVOLVE parameters=491 flags=partial destination=2 in_channels=3 kernel_columns=4",
     "(CONVOLVE) reads byte 502 of core memory, of which there are 500"),
    (TWO, "CONVOLVE source=980 kernel_rows=2 dilation_rows=2 source_row_pitch=10",
     "(CONVOLVE) reads byte 1,000 of PE memory, of which there are 1,000"),
    (TWO, "CONVOLVE rows=2 columns=2 channels=3 out_channels=3 flags=accumulate partial=953",
     "(CONVOLVE) reads byte 1,000 of PE memory, of which there are 1,000"),
    (TWO, "POOL_MAX rows=2 row_pitch=999 flags=wide_destination",
     "(POOL_MAX) writes byte 1,000 of PE memory, of which there are 1,000"),
    (TWO, "LOAD_ACTIVATIONS box_rows=11 row_pitch=100",
     "(LOAD_ACTIVATIONS) writes byte 1,000 of PE memory, of which there are 1,000"),
    (TWO, "LOAD_PARAMETERS segments=3 segment_bytes=10 destination=480 block_bytes=21",
     "(LOAD_PARAMETERS) writes byte 500 of core memory, of which there are 500"),
    (TWO, "LOAD_PARAMETERS segments=3 segment_bytes=10 dram_pitch=46 dram_address=99",
     "(LOAD_PARAMETERS) reads byte 200 of DRAM, of which there are 200"),
    (TWO, "STORE dram_address=200", "(STORE) writes byte 200 of DRAM, of which there are 200"),
    (TWO, "MOVE address=499 flags=to_core+wide",
     "(MOVE) writes byte 500 of core memory, of which there are 500"),
    (TWO, "SOFTMAX channels=11 source_channel_pitch=100",
     "(SOFTMAX) reads byte 1,000 of PE memory, of which there are 1,000"),
    (TWO, "LOOKUP parameters=245",
     "(LOOKUP) reads byte 500 of core memory, of which there are 500"),
    (TWO, "DRAIN", "(DRAIN) needs a systolic array, and the design has none (M3)"),
    (ARRAY, "DEPTHWISE", "(DEPTHWISE) needs lanes that multiply, and the design has a systolic "
     "array in their place (M3)"),
    (TWO, "COPY flags=wide_source", "(COPY) copies between elements of different widths"),
    (TWO, "NORMALIZE passes=2", "(NORMALIZE) has 2 passes, which leave no window"),
    (TWO, "STORE segment_bytes=3 flags=wide",
     "(STORE) streams 3 bytes, which are not whole elements of two bytes"),
    (ARRAY, "MATMUL in_channels=3 kernel_rows=3",
     "(MATMUL) sums 9 elements a position, but the array has 8 rows"),
    (ARRAY, "MATMUL rows=3 columns=3 flags=output_stationary",
     "(MATMUL) keeps 9 positions in the array, which has 8 rows"),
    (ARRAY, "MATMUL out_channels=5",
     "(MATMUL) has 5 output channels, but the array has 4 columns"),
    (ARRAY, "MATMUL rows=2 accumulator=63 out_channels=3",
     "(MATMUL) writes byte 1,035 of the accumulators, of which there are 1,024"),
    (ARRAY, "SHIFT_WEIGHTS in_channels=9",
     "(SHIFT_WEIGHTS) shifts 9 rows of weights, but the array has 8 rows"),
    (ARRAY, "SHIFT_WEIGHTS out_channels=5",
     "(SHIFT_WEIGHTS) has 5 output channels, but the array has 4 columns"),
    (ARRAY, "DRAIN out_channels=5",
     "(DRAIN) has 5 output channels, but the array has 4 columns"),
]  # fmt: skip


@pytest.mark.parametrize(("chip", "line", "what"), MISFITS)
def test_misfits_are_refused_without_data(chip: Accelerator, line: str, what: str) -> None:
    program = assemble(line)
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the sentence is compared below
        refuse_misfit(program, chip, 200)
    assert str(refusal.value) == f"Instruction 0 of 1 {what}."
    with pytest.raises(ValueError) as refusal:  # noqa: PT011
        execute(program, chip, np.zeros(200, np.uint8))
    assert str(refusal.value) == f"Instruction 0 of 1 {what}."


FITS = [
    (TWO, "COPY source=989 rows=2 source_row_pitch=10"),
    (TWO, "CONVOLVE rows=2 columns=2 channels=3 out_channels=3 flags=accumulate partial=952"),
    (TWO, "LOAD_PARAMETERS segments=3 segment_bytes=10 destination=470 block_bytes=99"),
    (TWO, "LOOKUP parameters=244"),
    (ARRAY, "MATMUL rows=1 accumulator=63 out_channels=4 in_channels=4 kernel_columns=2"),
]


@pytest.mark.parametrize(("chip", "line"), FITS)
def test_what_just_fits_is_accepted(chip: Accelerator, line: str) -> None:
    execute(assemble(line), chip, np.zeros(200, np.uint8))


SPARSE = "CONVOLVE_SPARSE kernel_columns=2 in_channels=2 pairs=2"
CONTRADICTIONS = [
    ("STORE segment_bytes=3 channels=3 box_channels=2 split_x=rows step_x=1",
     "(STORE) stores element (0, 0, 2), which no PE's box has"),
    ("MOVE bytes=5 rows=2 columns=3", "(MOVE) states 5 bytes, but 6 cross the bus"),
    ("MOVE bytes=6 rows=2 columns=3 flags=wide", "(MOVE) states 6 bytes, but 12 cross the bus"),
    ("MOVE bytes=4 rows=4 source_split_x=rows source_step_x=2 flags=halo box_rows=4 "
     "first_row=-1 split_x=rows step_x=2", "(MOVE) states 4 bytes, but 2 cross the bus"),
    ("MOVE bytes=5 rows=5 source_split_x=rows source_step_x=2",
     "(MOVE) moves element (4, 0, 0), which no PE holds"),
    (f"{SPARSE} parameters=0", "(CONVOLVE_SPARSE) states 2 pairs, but a core walks at least 3"),
    (f"{SPARSE} parameters=30",
     "(CONVOLVE_SPARSE) has a non-zero at index 4 of a window of 4 elements"),
    ("CONVOLVE_SPARSE parameters=489 pairs=1 kernel_columns=2",
     "(CONVOLVE_SPARSE) walks non-zeros beyond the end of core memory"),
]  # fmt: skip


def core_image() -> np.ndarray:
    image = np.zeros(500, np.uint8)
    image[9] = 5  # pairs at 0
    image[39] = 3  # pairs at 30, their steps: 1, 1, 2
    image[[41, 43, 45]] = 1, 1, 2
    image[498] = 1
    return image


@pytest.mark.parametrize(("line", "what"), CONTRADICTIONS)
def test_contradictions_are_refused_when_they_are_met(line: str, what: str) -> None:
    load = "LOAD_PARAMETERS segment_bytes=500 block_bytes=500\n"
    program = assemble(load + line + " | PARAM>=1")
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 - the sentence is compared below
        execute(program, TWO, core_image())
    assert str(refusal.value) == f"Instruction 1 of 2 {what}."


def test_memories_are_as_large_as_what_is_used() -> None:
    chip = design(32, 32, 32, pe_memory_bytes=16 << 20, core_memory_bytes=4 << 20)
    machine = execute(assemble("COPY destination=99"), chip, np.zeros(1, np.uint8))
    assert machine.pe_memory.shape == (1024, 100)
    assert machine.core_memory.shape == (1024, 32, 0)


def test_a_warm_run_finds_what_the_cold_one_left() -> None:
    chip, image = design(2, 1, 2), np.arange(40, dtype=np.uint8)
    cold = execute(assemble("LOAD_PARAMETERS segment_bytes=9 block_bytes=9"), chip, image)
    warm = execute(assemble("LOAD_PARAMETERS dram_address=30 destination=12"), chip, image, cold)
    assert warm.core_memory[1, 1].tolist() == [*range(9), 0, 0, 0, 30]
    assert cold.core_memory.shape == (2, 2, 9)
